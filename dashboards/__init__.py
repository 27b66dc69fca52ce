"""What operators watch in Grafana, as code: six dashboards, each for one question, and the alert rules.

The builders here write `dashboards/provisioned`, which a Grafana reads as it is. Nothing here runs in the twin.
"""

import importlib
import warnings

# The SDK warns, at import, of every form of dashboard but its newest, which only the newest Grafana reads.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    for _form in ("dashboard", "dashboardv2beta1"):
        importlib.import_module(f"grafana_foundation_sdk.builders.{_form}")
