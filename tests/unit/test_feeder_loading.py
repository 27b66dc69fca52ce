"""A network is found by name, folder or scheme, and a broken one is refused with the cell that breaks it."""

import shutil
from pathlib import Path

import pytest

from tests.builders import small_network
from twin.feeder import SHIPPED, FeederError, check_network, load_network, shipped_networks
from twin.model.network import Network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's own folder of tables beside the pilot file, right in every cell."""
    copy = tmp_path / "my-feeder"
    shutil.copytree(SHIPPED / "european-lv", copy)
    return copy


def edit(path: Path, row: int, old: str, new: str) -> None:
    """Replace a text in one line of a table; lines count from 1, as editors show them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert old in lines[row - 1]
    lines[row - 1] = lines[row - 1].replace(old, new, 1)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_european_feeder_ships_with_its_published_numbers() -> None:
    network = load_network("european-lv")
    assert (len(network.nodes), len(network.lines), len(network.transformers)) == (907, 905, 1)
    assert [point.phases for point in network.connection_points].count("a") == 21
    assert [point.phases for point in network.connection_points].count("b") == 19
    assert [point.phases for point in network.connection_points].count("c") == 15
    assert network.connection_point["LOAD55"].node == "906"
    first = network.lines[0]
    assert (first.length_m, first.r1_ohm, first.x0_ohm) == pytest.approx((1.098, 0.446 * 1.098e-3, 0.083 * 1.098e-3))
    assert sum(line.length_m for line in network.lines) == pytest.approx(1431.5, abs=0.1)
    assert network.transformers[0].s_rated_va == 800e3
    assert "pandapower" in network.origin


def test_every_shipped_network_passes_the_checks() -> None:
    assert "european-lv" in shipped_networks()
    for name in shipped_networks():
        check_network(load_network(name))


def test_a_folder_is_found_relative_to_the_pilot_file(folder: Path) -> None:
    network = load_network("my-feeder", base=folder.parent)
    assert network.name == "my-feeder"
    assert network.lines == load_network("european-lv").lines


def test_an_unknown_name_lists_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(FeederError, match=r"unknown network 'european-mv'.*european-lv.*none at .*european-mv"):
        load_network("european-mv", base=tmp_path)


BROKEN = [
    ("lines.csv", 2, "LINE1,1,2,", "LINE1,1,9999,", ["row 2", "'to_node'", "'9999'", "the id of a node"]),
    ("lines.csv", 2, "LINE1,1,2,", "LINE1,1,1,", ["row 2", "'to_node'", "another node than from_node"]),
    ("lines.csv", 2, "LINE1,1,", "LINE1,SOURCEBUS,", ["row 2", "'to_node'", "same rated voltage"]),
    ("lines.csv", 3, "LINE2,", "LINE1,", ["row 3", "'id'", "'LINE1'", "unique among lines"]),
    ("lines.csv", 3, "4c_70", "4c_71", ["row 3", "'line_code'", "'4c_71'", "line_codes.csv"]),
    ("lines.csv", 2, "1.098", "-1.098", ["row 2", "'length_m'", "-1.098", "above 0"]),
    ("lines.csv", 2, "1.098", "nan", ["row 2", "'length_m'", "'nan'", "finite number"]),
    ("lines.csv", 2, ",1.098", "", ["row 2", "5 cells"]),
    ("lines.csv", 1, "length_m", "length_km", ["row 1", "length_km", "length_m"]),
    ("line_codes.csv", 2, ",57", ",0", ["row 2", "'i_max_a'", "0 is not allowed", "above 0"]),
    ("line_codes.csv", 2, ",3.97,", ",-3.97,", ["row 2", "'r1_ohm_per_km'", "-3.97"]),
    ("line_codes.csv", 3, "2c_.0225", "2c_.007", ["row 3", "'id'", "'2c_.007'", "twice"]),
    ("nodes.csv", 3, "1,416", "1,-416", ["row 3", "'u_rated_v'", "-416.0", "above 0"]),
    ("nodes.csv", 4, "2,416", "1,416", ["row 4", "'id'", "'1'", "unique among nodes"]),
    ("nodes.csv", 3, "390872.663", "", ["row 3", "'x_m'", "empty"]),
    ("transformers.csv", 2, "SOURCEBUS,1,", "1,SOURCEBUS,", ["row 2", "'from_node'", "'1'", "higher rated voltage"]),
    ("transformers.csv", 2, "800000", "0", ["row 2", "'s_rated_va'", "0.0", "above 0"]),
    ("transformers.csv", 2, "3200", "99999", ["row 2", "'copper_loss_w'", "99999.0", "short_circuit_voltage_pu"]),
    ("transformers.csv", 2, ",0,0,1", ",0,5,1", ["row 2", "'no_load_loss_w'", "5.0", "no_load_current_pu"]),
    ("transformers.csv", 2, ",0,0,1", ",0,0,2", ["row 2", "'clock'", "2", "(1, 3, 5, 7, 9, 11)"]),
    ("transformers.csv", 2, ",0,0,1", ",0,0,1.5", ["row 2", "'clock'", "'1.5'", "whole number"]),
    ("source.csv", 2, "SOURCEBUS", "907", ["row 2", "'node'", "'907'", "the id of a node"]),
    ("source.csv", 2, "1.05", "10.5", ["row 2", "'u_ref_pu'", "10.5", "0.5 to 1.5"]),
    ("connection_points.csv", 2, ",a", ",d", ["row 2", "'phases'", "'d'", "one of a, b, c, ab, ac, bc, abc"]),
    ("connection_points.csv", 2, ",a", ",ba", ["row 2", "'phases'", "'ba'", "one of a, b, c, ab, ac, bc, abc"]),
    ("connection_points.csv", 2, ",34,", ",3400,", ["row 2", "'node'", "'3400'", "the id of a node"]),
    ("connection_points.csv", 3, "LOAD2,", "LOAD1,", ["row 3", "'id'", "'LOAD1'", "unique among connection_points"]),
    ("network.csv", 2, "50,", "0,", ["row 2", "'frequency_hz'", "0.0", "above 0"]),
]


@pytest.mark.parametrize(("table", "row", "old", "new", "expected"), BROKEN)
def test_a_broken_cell_is_named(folder: Path, table: str, row: int, old: str, new: str, expected: list[str]) -> None:
    edit(folder / table, row, old, new)
    with pytest.raises(FeederError) as refused:
        load_network("my-feeder", base=folder.parent)
    for part in [table, *expected]:
        assert part in str(refused.value)


def test_an_island_without_supply_is_refused(folder: Path) -> None:
    lines = folder / "lines.csv"
    kept = [line for line in lines.read_text(encoding="utf-8").splitlines() if not line.startswith("LINE905,")]
    lines.write_text("\n".join(kept) + "\n", encoding="utf-8")
    with pytest.raises(FeederError, match=r"nodes.csv, row 908, column 'id': '906' .*connected to the source"):
        load_network("my-feeder", base=folder.parent)


def test_a_missing_or_unreadable_table_is_refused(folder: Path) -> None:
    (folder / "lines.csv").unlink()
    with pytest.raises(FeederError, match=r"lines.csv: cannot be read.*line_code"):
        load_network("my-feeder", base=folder.parent)
    (folder / "lines.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FeederError, match=r"lines.csv: cannot be read as UTF-8"):
        load_network("my-feeder", base=folder.parent)


def install_importer(site: Path, scheme: str, target: str, code: str) -> None:
    """What pip leaves behind for a package that registers an importer: a module and its entry points."""
    site.mkdir()
    (site / target.partition(":")[0]).with_suffix(".py").write_text(code, encoding="utf-8")
    metadata = site / f"{scheme}_importer-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {scheme}-importer\nVersion: 1.0\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(f"[hearthgrid.networks]\n{scheme} = {target}\n", encoding="utf-8")


def test_an_installed_importer_serves_its_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from tests.builders import small_network\ndef load(rest):\n    return small_network(int(rest))\n"
    install_importer(tmp_path / "site", "homemade", "homemade_networks:load", code)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert len(load_network("homemade:5").connection_points) == 5
    with pytest.raises(FeederError, match=r"unknown network scheme 'homebrew'.*homemade"):
        load_network("homebrew:5")


def test_an_importer_whose_package_is_missing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_importer(tmp_path / "site", "exotic", "exotic_networks:load", "import a_package_nobody_has\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(FeederError, match=r"'a_package_nobody_has': pip install 'hearthgrid\[exotic\]'"):
        load_network("exotic:1")


def test_an_importers_network_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from tests.builders import small_network\nfrom twin.model.network import Network\n"
        "def load(rest):\n    return Network(**{**vars(small_network()), 'transformers': ()})\n"
    )
    install_importer(tmp_path / "site", "bare", "bare_networks:load", code)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(FeederError, match="has no transformer, must have at least 1"):
        load_network("bare:1")


def test_a_line_without_impedance_is_refused() -> None:
    network = small_network()
    short = type(network.lines[0])(
        **{name: getattr(network.lines[0], name) for name in network.lines[0].__slots__}
        | {"r1_ohm": 0.0, "x1_ohm": 0.0}
    )
    broken = Network(**{**vars(network), "lines": (short, *network.lines[1:])})
    with pytest.raises(FeederError, match=r"lines, row 1, column 'r1_ohm'.*merge the two nodes"):
        check_network(broken)
