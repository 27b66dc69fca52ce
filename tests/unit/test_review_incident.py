"""An incident archive opens elsewhere as it was; what is no such archive, or was tampered with, is refused."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import review_stage as stage
from tests.review_stage import at
from twin.model.telemetry import Report
from twin.store.embedded import EmbeddedStore
from twin.store.incident import IncidentError, Manifest, write
from twin.store.incident_reader import Incident, is_archive, read
from twin.store.port import Batch, Store

FROM_S, TO_S = 320, 500


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path_factory.mktemp("incident") / "history.duckdb", stage.pilot())
    stage.write(store)
    yield store
    store.close()


def archived(store: Store, target: Path) -> Manifest:
    settings = {"broker": "mqtt://broker:1883"}
    return write(target, store, stage.pilot(), start=at(FROM_S), end=at(TO_S), written_at=at(9_000), settings=settings)


@pytest.fixture
def archive(store: EmbeddedStore, tmp_path: Path) -> Path:
    archived(store, tmp_path / "out.zip")
    return tmp_path / "out.zip"


def opened(incident: Incident) -> EmbeddedStore:
    return EmbeddedStore(incident.database, incident.pilot)


def test_an_archive_knows_at_every_moment_what_the_store_knew(
    store: EmbeddedStore, archive: Path, tmp_path: Path
) -> None:
    incident = read(archive, tmp_path / "elsewhere")
    other = opened(incident)

    assert incident.pilot == stage.pilot()
    for second in (FROM_S, 333, 421, TO_S - 0.001):
        assert other.known_at(at(second)) == store.known_at(at(second))
        assert other.grids_known_at(at(second)) == store.grids_known_at(at(second))
        assert other.recent_commands(10, until=at(second)) == store.recent_commands(10, until=at(second))
        assert other.recent_events(10, until=at(second)) == store.recent_events(10, until=at(second))
        assert other.recent_dead_letters(10, until=at(second)) == store.recent_dead_letters(10, until=at(second))
        assert other.samples_at(at(second)) == store.samples_at(at(second))
    other.close()


def test_what_was_received_in_the_stretch_is_in_it_and_later_is_not(archive: Path, tmp_path: Path) -> None:
    incident = read(archive, tmp_path / "elsewhere")
    other = opened(incident)
    received = [one for piece in other.reports_received(at(0), at(9_000)) for one in piece]
    other.close()

    assert max(one.received_at for one in received) < at(TO_S)
    late = [one for one in received if one.device == "h3-meter"]
    assert [one.measured_at for one in late] == [at(second) for second in (0, 60, 120, 180, 240)]


def test_the_manifest_says_of_when_and_by_what(archive: Path, tmp_path: Path) -> None:
    manifest = read(archive, tmp_path / "elsewhere").manifest

    assert (manifest.start, manifest.end, manifest.written_at) == (at(FROM_S), at(TO_S), at(9_000))
    assert {"python", "hearthgrid", "duckdb"} <= set(manifest.packages)
    assert manifest.files["tables/commands.parquet"].rows == 5
    with zipfile.ZipFile(archive) as content:
        assert json.loads(content.read("settings.json")) == {"broker": "mqtt://broker:1883"}


_PORT = (
    "write", "latest", "known_at", "grids_known_at", "reports_received", "grids_received", "device_series",
    "grid_series", "sample_series", "samples_at", "recent_events", "recent_commands", "recent_dead_letters", "rows",
    "span", "export", "close",
)  # fmt: skip


class OtherStore:
    """A store of another kind: it answers the questions of the port and no other."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        for name in _PORT:
            setattr(self, name, getattr(store, name))


def test_a_store_of_another_kind_can_be_archived_too(store: EmbeddedStore, tmp_path: Path) -> None:
    other: Store = OtherStore(store)  # type: ignore[assignment]
    archived(other, tmp_path / "out.zip")
    again = opened(read(tmp_path / "out.zip", tmp_path / "elsewhere"))

    for second in (FROM_S, 421, TO_S - 0.001):
        assert again.known_at(at(second)) == store.known_at(at(second))
        assert again.recent_events(10, until=at(second)) == store.recent_events(10, until=at(second))
        assert again.samples_at(at(second)) == store.samples_at(at(second))
    again.close()


def test_a_stretch_without_length_is_refused(store: EmbeddedStore, tmp_path: Path) -> None:
    with pytest.raises(IncidentError, match="has no length"):
        write(tmp_path / "out.zip", store, stage.pilot(), start=at(5), end=at(5), written_at=at(9))
    assert list(tmp_path.iterdir()) == []


Change = Callable[[dict[str, bytes]], None]


def changed(archive: Path, change: Change) -> Path:
    """The archive with its files changed by `change`; the manifest is only changed when that does it."""
    with zipfile.ZipFile(archive) as content:
        files = {name: content.read(name) for name in content.namelist()}
    change(files)
    target = archive.with_name("changed.zip")
    with zipfile.ZipFile(target, "w") as content:
        for name, data in files.items():
            content.writestr(name, data)
    return target


