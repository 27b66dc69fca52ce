"""An authority of the pilot's own and the broker's certificate, by the program `openssl`; the only caller of it.

Elliptic-curve keys (P-256). Refuses to go on without the program: no certificate is better than a home-made encoding.
"""

import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from twin.stack.grants import StackError

AUTHORITY_DAYS: Final = 3_650
SERVER_DAYS: Final = (
    397  # what browsers and phones take at most; the broker's is renewed in time without a device noticing
)
_TIMEOUT_S: Final = 30.0
_END_FORMAT: Final = "%b %d %H:%M:%S %Y %Z"


def make_authority(name: str, *, certificate: Path, key: Path) -> None:
    """A self-signed authority that may sign certificates and nothing else. Raises StackError."""
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha256", "-nodes"),
        *("-subj", f"/CN={name}", "-days", str(AUTHORITY_DAYS), "-keyout", str(key), "-out", str(certificate)),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"),
    )


def make_server(
    names: Sequence[str], *, certificate: Path, key: Path, authority: Path, authority_key: Path, work: Path
) -> None:
    """The broker's certificate for host names and addresses `names`, signed by the authority. Raises StackError.

    Files that are needed on the way are written to the folder `work`.
    """
    request, extensions = work / "server.csr", work / "server.ext"
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        f"subjectAltName={','.join(_alternative(name) for name in names)}\n"
    )
    _openssl(
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha256", "-nodes"),
        *("-subj", f"/CN={names[0]}", "-keyout", str(key), "-out", str(request)),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(authority_key)),
        *("-CAcreateserial", "-CAserial", str(work / "serial"), "-sha256", "-days", str(SERVER_DAYS)),
        *("-extfile", str(extensions), "-out", str(certificate)),
    )


def ends_at(certificate: Path) -> datetime:
    """When a certificate ends, UTC. Raises StackError."""
    said = _openssl("x509", "-in", str(certificate), "-noout", "-enddate")
    return datetime.strptime(said.strip().removeprefix("notAfter="), _END_FORMAT).replace(tzinfo=UTC)


def is_for(certificate: Path, names: Sequence[str], *, authority: Path) -> bool:
    """True when the certificate is signed by the authority and good for each of `names`."""
    if _run("verify", "-CAfile", str(authority), str(certificate)).returncode:
        return False
    text = _openssl("x509", "-in", str(certificate), "-noout", "-ext", "subjectAltName")
    has = {entry.strip().replace("IP Address:", "IP:") for entry in text.replace("\n", ",").split(",")}
    return {_alternative(name) for name in names} <= has


def _alternative(name: str) -> str:
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _openssl(*arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode:
        raise StackError(f"openssl {arguments[0]} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("openssl")
    if program is None:
        raise StackError("the program openssl is not on PATH; install it (Debian: apt install openssl)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
