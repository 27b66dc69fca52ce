"""Makes of a pilot what the stack of compose.yaml needs: the broker's files, certificates, secrets, hand-outs.

A second run keeps every secret that is there, takes up a changed pilot, repairs modes, and renews the broker's
certificate when it is about to end. Refuses to reuse a folder for another pilot: its devices have these passwords.
"""

import json
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from twin.clock import Clock
from twin.model.topology import Pilot
from twin.stack import certificates, layout, mosquitto
from twin.stack.grants import HEALTH, SERVICES, TWIN, WORLD, Grant, StackError, grants, simulated

ALWAYS_NAMED: Final = ("mosquitto", "localhost", "127.0.0.1")
"""Names in the broker's certificate: that inside the stack, and this machine's own."""

RENEW_BEFORE: Final = timedelta(days=30)

_SECRET_BYTES: Final = 24  # 192 bits
_SHARED: Final = {TWIN: layout.TWIN_PASSWORD, WORLD: layout.WORLD_PASSWORD}
_SERVERS: Final = (layout.INFLUXDB_PASSWORD, layout.INFLUXDB_TOKEN, layout.GRAFANA_PASSWORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to prepare: from which pilot file, where, for which names of the broker, for which user of the containers.

    `names` None keeps those of the run before. `rotate` holds what to make anew: `passwords` (everyone's on the
    broker), `certificates` (authority and broker), `all` (both of these), users of the broker, or `servers`: InfluxDB
    and Grafana take theirs only at their first start, on an empty volume.
    """

    pilot_file: Path
    folder: Path
    settings: Path
    owner: layout.Owner
    names: Sequence[str] | None = None
    rotate: frozenset[str] = frozenset()

    def anew(self, *words: str) -> bool:
        """True when any of `words` is to be made anew."""
        return not self.rotate.isdisjoint(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a run did: the files that changed, by their place in the folder, and who is who."""

    folder: Path
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    endpoints: int
    simulated: int
    names: tuple[str, ...]


def prepare(pilot: Pilot, wanted: Wanted, *, clock: Clock) -> Prepared:
    """Write everything. Raises StackError with what is wrong and what to do."""
    granted = grants(pilot)
    _check_rotation(wanted.rotate, [grant.user for grant in granted])
    before = layout.read_settings(wanted.settings)
    run = _Run(pilot, wanted, tuple(wanted.names or before.get("HEARTHGRID_BROKER_NAMES", "").split()))
    try:
        run.write_all(granted, clock)
    except OSError as error:
        raise StackError(f"{error.filename or wanted.folder}: {error.strerror or error}") from error
    return Prepared(
        folder=wanted.folder,
        changed=tuple(run.changed),
        removed=tuple(run.removed),
        endpoints=len(pilot.endpoints),
        simulated=len(simulated(pilot)),
        names=run.names,
    )


def _check_rotation(rotate: frozenset[str], users: Sequence[str]) -> None:
    words = {"all", "passwords", "certificates", "servers"}
    unknown = sorted(rotate - words - set(users))
    if unknown:
        raise StackError(
            f"cannot rotate {', '.join(unknown)}: allowed are {', '.join(sorted(words))}, an endpoint's id, "
            f"or {', '.join(SERVICES)}"
        )


class _Run:
    def __init__(self, pilot: Pilot, wanted: Wanted, extra_names: tuple[str, ...]) -> None:
        self._pilot = pilot
        self._wanted = wanted
        self._folder = wanted.folder
        self._extra_names = extra_names
        self.names = (*extra_names, *ALWAYS_NAMED)
        self._sheets: dict[str, str] = {}
        self.changed: list[str] = []
        self.removed: list[str] = []

    def write_all(self, granted: Sequence[Grant], clock: Clock) -> None:
        self._sheets = self._read_sheets()
        self._make_folders()
        self._write(layout.CONFIGURATION, mosquitto.configuration())
        self._write(layout.ACCESS_LIST, mosquitto.access_list(granted))
        self._make_certificates(clock)
        by_user = {grant.user: self._password(grant.user) for grant in granted}
        self._write(layout.PASSWORDS, mosquitto.passwords(by_user, before=self._there(layout.PASSWORDS) or ""))
        for user, place in _SHARED.items():
            self._write(place, by_user[user] + "\n")
        self._write(layout.HEALTH_CLIENT, mosquitto.health_client(by_user[HEALTH]))
        for place in _SERVERS:
            kept = None if self._wanted.anew("servers") else self._there(place)
            self._write(place, kept or secrets.token_hex(_SECRET_BYTES) + "\n")
        self._hand_out([grant for grant in granted if grant.user not in SERVICES], by_user)
        if layout.write_settings(self._wanted.settings, self._settings()):
            self.changed.append(str(self._wanted.settings))

    def _make_folders(self) -> None:
        for folder in (self._folder, self._folder / "secrets", self._folder / layout.ENDPOINTS):
            folder.mkdir(parents=True, exist_ok=True)
            layout.settle(folder, owner=self._wanted.owner)

    def _settings(self) -> dict[str, str]:
        return {
            "HEARTHGRID_STACK": str(self._folder.resolve()),
            "HEARTHGRID_PILOT_FOLDER": str(self._wanted.pilot_file.resolve().parent),
            "HEARTHGRID_PILOT": self._wanted.pilot_file.name,
            "HEARTHGRID_UID": str(self._wanted.owner.uid),
            "HEARTHGRID_GID": str(self._wanted.owner.gid),
            "HEARTHGRID_BROKER_NAMES": " ".join(self._extra_names),
        }

    def _there(self, place: str) -> str | None:
        path = self._folder / place
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def _write(self, place: str, text: str) -> None:
        if layout.write(self._folder / place, text, owner=self._wanted.owner):
            self.changed.append(place)

    def _password(self, user: str) -> str:
        kept = None if self._wanted.anew("all", "passwords", user) else self._kept_password(user)
        return kept or secrets.token_hex(_SECRET_BYTES)

    def _kept_password(self, user: str) -> str | None:
        if user in _SHARED:
            return (self._there(_SHARED[user]) or "").strip() or None
        if user == HEALTH:
            lines = (self._there(layout.HEALTH_CLIENT) or "").splitlines()
            return next((line.removeprefix("-P ") for line in lines if line.startswith("-P ")), None)
        return self._sheets.get(user)

    def _read_sheets(self) -> dict[str, str]:
        """The endpoints' passwords of an earlier run."""
        kept: dict[str, str] = {}
        for path in sorted((self._folder / layout.ENDPOINTS).glob("*.json")):
            try:
                sheet = json.loads(path.read_text(encoding="utf-8"))
                pilot, kept[str(sheet["endpoint"])] = sheet["pilot"], str(sheet["password"])
            except (ValueError, KeyError, TypeError) as error:
                raise StackError(
                    f"{path} is damaged ({error!r}); put it back from a copy, or delete it, which gives the endpoint "
                    "a new password"
                ) from error
            if pilot != self._pilot.name:
                raise StackError(
                    f"{self._folder} belongs to pilot {pilot}, whose devices have its passwords; "
                    f"give pilot {self._pilot.name} a folder of its own with --folder"
                )
        return kept

    def _make_certificates(self, clock: Clock) -> None:
        authority, authority_key = self._folder / layout.AUTHORITY, self._folder / layout.AUTHORITY_KEY
        certificate, key = self._folder / layout.CERTIFICATE, self._folder / layout.KEY
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            work = Path(scratch)
            if self._wanted.anew("all", "certificates") or not authority.is_file() or not authority_key.is_file():
                name = f"Hearthgrid {self._pilot.name}"
                certificates.make_authority(name, certificate=work / "ca.crt", key=work / "ca.key")
                self._take(work / "ca.crt", layout.AUTHORITY)
                self._take(work / "ca.key", layout.AUTHORITY_KEY)
            if not (
                certificate.is_file()
                and key.is_file()
                and certificates.is_for(certificate, self.names, authority=authority)
                and certificates.ends_at(certificate) - clock.now() > RENEW_BEFORE
            ):
                certificates.make_server(
                    self.names,
                    certificate=work / "server.crt",
                    key=work / "server.key",
                    authority=authority,
                    authority_key=authority_key,
                    work=work,
                )
                self._take(work / "server.crt", layout.CERTIFICATE)
                self._take(work / "server.key", layout.KEY)
        for path in (authority, authority_key, certificate, key):
            layout.settle(path, owner=self._wanted.owner)

    def _take(self, made: Path, place: str) -> None:
        self._write(place, made.read_text(encoding="ascii"))

    def _hand_out(self, granted: Sequence[Grant], by_user: dict[str, str]) -> None:
        """One file per endpoint with all that its far side needs, and none for endpoints that are gone."""
        authority = self._there(layout.AUTHORITY)
        for grant in granted:
            sheet = {
                "pilot": self._pilot.name,
                "endpoint": grant.user,
                "broker": f"mqtts://{self.names[0] if self._extra_names else 'localhost'}:{mosquitto.PORT}",
                "user": grant.user,
                "password": by_user[grant.user],
                "publish": list(grant.publish),
                "subscribe": list(grant.read),
                "authority": authority,
            }
            self._write(_hand_out_place(grant.user), json.dumps(sheet, indent=2) + "\n")
        wanted = {f"{grant.user}.json" for grant in granted}
        for path in sorted((self._folder / layout.ENDPOINTS).glob("*.json")):
            if path.name not in wanted:
                path.unlink()
                self.removed.append(f"{layout.ENDPOINTS}/{path.name}")


def _hand_out_place(endpoint: str) -> str:
    return f"{layout.ENDPOINTS}/{endpoint}.json"
