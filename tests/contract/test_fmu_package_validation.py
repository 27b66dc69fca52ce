"""Every registered comparison with an independent tool is inside its tolerance, and every model has its page."""

import numpy as np
import pytest

from fmu.model import MODELS, load, model_names
from fmu.validate.comparison import Comparison, Measure, Panel, Reference, references
from fmu.validate.diagram import diagram
from fmu.validate.page import page

REFERENCES = references()


@pytest.mark.parametrize("found", REFERENCES, ids=lambda found: f"{found.model}-{found.name}")
def test_a_model_agrees_with_an_independent_tool(found: Reference) -> None:
    comparison = found.compare()
    assert comparison.measures
    assert [measure for measure in comparison.measures if not measure.passes] == []


def test_comparisons_belong_to_models_and_have_names_of_their_own() -> None:
    names = [(found.model, found.name) for found in REFERENCES]
    assert len(set(names)) == len(names)
    assert {found.model for found in REFERENCES} <= set(model_names())


@pytest.mark.parametrize("name", model_names())
def test_a_model_has_a_page_with_every_variable_and_every_comparison(name: str) -> None:
    text = (MODELS / name / "README.md").read_text(encoding="utf-8")
    shown = [v.name for v in load(name).variables if v.causality != "local"]
    assert [v for v in shown if f"| `{v}` |" not in text] == []
    for found in REFERENCES:
        if found.model == name:
            assert f"(validation/{found.name}.svg)" in text
            assert (MODELS / name / "validation" / f"{found.name}.svg").is_file()


def test_a_figure_outside_its_tolerance_or_not_a_number_does_not_pass() -> None:
    for value in (0.6, -0.6, np.nan):
        assert not Measure(name="energy", value=value, limit=0.5, unit="%").passes
    assert Measure(name="energy", value=-0.5, limit=0.5, unit="%").passes


def test_a_page_says_when_a_figure_is_outside() -> None:
    measure = Measure(name="energy", value=0.75, limit=0.5, unit="%")
    comparison = Comparison(tool="A tool", run="a day", measures=(measure,), panels=())
    assert "| energy | 0.75 % | 0.5 % | **outside** |" in page(load("battery"), {"a_day": comparison})


def test_a_long_run_is_drawn_with_its_extremes_and_a_flat_one_at_all() -> None:
    values = np.zeros(10_000)
    values[5_000] = 42.0
    spike = diagram((Panel(title="spike", unit="W", step_s=60.0, ours=values, theirs=np.zeros(10_000)),))
    highest = min(float(pair.split(",")[1]) for pair in spike.rsplit('points="', 1)[1].split('"')[0].split())
    assert highest < 60.0  # the scale ends at 50, drawn at 30
    assert len(spike) < 30_000
    assert "polyline" in diagram((Panel(title="flat", unit="W", step_s=1.0, ours=values[:9], theirs=values[:9]),))