def manifest_of(given: dict[str, bytes], **changes: object) -> None:
    given["manifest.json"] = json.dumps(json.loads(given["manifest.json"]) | changes).encode()


def _flip(files: dict[str, bytes]) -> None:
    grid = bytearray(files["tables/grid.parquet"])
    grid[40] ^= 1
    files["tables/grid.parquet"] = bytes(grid)


def _other_table(files: dict[str, bytes]) -> None:
    files["tables/grid.parquet"] = files["tables/events.parquet"]
    listed = json.loads(files["manifest.json"])["files"]
    data = files["tables/grid.parquet"]
    listed["tables/grid.parquet"] = {**listed["tables/events.parquet"], "sha256": hashlib.sha256(data).hexdigest()}
    manifest_of(files, files=listed)


def _broken_pilot(files: dict[str, bytes]) -> None:
    pilot = json.loads(files["pilot.json"])
    pilot["devices"][0]["endpoint"] = "nobody"
    files["pilot.json"] = json.dumps(pilot).encode()
    listed = json.loads(files["manifest.json"])["files"]
    data = files["pilot.json"]
    listed["pilot.json"] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "rows": None}
    manifest_of(files, files=listed)


def _more_rows(files: dict[str, bytes]) -> None:
    listed = json.loads(files["manifest.json"])["files"]
    listed["tables/grid.parquet"]["rows"] += 1
    manifest_of(files, files=listed)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda files: files.update({"../../evil.sh": b"rm"}), r"evil.sh' has no place in an incident archive"),
        (lambda files: files.update({"/etc/passwd": b"x"}), "passwd' has no place"),
        (lambda files: files.pop("manifest.json"), r"it has no manifest\.json"),
        (lambda files: files.pop("tables/grid.parquet"), r"do not agree on tables/grid\.parquet"),
        (lambda files: files.update({"manifest.json": b"{"}), r"manifest\.json: "),
        (lambda files: files.update({"manifest.json": b'"' + b"x" * (1 << 21) + b'"'}), "at most 1,048,576 are read"),
        (lambda files: manifest_of(files, format="other"), r"manifest\.json: format"),
        (lambda files: manifest_of(files, version=2), r"newer program \(archive 2, this one knows up to 1\)"),
        (lambda files: manifest_of(files, store_version=99), r"newer program \(tables 99"),
        (lambda files: manifest_of(files, start="yesterday"), r"manifest\.json: start"),
        (_flip, r"tables/grid\.parquet is damaged"),
        (_other_table, r"grid\.parquet has columns unknown here: happened_at"),
        (_broken_pilot, r"pilot\.json does not describe a pilot: 'nobody'"),
        (_more_rows, r"tables/grid\.parquet claims \d+ rows"),
    ],
)
def test_what_was_tampered_with_is_refused_with_what_and_where(
    archive: Path, tmp_path: Path, change: Change, why: str
) -> None:
    target = changed(archive, change)

    with pytest.raises(IncidentError, match=why) as refused:
        read(target, tmp_path / "elsewhere")
    assert str(target) in str(refused.value)
    assert not (tmp_path / "evil.sh").exists()


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.zip").write_text("pilot: small\n")

    assert not is_archive(tmp_path / "out.zip")
    with pytest.raises(IncidentError, match="is no incident archive"):
        read(tmp_path / "out.zip", tmp_path / "elsewhere")


def refusal(source: Path, folder: Path) -> str:
    """Why the archive is refused; empty when it is not."""
    try:
        read(source, folder)
    except IncidentError as error:
        return str(error)
    return ""


def test_whichever_byte_is_broken_it_is_refused_in_words_or_does_not_matter(archive: Path, tmp_path: Path) -> None:
    whole, broken = archive.read_bytes(), tmp_path / "broken.zip"
    refusals = []
    for place in range(0, len(whole), len(whole) // 40):
        content = bytearray(whole)
        content[place] ^= 0x55
        broken.write_bytes(content)
        refusals.append(refusal(broken, tmp_path / "elsewhere"))

    assert {str(broken) in why for why in refusals if why} == {True}
    assert sum(bool(why) for why in refusals) > 30


def test_bytes_beyond_what_the_manifest_says_are_not_unpacked(archive: Path, tmp_path: Path) -> None:
    def grow(files: dict[str, bytes]) -> None:
        files["settings.json"] = b" " * (8 << 20)

    target = changed(archive, grow)

    with pytest.raises(IncidentError, match=r"settings\.json is damaged"):
        read(target, tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "settings.json").stat().st_size < 1 << 20


def test_a_number_that_does_not_exist_survives(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "history.duckdb", stage.pilot())
    given = Report(
        device="h1-meter", measured_at=at(0), published_at=at(0), received_at=at(0), values={"power_w": float("nan")}
    )
    store.write(Batch(reports=[given]))
    write(tmp_path / "out.zip", store, stage.pilot(), start=at(-1), end=at(1), written_at=at(2))
    other = opened(read(tmp_path / "out.zip", tmp_path / "elsewhere"))

    assert other.known_at(at(0)) == store.known_at(at(0))
    for one in (store, other):
        one.close()
