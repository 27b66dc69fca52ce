"""Links between the dashboards: every one to every other, and from a home, a device or a pathway to its own page."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

TAG = "hearthgrid"
PILOT_UID, FEEDER_UID, HOME_UID = "hearthgrid-pilot", "hearthgrid-feeder", "hearthgrid-home"
PATHWAYS_UID, COMMANDS_UID, TWIN_UID = "hearthgrid-pathways", "hearthgrid-commands", "hearthgrid-twin"

_CARRIED = "var-pilot=${pilot}&${__url_time_range}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """From a value to a dashboard; the pilot and the time range are carried along."""

    title: str
    uid: str
    variables: str = ""

    def builder(self) -> DashboardLink:
        """As the panels' builders take it."""
        more = f"&{self.variables}" if self.variables else ""
        return DashboardLink(self.title).type(DashboardLinkType.LINK).url(f"/d/{self.uid}?{_CARRIED}{more}")


def of_field(field: str, variable: str) -> str:
    """Sets `variable` to what stands in the same row under `field`."""
    return f"var-{variable}=${{__data.fields.{field}:percentencode}}"


def across() -> DashboardLink:
    """The list of all dashboards at the top of each."""
    link = DashboardLink("Other questions").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.keep_time(True).include_vars(True).as_dropdown(True)  # noqa: FBT003


def leads_to(link: Link) -> tuple[str, object]:
    """Makes a table's column a link."""
    built = link.builder().build()
    return "links", [{"title": built.title, "url": built.url}]
