"""A fleet of equal devices inside one FMI 3.0 FMU: NumPy arrays in, NumPy arrays out, no loop over devices.

The only module that imports FMPy; `open_file` and `open_instance` lend it to the host of other makers' FMUs.
FMPy reads the model description, loads the library and walks an instance through its states; the values of a step go
through pointers to two NumPy blocks, one call for all inputs, one for all outputs.
Refused: unknown models, parameters of a wrong name or shape, and whatever the FMU itself refuses (NaN, values outside
their range, parameters that contradict each other); see FleetError.
"""

import atexit
import contextlib
import ctypes
import shutil
import tempfile
from collections.abc import Mapping
from copy import copy
from functools import cache
from importlib import import_module, resources
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, cast

import fmpy
import numpy as np
from fmpy import fmi2, fmi3
from fmpy.fmi1 import FMICallException
from fmpy.model_description import ModelDescription
from fmpy.validation import validate_fmu
from numpy.typing import NDArray

from simulators.fleet.fmu_archive import archive_fault

FmuRefusal = FMICallException
"""What an instance raises when the FMU answers a call with more than a warning."""

_FMI_WARNING = 1
_STRUCTURAL_PARAMETER = "n"
_REPOSITORY_FMUS = Path(__file__).resolve().parents[2] / "fmu" / "dist"


class FleetError(Exception):
    """A fleet that cannot do what was asked: `model`, `variable` (empty if none is to blame) and `text`."""

    def __init__(self, model: str, variable: str, text: str) -> None:
        super().__init__(f"{model}: {text}")
        self.model = model
        self.variable = variable
        self.text = text


def build_of(model: str) -> str:
    """The name of this build of a model's FMU: another one whenever its variables or its equations are others."""
    token: str = _unpacked(model)[1].instantiationToken
    return token


