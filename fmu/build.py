"""Build the FMUs: every device model as an FMI 3.0 fleet FMU and as an FMI 2.0 single-device FMU.

    python fmu/build.py            build all models for all platforms into fmu/dist
    python fmu/build.py --check    rebuild all and compare every file inside with fmu/dist; exit 1 on any difference
    python fmu/build.py --model battery --platform x86_64-linux    a quick look while working on a model

The compiler is Zig's C compiler from the `ziglang` wheel; the FMI headers come from the `fmpy` wheel. The same
sources give the same bytes on every machine: no time, path or host name enters a binary or an archive.
"""

import argparse
import hashlib
import importlib.util
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that `fmu` is found when run as a script

from fmu import generate, icon
from fmu.model import MODELS, ROOT, RUNTIME, VERSION, Model, load, model_names

DIST = ROOT / "dist"
FMI_VERSIONS = (3, 2)
FIXED_TIME = (1980, 1, 1, 0, 0, 0)

COMMON_FLAGS = (
    "-std=c11",
    "-O3",
    "-shared",
    "-s",
    "-fvisibility=hidden",
    "-ffp-contract=off",  # fused multiply-add would make results differ between processors
    "-fno-math-errno",
    "-fno-sanitize=undefined",  # zig adds the sanitizer's traps otherwise
    "-Wall",
    "-Wextra",
    "-Werror",
)


class BuildError(RuntimeError):
    """The compiler refused; carries its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One target: its folders inside an FMU and how Zig names it. FMI 2.0 knows three platforms only."""

    name: str
    fmi2_folder: str | None
    zig_target: str
    extension: str
    flags: tuple[str, ...]

    def folder(self, fmi: int) -> str | None:
        """Folder under binaries/, or None if that FMI version has no name for the platform."""
        return self.name if fmi == 3 else self.fmi2_folder  # noqa: PLR2004 - the version itself


PLATFORMS = {
    platform.name: platform
    for platform in (
        Platform(
            name="x86_64-linux",
            fmi2_folder="linux64",
            zig_target="x86_64-linux-gnu.2.17",
            extension=".so",
            flags=("-fPIC",),
        ),
        Platform(
            name="aarch64-linux",
            fmi2_folder=None,
            zig_target="aarch64-linux-gnu.2.17",
            extension=".so",
            flags=("-fPIC",),
        ),
        Platform(
            name="x86_64-windows",
            fmi2_folder="win64",
            zig_target="x86_64-windows-gnu",
            extension=".dll",
            flags=(),
        ),
        Platform(
            name="x86_64-darwin",
            fmi2_folder="darwin64",
            zig_target="x86_64-macos.11.0-none",
            extension=".dylib",
            flags=("-fPIC",),
        ),
        Platform(
            name="aarch64-darwin",
            fmi2_folder=None,
            zig_target="aarch64-macos.11.0-none",
            extension=".dylib",
            flags=("-fPIC",),
        ),
    )
}


def fmu_name(model: Model, fmi: int) -> str:
    """File name of an FMU: `Battery.fmi3.fmu`."""
    return f"{model.identifier}.fmi{fmi}.fmu"


def source_files(model: Model, fmi: int) -> dict[str, bytes]:
    """Everything a C compiler needs, by file name."""
    runtime = {path.name: path.read_bytes() for path in sorted(RUNTIME.glob("*.[ch]"))}
    other_version = "fmi2" if fmi == 3 else "fmi3"  # noqa: PLR2004 - the version itself
    files = {name: text for name, text in runtime.items() if not name.startswith(other_version)}
    for part in (model.kernel, *model.headers):
        files[part.name] = part.read_bytes()
    token = _token(model, runtime)
    files["model_table.h"] = generate.table_header(model, token).encode()
    files["model_table.c"] = generate.table_source(model).encode()
    for header in sorted(_header_folder().glob(f"fmi{fmi}*.h")):
        files[header.name] = header.read_bytes().replace(b"\r\n", b"\n")
    return files


def package_files(model: Model, fmi: int) -> dict[str, bytes]:
    """Every file of the FMU except its binaries, by path inside the archive."""
    sources = source_files(model, fmi)
    runtime = {path.name: path.read_bytes() for path in sorted(RUNTIME.glob("*.[ch]"))}
    token = _token(model, runtime)
    compiled = sorted(name for name in sources if name.endswith(".c"))
    files = {f"sources/{name}": text for name, text in sources.items()}
    if fmi == 3:  # noqa: PLR2004 - the version itself
        files["modelDescription.xml"] = generate.description_fmi3(model, token).encode()
        files["sources/buildDescription.xml"] = generate.build_description(model, compiled).encode()
    else:
        files["modelDescription.xml"] = generate.description_fmi2(model, token, compiled).encode()
    if (lines := icon.drawing(model)) is not None:
        files.update(_icon_files(lines, fmi))
    files["documentation/index.html"] = generate.documentation(model).encode()
    files["documentation/licenses/license.txt"] = (ROOT / "LICENSE").read_bytes()
    files["documentation/licenses/notice.txt"] = (ROOT / "NOTICE").read_bytes()
    return files


