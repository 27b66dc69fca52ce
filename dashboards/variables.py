"""What an operator chooses on a dashboard: the pilot everywhere; a feeder, home, device or pathway where it matters."""

from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from dashboards.source import SOURCE
from twin.model.device import Pathway

_EVERY = ".*"
_SCHEMA = 'import "influxdata/influxdb/schema"\n\nschema.tagValues(bucket: v.defaultBucket, tag: "{tag}", {where})'


def _asked(name: str, label: str, about: str, tag: str, where: str) -> QueryVariable:
    text = _SCHEMA.format(tag=tag, where=f"predicate: (r) => {where}, start: -7d")
    variable = QueryVariable(name).label(label).description(about).datasource(SOURCE).query(text)
    return variable.refresh(VariableRefresh.ON_DASHBOARD_LOAD).sort(VariableSort.NATURAL_ASC)


def pilot() -> QueryVariable:
    """Which pilot; a bucket may hold several."""
    return _asked("pilot", "Pilot", "a bucket may hold several", "pilot", 'r._measurement == "health_twin"')


def feeder() -> QueryVariable:
    """Which feeder of the pilot."""
    where = 'r._measurement == "feeder" and r.pilot == "${pilot}"'
    return _asked("feeder", "Feeder", "the low-voltage network behind one service transformer", "feeder", where)


def home() -> QueryVariable:
    """Which home of the pilot."""
    where = 'r._measurement == "health_home" and r.pilot == "${pilot}"'
    return _asked("home", "Home", "one customer premises behind one meter", "home", where)


def device() -> QueryVariable:
    """Which device of the home; meters are asked for nothing and stand aside."""
    where = 'r.pilot == "${pilot}" and r.home == "${home}" and r._measurement != "meter"'
    return _asked("device", "Device", "whose reported and desired values are compared", "device", where)


def pathways() -> CustomVariable:
    """Which pathways; all of them at first."""
    everything = VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = CustomVariable("pathway").label("Pathway").description("over whom devices are reached")
    variable.values(",".join(Pathway)).include_all(True).all_value(_EVERY).multi(True)  # noqa: FBT003
    return variable.current(everything)


def commanded() -> QueryVariable:
    """Which of the devices that have been asked for something; all of them at first."""
    where = 'predicate: (r) => r._measurement == "command" and r.pilot == "${pilot}", start: -30d'
    text = _SCHEMA.replace("bucket: v.defaultBucket", 'bucket: v.defaultBucket + "_log"').format(
        tag="device", where=where
    )
    variable = QueryVariable("device").label("Device").description("those asked for something").datasource(SOURCE)
    variable.query(text).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.NATURAL_ASC)
    variable.include_all(True).all_value(_EVERY).multi(True)  # noqa: FBT003
    return variable.current(VariableOption(selected=True, text=["All"], value=["$__all"]))


def choice(name: str, label: str, about: str, options: dict[str, str]) -> CustomVariable:
    """One of a few fixed values, by their texts; the first is taken at first."""
    listed = [
        VariableOption(selected=not index, text=text, value=value)
        for index, (text, value) in enumerate(options.items())
    ]
    spelt = ",".join(f"{text} : {value}" for text, value in options.items())
    variable = CustomVariable(name).label(label).description(about)
    return variable.values(spelt).options(listed).current(listed[0])