class Fleet:
    """n devices of one model.

    `inputs` and `outputs` map variable names (with units, load convention) to stable views of shape (n,): write inputs
    in place, call `step`, read outputs. Inputs start with the model's start values; outputs are valid from the
    beginning. `parameters` take a number for all devices or one value per device; what is not named keeps its start
    value. A fleet of no devices is allowed and does nothing.
    """

    def __init__(
        self, *, model: str, n: int, parameters: Mapping[str, NDArray[np.float64] | float] = MappingProxyType({})
    ) -> None:
        if n < 0:
            raise FleetError(model, _STRUCTURAL_PARAMETER, f"n: {n} devices, must be at least 0")
        folder, description = _unpacked(model)
        references = {v.name: v.valueReference for v in description.modelVariables}
        names: dict[str, list[str]] = {"parameter": [], "input": [], "output": []}
        for variable in description.modelVariables:
            names.get(variable.causality, []).append(variable.name)
        self.model = model
        self.n = n
        values = {name: self._column(name, value, names["parameter"]) for name, value in parameters.items()}
        self._messages: list[str] = []
        self._inputs = _Block(names["input"], references, n)
        self._outputs = _Block(names["output"], references, n)
        self._closed = False
        self._fmu: fmi3.FMU3Slave = None  # without devices there is nothing to run
        if n > 0:
            self._fmu = self._instantiate(folder)
            try:
                self._initialize(references, values)
            except FleetError:
                self.close()
                raise

    @property
    def inputs(self) -> Mapping[str, NDArray[np.float64]]:
        """Input views by name; write into them before `step`."""
        return self._inputs.views

    @property
    def outputs(self) -> Mapping[str, NDArray[np.float64]]:
        """Output views by name; `step` refreshes them."""
        return self._outputs.views

    def step(self, time_s: float, step_s: float) -> None:
        """Advance all devices from `time_s` by `step_s` with the present inputs; FleetError if one is refused."""
        if self._is_idle():
            return
        self._push_inputs()
        self._call("doStep", time_s, step_s)
        self._pull_outputs()

    def save(self) -> bytes:
        """The complete state with the present inputs, to be given to `restore` of a fleet of this model and n."""
        if self._is_idle():
            return b""
        self._push_inputs()
        state = self._call("getFMUState")
        try:
            blob = cast("bytes", self._call("serializeFMUState", state))
        finally:
            self._call("freeFMUState", state)
        return blob

    def restore(self, blob: bytes) -> None:
        """Return to a saved state, bit for bit; inputs and outputs are refreshed."""
        if self._is_idle():
            if blob:
                raise FleetError(self.model, "", "this state belongs to a fleet with devices")
            return
        state = self._call("deserializeFMUState", blob)
        try:
            self._call("setFMUState", state)
        finally:
            self._call("freeFMUState", state)
        self._get(self._inputs)
        self._pull_outputs()

    def close(self) -> None:
        """Free the instance; the views keep their last values. Closing twice is fine."""
        fmu, self._fmu = self._fmu, None
        if fmu is not None:
            fmu.fmi3FreeInstance(fmu.component)  # the library stays for the fleets that come
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_idle(self) -> bool:
        """True for a fleet of no devices; refuses a closed one."""
        if self._closed:
            raise FleetError(self.model, "", "the fleet is closed")
        return self._fmu is None

    def _column(self, name: str, value: NDArray[np.float64] | float, known: list[str]) -> NDArray[np.float64]:
        if name not in known:
            raise FleetError(self.model, name, f"{name}: no such parameter, allowed: {', '.join(sorted(known))}")
        column = np.asarray(value, dtype=np.float64)
        if column.shape not in {(), (self.n,)}:
            raise FleetError(self.model, name, f"{name}: shape {column.shape}, must be a number or ({self.n},)")
        return np.ascontiguousarray(np.broadcast_to(column, (self.n,)))

    def _instantiate(self, folder: Path) -> fmi3.FMU3Slave:
        fmu = copy(_slave(self.model, folder))
        fmu.instantiate(logMessage=fmi3.fmi3LogMessageCallback(self._log))
        return fmu

    def _initialize(self, references: Mapping[str, int], values: Mapping[str, NDArray[np.float64]]) -> None:
        self._call("enterConfigurationMode")
        self._call("setUInt64", [references[_STRUCTURAL_PARAMETER]], [self.n])
        self._call("exitConfigurationMode")
        self._call("enterInitializationMode")
        for name, column in values.items():
            block = _Block([name], references, self.n)
            block.values[0] = column
            self._set(block)
        self._call("exitInitializationMode")
        self._get(self._inputs)
        self._pull_outputs()

    def _push_inputs(self) -> None:
        self._set(self._inputs)

    def _pull_outputs(self) -> None:
        self._get(self._outputs)

    def _set(self, block: "_Block") -> None:
        status = self._fmu.dll.fmi3SetFloat64(self._fmu.component, *block.arguments)
        self._require(status, "fmi3SetFloat64")

    def _get(self, block: "_Block") -> None:
        status = self._fmu.dll.fmi3GetFloat64(self._fmu.component, *block.arguments)
        self._require(status, "fmi3GetFloat64")

    def _call(self, function: str, *arguments: object) -> object:
        """Call an FMPy method; its complaint becomes a FleetError with the FMU's own words."""
        try:
            return getattr(self._fmu, function)(*arguments)
        except FMICallException as error:
            raise self._error(function) from error

    def _require(self, status: int, function: str) -> None:
        if status > _FMI_WARNING:
            raise self._error(function)

    def _error(self, function: str) -> FleetError:
        text = "; ".join(self._messages) or f"{function} failed"
        self._messages.clear()
        variable = text.partition(":")[0].partition("[")[0]
        return FleetError(self.model, variable if variable.isidentifier() else "", text)

    def _log(self, _environment: object, _status: int, _category: bytes, message: bytes) -> None:
        self._messages.append(message.decode("utf-8", errors="replace"))


class _Block:
    """Contiguous values of several variables, one row each, and the arguments that hand them to the FMU."""

    def __init__(self, names: list[str], references: Mapping[str, int], n: int) -> None:
        self.values: NDArray[np.float64] = np.zeros((len(names), n))
        self.views = MappingProxyType({name: self.values[k] for k, name in enumerate(names)})
        self.arguments = (
            (fmi3.fmi3ValueReference * len(names))(*(references[name] for name in names)),
            len(names),
            self.values.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
            self.values.size,
        )


def open_file(path: Path) -> tuple[ModelDescription, tuple[str, ...]]:
    """Description of any FMU, and the platforms it has binaries for; runs nothing of it. Raises FleetError."""
    fault = archive_fault(path)
    if fault is not None:
        raise FleetError(path.name, "", f"cannot be read as an FMU: {fault}")
    try:
        return fmpy.read_model_description(str(path), validate=False), tuple(fmpy.supported_platforms(str(path)))
    except Exception as error:  # FMPy lets everything through that zip and XML can raise
        raise FleetError(path.name, "", f"cannot be read as an FMU: {error}") from error


