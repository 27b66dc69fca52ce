"""Figures of the twin about itself, its pathways, endpoints and homes, and what it desires of devices, at one moment.

Telemetry says what the field measured; samples say how the twin and its ways to the field were doing then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

SCOPES: Final = ("twin", "pathway", "endpoint", "home", "device")
"""What a sample can be about: the twin itself, a pathway, an endpoint, a home, a device of which something is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Figures of one subject at one moment.

    `scope` is one of SCOPES and `subject` the id within it (for "twin" the pilot's name). Names in `values` end in
    their unit where they have one; counters count since the start of the twin. A figure that is not known is absent.
    """

    at: datetime
    scope: str
    subject: str
    values: Mapping[str, float]
