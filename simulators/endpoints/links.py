"""How long a message takes between a far side and the broker: one way, latency, loss, outages, processing.

Latency is lognormal, given by its median and 99th percentile. A lost transmission is sent again after a timeout that
doubles. Messages of one link arrive in the order in which they left, as on one TCP connection; during an outage
they wait in the sender (MQTT QoS 1).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

_Z99: Final = 2.3263478740408408  # 99th percentile of the standard normal distribution
_BLOCK: Final = 64  # draws at a time
_MOST_RETRANSMISSIONS: Final = 6
_DIGITS: Final = 6  # to the microsecond: finer is noise, and would differ between mathematics libraries


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of link. Times in s, one way; `processing` is what the far side takes before it sends."""

    p50_s: float
    p99_s: float
    loss: float
    timeout_s: float
    processing_p50_s: float
    processing_p99_s: float


# Where the numbers come from.
#  access     One way over fixed broadband 14 ms, half of cable's mean round trip of 28 ms (FCC, Measuring Broadband
#             America, first report, 2011). 99th percentile: 100 ms more, which is a 250-kB buffer filled by someone's
#             upload and drained at 20 Mbit/s (2 Mbit / 20 Mbit/s).
#  wi-fi      The radio hop adds 3 ms in the median, 250 ms at the 99th percentile (Sui et al., Characterizing and
#             Improving WiFi Latency in Large-Scale Operational Networks, MobiSys 2016, doi 10.1145/2906388.2906393).
#  cellular   One way 35 ms, half of LTE's median round trip of 70 ms; the 99th percentile adds the 260 ms that an idle
#             radio takes to connect (Huang et al., A Close Examination of Performance and Power Characteristics of 4G
#             LTE Networks, MobiSys 2012, doi 10.1145/2307636.2307658).
#  cloud      A managed MQTT broker at QoS 1: median 110 ms, 90th percentile 195 ms (Azure Event Grid's MQTT broker
#             performance, Microsoft, 2024), which makes a lognormal's 99th percentile 311 ms.
#  loss       0.4 % bounds the better class of the FCC's packet-loss charts (Measuring Broadband America): taken whole
#             for radio, half of it for fixed access; between data centres 0.01 %, assumed.
#  timeout    Linux never waits less than 200 ms before it sends again (TCP_RTO_MIN; RFC 6298 would have 1 s).
#  processing On site: one Modbus TCP read takes 20 ms, assumed; 130 ms is what a charger's MQTT stack took per call
#             (EVerest, GitHub issue 1800). HEMS in the cloud: waits for the on-site cycle of 1 s, on average half of
#             it (OpenEMS, core concepts). OEM cloud: median 1 s, assumed; 4 s is a whole demand-response signal from
#             server to load over the internet (Kiliccote et al., Fast DR: Controlling Small Loads over the Internet,
#             LBNL).
PROFILES: Final = {
    "site-ethernet": Profile(
        p50_s=0.014,
        p99_s=0.114,
        loss=0.002,
        timeout_s=0.2,
        processing_p50_s=0.020,
        processing_p99_s=0.130,
    ),
    "site-wifi": Profile(
        p50_s=0.017,
        p99_s=0.264,
        loss=0.004,
        timeout_s=0.2,
        processing_p50_s=0.020,
        processing_p99_s=0.130,
    ),
    "cellular": Profile(
        p50_s=0.035,
        p99_s=0.295,
        loss=0.004,
        timeout_s=0.2,
        processing_p50_s=0.020,
        processing_p99_s=0.130,
    ),
    "cloud-oem": Profile(
        p50_s=0.110,
        p99_s=0.311,
        loss=0.0001,
        timeout_s=0.2,
        processing_p50_s=1.0,
        processing_p99_s=4.0,
    ),
    "cloud-hems": Profile(
        p50_s=0.124,  # access, then cloud
        p99_s=0.425,
        loss=0.002,
        timeout_s=0.2,
        processing_p50_s=0.5,
        processing_p99_s=1.0,
    ),
}


class Outage(NamedTuple):
    """The link is down from `start_s` until just before `end_s`."""

    start_s: float
    end_s: float


class Link:
    """One far side's way to the broker. Same profile, seed and calls: same times."""

    def __init__(self, profile: str, seed: int | Sequence[int], outages: Sequence[Outage] = ()) -> None:
        if profile not in PROFILES:
            raise ValueError(f"unknown link profile {profile!r}; known: {', '.join(PROFILES)}")
        self._profile = PROFILES[profile]
        self._outages = sorted(outages)
        self._random = np.random.default_rng(seed)
        self._delays: list[float] = []
        self._processing: list[float] = []
        self._last_arrival_s = -math.inf

    def delay_s(self) -> float:
        """How long the next message is on its way, retransmissions included."""
        if not self._delays:
            profile = self._profile
            losses = self._random.geometric(1.0 - profile.loss, _BLOCK) - 1
            losses = np.minimum(losses, _MOST_RETRANSMISSIONS)
            waited = profile.timeout_s * (np.exp2(losses) - 1.0)
            latency = self._lognormal(profile.p50_s, profile.p99_s)
            self._delays = np.round(latency + waited, _DIGITS).tolist()
        return self._delays.pop()

    def processing_s(self) -> float:
        """How long the far side takes before the next message leaves it."""
        if not self._processing:
            profile = self._profile
            drawn = self._lognormal(profile.processing_p50_s, profile.processing_p99_s)
            self._processing = np.round(drawn, _DIGITS).tolist()
        return self._processing.pop()

    def arrival_s(self, sent_s: float) -> float:
        """When a message that leaves the far side at `sent_s` reaches the broker: after outages, and in order."""
        for start_s, end_s in self._outages:
            if start_s <= sent_s < end_s:
                sent_s = end_s
        self._last_arrival_s = max(sent_s + self.delay_s(), self._last_arrival_s)
        return self._last_arrival_s

    def _lognormal(self, p50: float, p99: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        drawn = self._random.standard_normal(_BLOCK)
        return p50 * np.exp(drawn * (math.log(p99 / p50) / _Z99))
