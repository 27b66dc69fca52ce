"""Of a register history keeps what was reached, never a mean."""

import re

from twin.model.quantity import QUANTITIES
from twin.store.influx.layout import Buckets
from twin.store.influx.setup import tasks


def test_every_register_of_the_model_is_downsampled_to_its_last_value() -> None:
    registers = {name for name, quantity in QUANTITIES.items() if quantity.unit == "Wh"}
    assert {"energy_import_wh", "circuit_1_energy_wh", "circuit_12_energy_wh"} < registers

    for name, script in tasks(Buckets.of("hearthgrid")).items():
        (kept_last,) = re.findall(r"filter\(fn: \(r\) => (r\._field =~ .*)\)\n.*fn: last", script)
        patterns = re.findall(r"=~ /(.*?)/", kept_last)
        assert {q for q in QUANTITIES if any(re.search(pattern, q) for pattern in patterns)} == registers, name
