"""The fleet files with any number of devices, and no Python loop over devices on the way of a step."""

import gc
import sys
from collections import Counter
from types import FrameType

import fmpy
import numpy as np
import pytest

from fmu.build import DIST, fmu_name
from fmu.model import Model, load, model_names
from simulators.fleet.fmu_fleet import Fleet, unpack

MODELS = [load(name) for name in model_names()]


@pytest.mark.parametrize("n", [1, 2, 1000])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_start_value_fills_every_device(model: Model, n: int) -> None:
    """Read from the binary, compared with the table: also finds rows that point at another variable."""
    path = DIST / fmu_name(model, 3)
    description = fmpy.read_model_description(str(path))
    references = {v.name: v.valueReference for v in description.modelVariables}
    instance = fmpy.fmi3.FMU3Slave(
        guid=description.instantiationToken,
        unzipDirectory=str(unpack(path)),
        modelIdentifier=model.identifier,
        instanceName="fleet",
    )
    instance.instantiate()
    instance.enterConfigurationMode()
    instance.setUInt64([references["n"]], [n])
    instance.exitConfigurationMode()
    for v in model.variables:
        if v.settable:
            got = instance.getFloat64([references[v.name]], nValues=n * v.rows)
            assert np.array_equal(got, np.full(n * v.rows, v.start)), v.name
    instance.enterInitializationMode()
    instance.exitInitializationMode()
    instance.doStep(0.0, 60.0)
    for v in model.variables:
        if v.causality == "output":
            got = np.asarray(instance.getFloat64([references[v.name]], nValues=n * v.rows)).reshape(v.rows, n)
            assert np.isfinite(got).all(), v.name
            assert (got == got[:, :1]).all(), v.name  # equal devices stay equal
    instance.freeInstance()


@pytest.mark.parametrize("n", [2, 1000])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_one_nan_among_many_devices_is_refused_by_its_place(model: Model, n: int) -> None:
    name = next(v.name for v in model.variables if v.causality == "input")
    with Fleet(model=model.name, n=n) as fleet:
        fleet.inputs[name][n - 1] = np.nan
        with pytest.raises(Exception, match=rf"{name}\[{n - 1}\]: nan is outside"):
            fleet.step(0.0, 60.0)


def calls_of_a_step(model: str, n: int) -> Counter[str]:
    """Every Python and C function entered during one step, by name."""
    entered: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            entered[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            entered[str(getattr(argument, "__qualname__", argument))] += 1

    with Fleet(model=model, n=n) as fleet:
        fleet.step(0.0, 60.0)  # what happens once only is over
        gc.disable()
        sys.setprofile(note)
        try:
            for name, view in fleet.inputs.items():
                view[:] = fleet.inputs[name]
            fleet.step(60.0, 60.0)
        finally:
            sys.setprofile(None)
            gc.enable()
    return entered


@pytest.mark.parametrize("model", model_names())
def test_a_step_makes_as_many_python_calls_for_ten_devices_as_for_a_thousand(model: str) -> None:
    few = calls_of_a_step(model, 10)
    assert few == calls_of_a_step(model, 1000)
    assert few["Fleet.step"] == 1
    assert sum(few.values()) < 100