def file_faults(path: Path) -> list[str]:
    """What FMPy's validation finds wrong with an FMU, one line each; runs nothing of it."""
    try:
        return [str(fault) for fault in validate_fmu(str(path))]
    except Exception as error:  # FMPy lets everything through that zip and XML can raise
        raise FleetError(path.name, "", f"cannot be read as an FMU: {error}") from error


def this_platform() -> tuple[str, ...]:
    """What FMI 2.0 and FMI 3.0 call the platform this process runs on."""
    return fmpy.platform, fmpy.platform_tuple


def open_instance(path: Path, folder: Path, name: str, messages: list[str]) -> Any:  # noqa: ANN401 - FMPy has no types
    """An instance of the FMU unpacked in `folder`, initialised by nobody yet; `messages` gets what it logs."""
    description = _described(path)
    is_fmi2 = description.fmiVersion == "2.0"
    instance = (fmi2.FMU2Slave if is_fmi2 else fmi3.FMU3Slave)(
        guid=description.guid if is_fmi2 else description.instantiationToken,
        unzipDirectory=str(folder),
        modelIdentifier=description.coSimulation.modelIdentifier,
        instanceName=name,
    )

    def log_fmi2(_environment: object, _name: bytes, _status: int, _category: bytes, message: bytes) -> None:
        messages.append(message.decode("utf-8", errors="replace"))

    def log_fmi3(_environment: object, _status: int, _category: bytes, message: bytes) -> None:
        messages.append(message.decode("utf-8", errors="replace"))

    if is_fmi2:
        callbacks = fmi2.fmi2CallbackFunctions()
        callbacks.logger = fmi2.fmi2CallbackLoggerTYPE(log_fmi2)
        callbacks.allocateMemory = fmi2.defaultCallbacks.allocateMemory
        callbacks.freeMemory = fmi2.defaultCallbacks.freeMemory
        with contextlib.suppress(OSError):  # FMPy lacks its library for some platforms: messages keep their "%s"
            import_module("fmpy.logging").addLoggerProxy(ctypes.byref(callbacks))
        instance.instantiate(callbacks=callbacks)
    else:
        instance.instantiate(logMessage=fmi3.fmi3LogMessageCallback(log_fmi3))
    return instance


def unpack(path: Path) -> Path:
    """Unpack an FMU into a temporary folder that goes away at exit."""
    folder = Path(tempfile.mkdtemp(prefix="hearthgrid-fmu-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fmpy.extract(str(path), str(folder))
    return folder


def fmu_path(model: str) -> Path:
    """File of a model's FMI 3.0 FMU: beside the installed package, else in the repository's fmu/dist."""
    name = "".join(part.capitalize() for part in model.split("_")) + ".fmi3.fmu"
    packaged = Path(str(resources.files("simulators.fleet"))) / "fmus"
    folder = packaged if packaged.is_dir() else _REPOSITORY_FMUS
    path = folder / name
    if not path.is_file():
        known = ", ".join(sorted(p.name for p in folder.glob("*.fmi3.fmu"))) or "none"
        raise FleetError(model, "", f"no FMU {name} in {folder}, there is: {known}")
    return path


@cache
def _described(path: Path) -> ModelDescription:
    """Read once for all instances of a process."""
    return fmpy.read_model_description(str(path), validate=False)


@cache
def _unpacked(model: str) -> tuple[Path, ModelDescription]:
    """Unpack a model once per process into a temporary folder that goes away at exit."""
    folder = unpack(fmu_path(model))
    return folder, fmpy.read_model_description(str(folder))


@cache
def _slave(model: str, folder: Path) -> fmi3.FMU3Slave:
    """The library of an unpacked model, loaded once per process; what is instantiated are copies of it.

    FMPy looks at every function of FMI for each slave it makes, some milliseconds.
    """
    description = _unpacked(model)[1]
    return fmi3.FMU3Slave(
        guid=description.instantiationToken,
        unzipDirectory=str(folder),
        modelIdentifier=description.coSimulation.modelIdentifier,
        instanceName=model,
    )
