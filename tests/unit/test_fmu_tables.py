"""The variable tables behind the FMUs: complete, consistent, and refused when they are not."""

from pathlib import Path

import pytest

from fmu import model as fmu_model
from fmu.model import UNITS, Model, TableError, load, model_names

MODELS = [load(name) for name in model_names()]

# What the suffix of a name promises about its unit.
SUFFIXES = {
    "_w_per_k": "W/K",
    "_k_per_w": "K/W",
    "_j_per_k": "J/K",
    "_w_m2": "W/m2",
    "_l_min": "L/min",
    "_m_s": "m/s",
    "_degc": "degC",
    "_var": "var",
    "_wh": "Wh",
    "_va": "VA",
    "_hz": "Hz",
    "_m2": "m2",
    "_pu": "1",
    "_w": "W",
    "_s": "s",
    "_k": "K",
    "_l": "L",
    "_m": "m",
}

GOOD = """
[model]
title = "Kettle"
description = "Boils water"
sources = []

[variables]
"""


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_names_carry_their_unit(model: Model) -> None:
    for v in model.variables:
        suffix = next((s for s in SUFFIXES if v.name.endswith(s)), None)
        if suffix is None:
            assert v.unit in {"1", "1/K", "W/(m2.K)", "W.s/(m3.K)"}, v.name
        else:
            assert v.unit == SUFFIXES[suffix], v.name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_draws_power_and_cites_a_source(model: Model) -> None:
    outputs = {v.name for v in model.variables if v.causality == "output"}
    assert "power_w" in outputs
    assert model.sources
    assert model.kernel.is_file()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('x = { causality = "knob", unit = "W", meaning = "" }', "kettle: x: causality 'knob' is unknown"),
        ('x = { causality = "output", unit = "horsepower", meaning = "" }', "kettle: x: unit 'horsepower' is unknown"),
        ('x = { causality = "input", unit = "W", start = 0.0, meaning = "" }', "kettle: x: inputs need min and max"),
        (
            'x = { causality = "parameter", unit = "W", start = 5.0, min = 0.0, max = 1.0, meaning = "" }',
            "kettle: x: start 5.0 is outside 0.0 to 1.0",
        ),
    ],
)
def test_a_wrong_table_is_refused(line: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kettle").mkdir()
    (tmp_path / "kettle" / "variables.toml").write_text(GOOD + line, encoding="utf-8")
    monkeypatch.setattr(fmu_model, "MODELS", tmp_path)
    with pytest.raises(TableError, match=complaint):
        load("kettle")


def test_units_are_products_of_si_base_units() -> None:
    allowed = {"kg", "m", "s", "A", "K", "factor", "offset"}
    assert all(exponents.keys() <= allowed for exponents in UNITS.values())
