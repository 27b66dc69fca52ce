"""The shipped FMU files keep what FMI 2.0 and 3.0 promise to an importer that knows nothing of us."""

import io
import re
import zipfile
from collections.abc import Iterator
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import fmpy
import numpy as np
import pytest
from fmpy.fmi1 import FMICallException
from fmpy.model_description import ModelDescription
from fmpy.validation import validate_fmu

from fmu.build import DIST, FMI_VERSIONS, PLATFORMS, fmu_name
from fmu.model import Model, load, model_names

MODELS = [load(name) for name in model_names()]
SHIPPED = [(model, fmi) for model in MODELS for fmi in FMI_VERSIONS]
LIBRARY_MAGIC = {".so": b"\x7fELF", ".dll": b"MZ", ".dylib": b"\xcf\xfa\xed\xfe"}
NAMES = [fmu_name(model, fmi) for model, fmi in SHIPPED]


def unpack(model: Model, fmi: int) -> dict[str, bytes]:
    with zipfile.ZipFile(DIST / fmu_name(model, fmi)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Importer:
    """A plain FMPy importer of one unpacked FMU that keeps what the FMU logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.description = copy(described(folder))
        self.references = {v.name: v.valueReference for v in self.description.modelVariables}
        self.messages: list[str] = []
        self.fmu: Any = None

    def instantiate(self) -> fmpy.fmi1._FMU:
        fmi3 = self.description.fmiVersion == "3.0"
        common: dict[str, Any] = {
            "unzipDirectory": self.folder,
            "modelIdentifier": self.description.coSimulation.modelIdentifier,
            "instanceName": "device",
        }
        if fmi3:
            self.fmu = fmpy.fmi3.FMU3Slave(guid=self.description.instantiationToken, **common)
            self.fmu.instantiate(logMessage=fmpy.fmi3.fmi3LogMessageCallback(self.log_fmi3))
        else:
            self.fmu = fmpy.fmi2.FMU2Slave(guid=self.description.guid, **common)
            callbacks = fmpy.fmi2.fmi2CallbackFunctions()
            callbacks.logger = fmpy.fmi2.fmi2CallbackLoggerTYPE(self.log_fmi2)
            self.fmu.instantiate(callbacks=callbacks)
        return self.fmu

    def log_fmi3(self, _environment: object, _status: int, _category: bytes, message: bytes) -> None:
        self.messages.append(message.decode())

    def log_fmi2(self, _environment: object, _name: bytes, _status: int, _category: bytes, message: bytes) -> None:
        self.messages.append(message.decode())

    def start(self) -> fmpy.fmi1._FMU:
        fmu = self.instantiate()
        if self.description.fmiVersion == "2.0":
            fmu.setupExperiment(startTime=0.0)
        fmu.enterInitializationMode()
        fmu.exitInitializationMode()
        return fmu

    def get(self, names: list[str]) -> list[float]:
        references = [self.references[name] for name in names]
        if self.description.fmiVersion == "3.0":
            return [float(value) for value in self.fmu.getFloat64(references)]
        return [float(value) for value in self.fmu.getReal(references)]

    def set(self, name: str, value: float) -> None:
        if self.description.fmiVersion == "3.0":
            self.fmu.setFloat64([self.references[name]], [value])
        else:
            self.fmu.setReal([self.references[name]], [value])

    def close(self) -> None:
        if self.fmu is not None:
            self.fmu.freeInstance()


@cache
def described(folder: Path) -> ModelDescription:
    return fmpy.read_model_description(str(folder))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every shipped FMU in a folder of its own."""
    folder = tmp_path_factory.mktemp("fmus")
    for name in NAMES:
        fmpy.extract(str(DIST / name), str(folder / name))
    return folder


@pytest.fixture(params=NAMES)
def importer(request: pytest.FixtureRequest, unpacked: Path) -> Iterator[Importer]:
    one = Importer(unpacked / request.param)
    yield one
    one.close()


@pytest.mark.parametrize(("model", "fmi"), SHIPPED, ids=NAMES)
def test_fmpy_finds_nothing_wrong(model: Model, fmi: int) -> None:
    assert validate_fmu(str(DIST / fmu_name(model, fmi))) == []


@pytest.mark.parametrize(("model", "fmi"), SHIPPED, ids=NAMES)
def test_an_fmu_carries_every_platform_its_licence_its_page_and_its_sources(model: Model, fmi: int) -> None:
    files = unpack(model, fmi)
    for platform in PLATFORMS.values():
        folder = platform.folder(fmi)
        if folder is not None:
            binary = files[f"binaries/{folder}/{model.identifier}{platform.extension}"]
            assert binary.startswith(LIBRARY_MAGIC[platform.extension])
            assert f"fmi{fmi}DoStep".encode() in binary
    assert b"Apache License" in files["documentation/licenses/license.txt"]
    assert b"Alliance for Sustainable Energy" in files["documentation/licenses/notice.txt"]
    page = files["documentation/index.html"].decode()
    assert model.title in page
    assert all(f"<td>{v.name}</td>" in page for v in model.variables)
    assert f"sources/{model.name}.c" in files


@pytest.mark.parametrize(("model", "fmi"), SHIPPED, ids=NAMES)
def test_no_machine_and_no_moment_is_in_an_fmu(model: Model, fmi: int) -> None:
    """Folder names or times of the building machine would break the byte-for-byte rebuild elsewhere."""
    path = DIST / fmu_name(model, fmi)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            if entry.filename.startswith("binaries/"):
                assert not re.search(rb"/(tmp|home|root|work|Users)/", archive.read(entry))


@pytest.mark.parametrize(("model", "fmi"), SHIPPED, ids=NAMES)
def test_a_build_description_names_every_c_file(model: Model, fmi: int) -> None:
    files = unpack(model, fmi)
    compiled = {name.removeprefix("sources/") for name in files if re.fullmatch(r"sources/\w+\.c", name)}
    if fmi == 3:
        tree = ET.fromstring(files["sources/buildDescription.xml"])  # noqa: S314 - our own file
        assert {str(node.get("name")) for node in tree.iter("SourceFile")} == compiled
    else:
        tree = ET.fromstring(files["modelDescription.xml"])  # noqa: S314 - our own file
        assert {str(node.get("name")) for node in tree.iter("File")} == compiled


def test_start_values_in_the_binary_are_those_in_the_description(importer: Importer) -> None:
    """Also catches value references that point at another variable."""
    importer.start()
    settable = [v for v in importer.description.modelVariables if v.causality in {"parameter", "input"}]
    got = importer.get([v.name for v in settable])
    assert len(got) == len(settable)
    for variable, value in zip(settable, got, strict=True):
        assert float(variable.start) == value
        assert float(variable.min) <= value <= float(variable.max)


def test_every_variable_has_a_unit_that_is_defined(importer: Importer) -> None:
    defined = {unit.name for unit in importer.description.unitDefinitions}
    for variable in importer.description.modelVariables:
        if variable.name not in {"time", "n"}:
            assert variable.unit in defined
            assert variable.description


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, "below", "above"])
def test_values_outside_their_range_are_refused_by_name_and_leave_no_trace(
    importer: Importer, bad: float | str
) -> None:
    fmu = importer.start()
    inputs = [v for v in importer.description.modelVariables if v.causality == "input"]
    for variable in inputs:
        ends = {"below": float(variable.min) - 1e-3, "above": float(variable.max) * (1 + 1e-9) + 1e-3}
        value = ends[bad] if isinstance(bad, str) else bad
        importer.messages.clear()
        with pytest.raises(FMICallException):
            importer.set(variable.name, value)
        assert importer.messages[0].startswith(f"{variable.name}[0]: ")
        assert "is outside" in importer.messages[0]
        assert importer.get([variable.name]) == [float(variable.start)]
    fmu.doStep(0.0, 60.0)  # a refused value does not end the simulation


