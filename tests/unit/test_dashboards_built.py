"""What Grafana reads is what the builders make, and each dashboard keeps the rules that an operator relies on."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dashboards import alerts, links, look, provision
from twin.console.drawing import VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU
from twin.model.device import KINDS, DeviceKind, Pathway

Json = Mapping[str, Any]
BOARDS: Mapping[str, Json] = {
    str(board.uid): board_json for board in provision.boards() if isinstance(board_json := provision.plain(board), dict)
}
QUESTIONS = {
    links.PILOT_UID: "Is the pilot healthy?",
    links.FEEDER_UID: "What is the feeder doing?",
    links.HOME_UID: "One home",
    links.PATHWAYS_UID: "How do the pathways compare right now?",
    links.COMMANDS_UID: "What was commanded, and what came of it?",
    links.TWIN_UID: "Is the twin itself well?",
}
UNITLESS = {"text", "table", "alertlist", "state-timeline", "heatmap"}  # their units stand at their columns or cells
LOWEST, MOST_PANELS = 35, 16


def panels(board: Json) -> list[Json]:
    return list(board["panels"])


def queries(board: Json) -> Iterator[str]:
    for panel in panels(board):
        yield from (target["query"] for target in panel.get("targets", ()))


def test_what_is_provisioned_is_what_the_builders_make() -> None:
    wanted = provision.files()
    found = {path.relative_to(provision.FOLDER) for path in provision.FOLDER.rglob("*") if path.is_file()}

    assert found == set(wanted), "run: python -m dashboards build"
    for path, text in wanted.items():
        assert (provision.FOLDER / path).read_text(encoding="utf-8") == text, f"{path}: run python -m dashboards build"


def test_building_anew_changes_nothing_and_removes_what_is_no_longer_made(tmp_path: Path) -> None:
    provision.write(tmp_path)
    left_over = tmp_path / "dashboards" / "hearthgrid" / "gone.json"
    left_over.write_text("{}", encoding="utf-8")

    written = provision.write(tmp_path)

    assert not left_over.exists()
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in written} == dict(provision.files())


@pytest.mark.parametrize("uid", BOARDS)
def test_each_dashboard_answers_one_question_written_at_its_top(uid: str) -> None:
    board = BOARDS[uid]
    top = panels(board)[0]

    assert board["title"].startswith(QUESTIONS[uid])
    assert top["type"] == "text"
    assert top["gridPos"] == {"x": 0, "y": 0, "w": 24, "h": 3}
    assert top["options"]["content"].startswith(f"### {board['title']}")


@pytest.mark.parametrize("uid", BOARDS)
def test_no_dashboard_is_a_wall_of_panels(uid: str) -> None:
    placed = panels(BOARDS[uid])

    assert len(placed) <= MOST_PANELS
    assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in placed) <= LOWEST
    cells = [
        (x, y)
        for panel in placed
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "two panels lie on each other"
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_says_what_it_means_and_in_which_unit(uid: str) -> None:
    for panel in panels(BOARDS[uid])[1:]:
        assert panel["description"].endswith("."), panel["title"]
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        assert panel["type"] in UNITLESS or defaults["unit"], panel["title"]
        if panel["type"] == "timeseries":
            assert defaults["custom"]["axisLabel"], panel["title"]
        if panel["type"] == "heatmap":
            assert panel["options"]["cellValues"]["unit"], panel["title"]


@pytest.mark.parametrize("uid", BOARDS)
def test_a_pathway_has_one_colour_everywhere(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        for override in panel.get("fieldConfig", {}).get("overrides", ()):
            named = {one["id"]: one["value"] for one in override["properties"]}
            if override["matcher"]["options"] in set(Pathway) and "color" in named:
                expected = {"oem": "#c490ee", "gateway": "#67b2ec", "hems": "#e3a261"}
                assert named["color"]["fixedColor"] == expected[override["matcher"]["options"]]


@pytest.mark.parametrize("uid", BOARDS)
def test_queries_ask_only_the_chosen_pilot_in_the_data_source_s_own_buckets(uid: str) -> None:
    for query in queries(BOARDS[uid]):
        assert query.count("from(bucket:") >= 1
        assert set(re.findall(r"from\(bucket: ([^)]*)\)", query)) <= {
            "bucket",
            "v.defaultBucket",
            'v.defaultBucket + "_log"',
        }
        assert query.count('r.pilot == "${pilot}"') >= query.count("from(bucket:")


@pytest.mark.parametrize("uid", BOARDS)
def test_every_variable_that_a_query_uses_can_be_chosen_on_its_dashboard(uid: str) -> None:
    board = BOARDS[uid]
    offered = {variable["name"] for variable in board["templating"]["list"]}
    used = {name for query in queries(board) for name in re.findall(r"\$\{(\w+)", query)}

    assert used <= offered
    assert "pilot" in used
    assert offered <= used, "a variable that changes nothing confuses"


@pytest.mark.parametrize("uid", BOARDS)
def test_links_lead_to_dashboards_that_are_there_and_carry_the_pilot(uid: str) -> None:
    text = str(BOARDS[uid])
    for target, carried in re.findall(r"/d/([\w-]+)\?([^']*)", text):
        assert target in BOARDS
        assert "var-pilot=${pilot}" in carried
        assert "${__url_time_range}" in carried
        variables = set(re.findall(r"var-(\w+)=", carried))
        assert variables <= {variable["name"] for variable in BOARDS[target]["templating"]["list"]}
    top = BOARDS[uid]["links"][0]
    assert (top["tags"], top["keepTime"], top["includeVars"]) == ([links.TAG], True, True)
    assert links.TAG in BOARDS[uid]["tags"]


@pytest.mark.parametrize("uid", BOARDS)
def test_events_are_marked_on_every_dashboard_from_history_and_from_grafana(uid: str) -> None:
    marked = BOARDS[uid]["annotations"]["list"]

    assert [one["datasource"]["type"] for one in marked] == ["influxdb", "influxdb", "grafana"]
    assert marked[2]["target"]["tags"] == ["hearthgrid", "pilot:${pilot}"]


def test_a_home_can_be_reached_from_the_tables_that_name_one() -> None:
    to_home = f"/d/{links.HOME_UID}?"

    assert sum(to_home in str(panels(board)) for board in BOARDS.values()) >= 3


def test_whatever_a_device_can_be_asked_for_is_shown_reported_beside_desired() -> None:
    (panel,) = (one for one in panels(BOARDS[links.HOME_UID]) if "desired" in one.get("title", ""))
    shown = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}

    for description in KINDS.values():
        for asked, reported in description.controls.items():
            assert {f"desired_{asked}", reported} <= shown


def test_every_kind_of_device_has_a_colour() -> None:
    assert set(look.KIND_COLOURS) == set(DeviceKind)


def test_every_alert_says_for_how_long_how_urgent_what_to_do_and_where_to_look() -> None:
    provisioned: Any = provision.plain(alerts.provisioning())
    (group,) = provisioned["groups"]

    assert {rule["title"] for rule in group["rules"]} == {
        "Stale home",
        "Endpoint offline",
        "Transformer over 100 %",
        "Voltage out of band",
        "Missed deadlines",
        "Store not writing",
    }
    for rule in group["rules"]:
        assert re.fullmatch(r"[1-9]\d*m", rule["for"])
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert len(rule["annotations"]["description"]) > 80
        shown = {panel["id"] for panel in panels(BOARDS[rule["dashboardUid"]])}
        assert rule["panelId"] in shown
        assert rule["annotations"]["__dashboardUid__"] == rule["dashboardUid"]
        assert rule["annotations"]["__panelId__"] == str(rule["panelId"])


def test_the_voltage_alert_uses_the_band_of_the_console() -> None:
    (rule,) = (rule for rule in alerts.every() if "voltage" in rule.uid)

    assert f"r.v_min_pu < {VOLTAGE_LOW_PU}" in rule.query
    assert f"r.v_max_pu > {VOLTAGE_HIGH_PU}" in rule.query


def test_no_secret_and_no_address_is_written_down() -> None:
    text = "".join(provision.files().values())

    assert "token: $__env{HEARTHGRID_INFLUX_TOKEN}" in text
    assert not re.search(r"https?://", text)
