"""The data source that every query goes to: an InfluxDB 2 spoken to in Flux."""

from grafana_foundation_sdk.models.common import DataSourceRef

UID = "hearthgrid"
SOURCE = DataSourceRef(type_val="influxdb", uid=UID)
GRAFANA = DataSourceRef(type_val="grafana", uid="-- Grafana --")

_MOST_SERIES = 10_000  # a feeder has some thousand nodes; Grafana's own limit is 1,000


def provisioning() -> dict[str, object]:
    """What Grafana reads at its start; address, organisation, bucket and token come from its environment."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Hearthgrid",
                "uid": UID,
                "type": "influxdb",
                "access": "proxy",
                "url": "$HEARTHGRID_INFLUX_URL",
                "isDefault": True,
                "editable": False,
                "jsonData": {
                    "version": "Flux",
                    "organization": "$HEARTHGRID_INFLUX_ORG",
                    "defaultBucket": "$HEARTHGRID_INFLUX_BUCKET",
                    "httpMode": "POST",
                    "maxSeries": _MOST_SERIES,
                    "timeInterval": "1s",
                },
                "secureJsonData": {"token": "$__env{HEARTHGRID_INFLUX_TOKEN}"},
            }
        ],
    }