def compile_binary(sources: Mapping[str, bytes], name: str, platform: Platform) -> bytes:
    """Compile and link one shared library; raises BuildError with the compiler's words."""
    with tempfile.TemporaryDirectory() as folder:
        for file_name, text in sources.items():
            (Path(folder) / file_name).write_bytes(text)
        library = name + platform.extension
        command = [sys.executable, "-m", "ziglang", "cc", "-target", platform.zig_target]
        command += [*COMMON_FLAGS, *platform.flags]
        if platform.extension == ".dylib":
            command.append(f"-Wl,-install_name,@rpath/{library}")  # else the build folder's name gets in
        command += sorted(file_name for file_name in sources if file_name.endswith(".c"))
        command += ["-o", library, "-lm"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"{library} for {platform.name}:\n{done.stderr}")
        return (Path(folder) / library).read_bytes()


def build(model: Model, fmi: int, platforms: Iterable[Platform]) -> bytes:
    """The complete FMU as bytes."""
    files = package_files(model, fmi)
    sources = source_files(model, fmi)
    for platform in platforms:
        folder = platform.folder(fmi)
        if folder is not None:
            path = f"binaries/{folder}/{model.identifier}{platform.extension}"
            files[path] = compile_binary(sources, model.identifier, platform)
    return _archive(files)


def differences(shipped: bytes, rebuilt: bytes) -> list[str]:
    """Paths inside the archives that are missing on one side or differ; empty when every file is equal."""
    old = _unpack(shipped)
    new = _unpack(rebuilt)
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def main() -> int:
    """Command line: build or check the chosen models for the chosen platforms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare a rebuild with fmu/dist, write nothing")
    parser.add_argument("--model", action="append", choices=model_names(), help="default: all")
    parser.add_argument("--platform", action="append", choices=sorted(PLATFORMS), help="default: all")
    parser.add_argument("--jobs", type=int, default=2, help="compilers at a time")
    arguments = parser.parse_args()
    models = [load(name) for name in arguments.model or model_names()]
    platforms = [PLATFORMS[name] for name in arguments.platform or PLATFORMS]
    tasks = [(model, fmi) for model in models for fmi in FMI_VERSIONS]
    different = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        archives = pool.map(lambda task: build(task[0], task[1], platforms), tasks)
        for (model, fmi), archive in zip(tasks, archives, strict=True):
            path = DIST / fmu_name(model, fmi)
            if not arguments.check:
                DIST.mkdir(exist_ok=True)
                path.write_bytes(archive)
                print(f"{path.name}: {len(archive)} bytes")
            elif not path.is_file():
                different += 1
                print(f"{path.name}: not in fmu/dist")
            elif changed := differences(path.read_bytes(), archive):
                different += 1
                print(f"{path.name}: differs in {', '.join(changed)}")
            else:
                print(f"{path.name}: same bytes")
    return 1 if different else 0


def _header_folder() -> Path:
    spec = importlib.util.find_spec("fmpy")
    if spec is None or spec.origin is None:
        raise BuildError("the fmpy package is not installed; its wheel carries the FMI headers")
    return Path(spec.origin).parent / "c-code"


def _icon_files(lines: tuple[str, ...], fmi: int) -> dict[str, bytes]:
    """The icon where each FMI version looks for it."""
    if fmi == 2:  # noqa: PLR2004 - the version itself
        return {"model.png": icon.png(lines)}
    folder = "terminalsAndIcons"
    return {
        f"{folder}/terminalsAndIcons.xml": icon.terminals_and_icons().encode(),
        f"{folder}/icon.png": icon.png(lines),
        f"{folder}/icon.svg": icon.svg(lines).encode(),
    }


def _token(model: Model, runtime: Mapping[str, bytes]) -> str:
    """Names the build: changes whenever something that decides its behaviour changes."""
    digest = hashlib.sha256(VERSION.encode())
    digest.update((MODELS / model.name / "variables.toml").read_bytes())
    for part in (model.kernel, *model.headers):
        digest.update(part.read_bytes())
    for name in sorted(runtime):
        digest.update(runtime[name])
    return digest.hexdigest()[:32]


def _archive(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # as on Linux, whatever machine builds
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[path])
    return stream.getvalue()


def _unpack(fmu: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(fmu)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


if __name__ == "__main__":
    sys.exit(main())
