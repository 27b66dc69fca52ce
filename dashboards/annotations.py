"""What is marked on every chart: events and alarms from history, and those that the twin has written to Grafana."""

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.cog.variants import Dataquery

from dashboards import flux
from dashboards.look import ACCENT, BAD, MUTE
from dashboards.source import GRAFANA, SOURCE
from twin.model.event import Severity

TAG = "hearthgrid"
"""What the twin tags everything with that it writes to Grafana."""
_MOST = 200


class Tagged(Dataquery):
    """Annotations in Grafana's own store that carry all of these tags."""

    def __init__(self, *tags: str) -> None:
        self.tags = tags

    def to_json(self) -> dict[str, object]:
        """As Grafana keeps it."""
        return {"refId": "Anno", "type": "tags", "tags": list(self.tags), "matchAny": False, "limit": _MOST}


class _TaggedBuilder(AnnotationQuery):
    def tagged(self, *tags: str) -> "_TaggedBuilder":
        self._internal.target = Tagged(*tags)
        return self


def every() -> list[AnnotationQuery]:
    """The annotations of a dashboard; the noisy ones are off until asked for."""
    return [
        _of_history("Alarms and warnings", BAD, f'r.severity != "{Severity.INFORMATION}"', enabled=True),
        _of_history("Information", MUTE, f'r.severity == "{Severity.INFORMATION}"', enabled=False),
        _TaggedBuilder()
        .tagged(TAG, "pilot:${pilot}")
        .name("Written by the twin")
        .datasource(GRAFANA)
        .icon_color(ACCENT)
        .enable(False),  # noqa: FBT003
    ]


def _of_history(name: str, colour: str, severity: str, *, enabled: bool) -> AnnotationQuery:
    text = flux.log(
        "event",
        "text",
        where=(severity,),
        then=flux.steps(
            "group()",
            'sort(columns: ["_time"], desc: true)',
            f"limit(n: {_MOST})",
            "map(fn: (r) => ({_time: r._time, title: r.subject, text: r._value,"
            ' tags: r.severity + "," + r.kind + "," + r.subject}))',
        ),
    )
    query = AnnotationQuery().name(name).datasource(SOURCE).icon_color(colour).enable(enabled)
    return query.target(flux.Flux(text, "Anno"))
