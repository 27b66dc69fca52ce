"""Where an InfluxDB is: `influx:http://HOST:PORT?org=ORG&bucket=BUCKET`, and the token from the environment.

Refuses a token, a user or a password in the address, because addresses are printed, logged and seen in process lists.
No message repeats what stands in a part of the address that is not understood.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

SCHEME = "influx:"
TOKEN = "HEARTHGRID_INFLUX_TOKEN"  # noqa: S105 - the variable's name
TOKEN_FILE = "HEARTHGRID_INFLUX_TOKEN_FILE"  # noqa: S105 - the variable's name

_FORM = "influx:http://HOST:PORT?org=ORG&bucket=BUCKET"
_PARAMETERS = ("org", "bucket")
_DEFAULT = "hearthgrid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One organisation's buckets on one server. `bucket` is the first part of the names of all four."""

    url: str
    org: str
    bucket: str
    token: str = field(repr=False)

    def __str__(self) -> str:
        return f"InfluxDB at {self.url}, org {self.org!r}"


def address(store: str, environment: Mapping[str, str]) -> Address:
    """The address that `store` says, with the token of `environment`. ValueError says what is wrong and allowed."""
    parts = urlsplit(store.removeprefix(SCHEME))
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"the port of the store is not a number from 0 to 65535; write {_FORM}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the store is no address of an InfluxDB; write {_FORM}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"the store's address has a user or a password in it; set {TOKEN} or {TOKEN_FILE} instead")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"the store's address has a path; write {_FORM}")
    given = parse_qsl(parts.query, keep_blank_values=True)
    names = [name for name, _ in given]
    if "token" in names:
        raise ValueError(f"a token has no place in the store's address; set {TOKEN} or {TOKEN_FILE} instead")
    unknown = [name for name in names if name not in _PARAMETERS]
    if unknown:
        raise ValueError(f"unknown parameter {unknown[0]!r} in the store's address; known: {', '.join(_PARAMETERS)}")
    if len(set(names)) < len(names) or not all(value for _, value in given):
        raise ValueError(f"a parameter of the store's address is empty or stands there twice; write {_FORM}")
    values = dict(given)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(
        url=f"{parts.scheme}://{host}:{port or (443 if parts.scheme == 'https' else 8086)}",
        org=values.get("org", _DEFAULT),
        bucket=values.get("bucket", _DEFAULT),
        token=_token(environment),
    )


def _token(environment: Mapping[str, str]) -> str:
    file = environment.get(TOKEN_FILE)
    if file:
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{TOKEN_FILE} names {file}, which cannot be read: {type(error).__name__}") from error
    else:
        token = environment.get(TOKEN, "").strip()
    if not token:
        raise ValueError(f"no token for InfluxDB: set {TOKEN}, or {TOKEN_FILE} to a file that holds it")
    if not token.isascii() or not token.isprintable():
        raise ValueError(f"the token for InfluxDB has characters that no token has: look at {TOKEN} or {TOKEN_FILE}")
    return token
