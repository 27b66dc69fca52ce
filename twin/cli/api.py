"""Talks to a running twin over its HTTP API; the only importer of httpx. Errors come out as one plain sentence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import typer

DEFAULT_URL = "http://127.0.0.1:8080"


class TwinApi:
    """The API of the twin at `url`."""

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.Client(base_url=f"{self._url}/api/v1", timeout=timeout_s, trust_env=False)

    def get(self, path: str, **query: str | float) -> Any:  # noqa: ANN401 - JSON
        """What stands at `path`. Ends the program with an explanation when there is none."""
        return self._answer("GET", path, params=query)

    def post(self, path: str, content: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """The answer to posting `content`."""
        return self._answer("POST", path, json=content)

    def download(self, path: str, target: Path, **query: str | None) -> httpx.Headers:
        """Save what stands at `path` in the file `target`; the answer's headers."""
        try:
            with self._client.stream("GET", path, params=query) as answer:
                if answer.is_error:
                    answer.read()
                    raise Refused(_explanation(answer), code=2)
                with target.open("wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
                return answer.headers
        except httpx.HTTPError as error:
            raise self._silent(error) from error

    def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """What stands at `path`, or None while no twin answers: for those who ask again."""
        try:
            return self._client.get(path).raise_for_status().json()
        except httpx.HTTPError:
            return None

    def first_page(self) -> bool:
        """True when the console serves its first page."""
        try:
            return httpx.get(self._url + "/", timeout=2.0, trust_env=False, follow_redirects=True).is_success
        except httpx.HTTPError:
            return False

    def _answer(self, method: str, path: str, **parts: Any) -> Any:  # noqa: ANN401 - JSON
        try:
            answer = self._client.request(method, path, **parts)
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        if answer.is_error:
            raise Refused(_explanation(answer), code=2)
        return answer.json()

    def _silent(self, error: httpx.HTTPError) -> "Refused":
        return Refused(
            f"no twin answers at {self._url} ({error}); start one with `twin run PILOT`, or give its --url", code=1
        )


class Refused(typer.Exit):
    """Ends the program with an explanation on standard error."""

    def __init__(self, text: str, *, code: int) -> None:
        typer.secho(text, err=True, fg=typer.colors.RED)
        super().__init__(code)


def _explanation(answer: httpx.Response) -> str:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"the twin answered {answer.status_code}: {answer.text[:300]}"
    if isinstance(detail, list):  # the framework's own refusals of a request's shape
        return "; ".join(f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in detail)
    return str(detail)
