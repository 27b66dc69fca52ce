"""Writes what a Grafana reads at its start: data source, dashboards and alert rules, from the builders.

The files are never edited by hand: a test fails when they are not what the builders make.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import alerts, commands, feeder, home, pathways, pilot, source, twin_health

FOLDER = Path(__file__).parent / "provisioned"
_PLACE = "$GF_PATHS_PROVISIONING/dashboards/hearthgrid"
_HEADER = "# Written by `python -m dashboards build`; change the builders in dashboards/, not this file.\n"


class _Block(yaml.SafeDumper):
    """Writes text of several lines as lines."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Block.add_representer(str, _text)


def boards() -> Sequence[Dashboard]:
    """All dashboards, in the order in which they are looked at."""
    return tuple(module.build() for module in (pilot, feeder, home, pathways, commands, twin_health))


def plain(built: object) -> object:
    """Anything of the builders as plain lists, maps, text and numbers."""
    return json.loads(json.dumps(built, cls=JSONEncoder))


def files() -> Mapping[Path, str]:
    """What stands in `provisioned`, by path within it."""
    written = {
        Path("datasources/hearthgrid.yaml"): _yaml(source.provisioning()),
        Path("dashboards/hearthgrid.yaml"): _yaml(_provider()),
        Path("alerting/hearthgrid.yaml"): _yaml(alerts.provisioning()),
        Path("plugins/hearthgrid.yaml"): _yaml({"apiVersion": 1, "apps": []}),  # Grafana complains when there is none
    }
    for one in boards():
        text = json.dumps(one, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
        written[Path(f"dashboards/hearthgrid/{one.uid}.json")] = text + "\n"
    return written


def write(folder: Path = FOLDER) -> Sequence[Path]:
    """Write every file, and remove those that no builder makes any more; the paths written."""
    wanted = files()
    if folder.exists():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.relative_to(folder) not in wanted:
                path.unlink()
    for path, text in wanted.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return tuple(wanted)


def _provider() -> dict[str, object]:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "hearthgrid",
                "orgId": 1,
                "folder": alerts.FOLDER,
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": _PLACE},
            }
        ],
    }


def _yaml(of: Mapping[str, object]) -> str:
    return _HEADER + yaml.dump(plain(of), Dumper=_Block, sort_keys=False, allow_unicode=True, width=120)
