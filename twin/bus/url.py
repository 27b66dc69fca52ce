"""Where a broker is and how to get in: `mqtt://user:password@host:1883`, or `mqtts://` for TLS. Refuses all else.

A password need not stand in the address, where other people of the machine see it: that of a user without one is read
from the file that HEARTHGRID_BROKER_PASSWORD_FILE names, else from HEARTHGRID_BROKER_PASSWORD. An authority of one's
own for TLS is the PEM file that HEARTHGRID_BROKER_CA_FILE names.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

PASSWORD_FILE: Final = "HEARTHGRID_BROKER_PASSWORD_FILE"  # noqa: S105 - a name
PASSWORD: Final = "HEARTHGRID_BROKER_PASSWORD"  # noqa: S105 - a name
CA_FILE: Final = "HEARTHGRID_BROKER_CA_FILE"

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_ALLOWED: Final = "allowed is mqtt://[user:password@]host[:port], or mqtts:// for TLS"
_HOST_CHARACTERS: Final = 253  # RFC 1035; longer ones fail inside the resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUrl:
    """A broker's address, read from a URL. Printing it never shows the password."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str, *, environment: Mapping[str, str] = os.environ) -> "BrokerUrl":
        """The address in `text`; ValueError says what is wrong and what is allowed."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"broker address {_hidden(text)!r}: {error}; {_ALLOWED}") from None
        wrong = None
        if parts.scheme not in _PORTS:
            wrong = f"{parts.scheme or 'no scheme'} is not a broker's scheme"
        elif not parts.hostname or len(parts.hostname) > _HOST_CHARACTERS or " " in parts.netloc:
            wrong = "it names no host"
        elif port == 0:
            wrong = "port 0 cannot be connected to"
        elif parts.path not in {"", "/"} or parts.query or parts.fragment:
            wrong = "nothing may follow the port"
        elif parts.password is not None and not parts.username:
            wrong = "a password needs a user"
        if wrong is not None or parts.hostname is None:
            raise ValueError(f"broker address {_hidden(text)!r}: {wrong}; {_ALLOWED}")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            user=unquote(parts.username) if parts.username else None,
            password=_password(parts.password, environment) if parts.username else None,
        )

    def __str__(self) -> str:
        """The address without user and password, as logs and pages show it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt{'s' if self.tls else ''}://{host}:{self.port}"


class _ClosedOnFailure(ssl.SSLSocket):
    """Does not stay open when the handshake fails; paho would leave that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the standard library's signature
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(
    *,
    ca_file: Path | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> ssl.SSLContext:
    """A verifying TLS context: `ca_file` instead of the system's authorities, our own certificate where asked for.

    Raises ValueError that names the file which cannot be used.
    """
    if ca_file is None and environment.get(CA_FILE):
        ca_file = Path(environment[CA_FILE])
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"CA file {ca_file}: {error}; a PEM file of certificates is allowed") from None
    context.sslsocket_class = _ClosedOnFailure
    if cert_file is not None:
        try:
            context.load_cert_chain(cert_file, key_file)
        except OSError as error:
            raise ValueError(f"certificate {cert_file}, key {key_file}: {error}; a PEM pair is allowed") from None
    elif key_file is not None:
        raise ValueError(f"key {key_file} without a certificate; both or none are allowed")
    return context


def _password(written: str | None, environment: Mapping[str, str]) -> str | None:
    """The password in the address, else that of the environment; None when there is neither."""
    if written is not None:
        return unquote(written)
    name = environment.get(PASSWORD_FILE)
    if not name:
        return environment.get(PASSWORD)
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{PASSWORD_FILE}={name}: {error}; a readable text file is allowed") from None


def _hidden(text: str) -> str:
    """`text` without what may be a user and password."""
    before, at, after = text.rpartition("@")
    return f"{before.partition('//')[0]}//***@{after}" if at else text
