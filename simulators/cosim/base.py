"""One typed base for all our mosaik simulators: one entity, arrays in, arrays out, steps from the shared timeline."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import mosaik_api_v3
from mosaik_api_v3.types import CreateResult, InputData, Meta, OutputData, OutputRequest

from simulators.layout import FloatArray
from simulators.timeline import Timeline

Arrays = Mapping[str, FloatArray]
ENTITY = "all"
MODEL = "Arrays"


class ArraySimulator(mosaik_api_v3.Simulator):
    """A time-based simulator with the one entity `all`; subclasses say what they need and give in `advance`.

    Where an attribute has several sources, `advance` gets their sum: powers meet at a node.
    """

    def __init__(self, *, timeline: Timeline, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        meta: Meta = {
            "api_version": "3.0",
            "type": "time-based",
            "models": {MODEL: {"public": True, "params": [], "attrs": [*inputs, *outputs]}},
        }
        super().__init__(meta)  # type: ignore[no-untyped-call]
        self.timeline = timeline
        self._outputs: Arrays = {}

    @abstractmethod
    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:
        """Go from t - length_s to `t`; return every output attribute."""

    def init(self, sid: str, time_resolution: float = 1.0, **sim_params: Any) -> Meta:  # noqa: ANN401, ARG002
        """mosaik's handshake."""
        return self.meta

    def create(self, num: int, model: str, **model_params: Any) -> list[CreateResult]:  # noqa: ANN401, ARG002
        """mosaik creates the one entity."""
        return [{"eid": ENTITY, "type": model}]

    def step(self, time: int, inputs: InputData, max_advance: int) -> int:  # noqa: ARG002
        """mosaik's step: add up the sources of each attribute, advance, say when next."""
        values = {attr: _sum(list(sources.values())) for attr, sources in inputs.get(ENTITY, {}).items()}
        self._outputs = self.advance(time, self.timeline.length_s(time), values)
        return self.timeline.after(time)

    def get_data(self, outputs: OutputRequest) -> OutputData:
        """mosaik collects; arrays are handed over by reference."""
        return {eid: {attr: self._outputs[attr] for attr in attrs} for eid, attrs in outputs.items()}


def _sum(sources: list[FloatArray]) -> FloatArray:
    total = sources[0]
    for source in sources[1:]:
        total = total + source
    return total