def test_parameters_are_fixed_once_the_simulation_runs(importer: Importer) -> None:
    importer.start()
    parameter = next(v for v in importer.description.modelVariables if v.causality == "parameter")
    with pytest.raises(FMICallException):
        importer.set(parameter.name, float(parameter.start))
    assert importer.messages == [f"{parameter.name}: parameters are fixed after initialization"]


def test_outputs_cannot_be_set(importer: Importer) -> None:
    importer.start()
    with pytest.raises(FMICallException):
        importer.set("power_w", 1.0)
    assert importer.messages == ["power_w: only parameters and inputs can be set"]


def test_calls_out_of_order_are_refused(importer: Importer) -> None:
    fmu = importer.instantiate()
    with pytest.raises(FMICallException):
        fmu.doStep(0.0, 60.0)
    with pytest.raises(FMICallException):
        fmu.exitInitializationMode()
    assert all("not allowed in the present state" in message for message in importer.messages)
    assert len(importer.messages) == 2


@pytest.mark.parametrize("step_s", [0.0, -1.0, np.nan, np.inf])
def test_a_step_must_go_forward(importer: Importer, step_s: float) -> None:
    fmu = importer.start()
    with pytest.raises(FMICallException):
        fmu.doStep(0.0, step_s)
    assert "step positive" in importer.messages[0]


def test_a_wrong_token_makes_no_instance(importer: Importer) -> None:
    description = importer.description
    if description.fmiVersion == "3.0":
        description.instantiationToken = "another build"
    else:
        description.guid = "another build"
    with pytest.raises(Exception, match="instantiate"):
        importer.instantiate()
    importer.fmu = None
    assert "modelDescription.xml" in importer.messages[0]


def test_reset_returns_to_the_start(importer: Importer) -> None:
    fmu = importer.start()
    outputs = [v.name for v in importer.description.modelVariables if v.causality == "output"]
    at_start = importer.get(outputs)
    fmu.doStep(0.0, 900.0)
    fmu.reset()
    fmu.enterInitializationMode()
    fmu.exitInitializationMode()
    assert importer.get(outputs) == at_start


@pytest.mark.parametrize(("model", "fmi"), SHIPPED, ids=NAMES)
def test_fmpy_simulates_an_hour_out_of_the_box(model: Model, fmi: int) -> None:
    """What a newcomer does first, without any of our code."""
    path = str(DIST / fmu_name(model, fmi))
    recorded = fmpy.simulate_fmu(path, stop_time=3600.0, output_interval=60.0)
    outputs = [v.name for v in model.variables if v.causality == "output"]
    assert len(recorded) == 61
    assert all(np.isfinite(recorded[name]).all() for name in outputs)
