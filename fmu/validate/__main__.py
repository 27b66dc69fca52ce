"""Redo the comparisons with independent tools and rewrite the models' pages: `python -m fmu.validate`.

Exit code 1 when a figure is outside its tolerance.
"""

import argparse
import sys

from fmu.model import MODELS, load, model_names
from fmu.validate.comparison import Comparison, references
from fmu.validate.diagram import diagram
from fmu.validate.page import figure, page


def main() -> int:
    """Command line: compare the chosen models, write their pages."""
    parser = argparse.ArgumentParser(prog="python -m fmu.validate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", choices=model_names(), help="default: all")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    arguments = parser.parse_args()
    outside = 0
    for name in arguments.model or model_names():
        compared = {found.name: found.compare() for found in references() if found.model == name}
        outside += sum(_report(name, run, comparison) for run, comparison in compared.items())
        if not arguments.check:
            _write(name, compared)
    return 1 if outside else 0


def _report(model: str, run: str, comparison: Comparison) -> int:
    """Print one comparison; the number of measures outside their tolerance."""
    print(f"{model}: {comparison.tool}: {run.replace('_', ' ')}")
    for measure in comparison.measures:
        verdict = "" if measure.passes else "   OUTSIDE"
        print(f"    {measure.name}: {figure(measure.value)} of {measure.limit:g} {measure.unit}{verdict}")
    return sum(not measure.passes for measure in comparison.measures)


def _write(name: str, compared: dict[str, Comparison]) -> None:
    """The page and its pictures; pictures of comparisons that are gone go too."""
    folder = MODELS / name / "validation"
    pictures = {f"{run}.svg": diagram(comparison.panels) for run, comparison in compared.items() if comparison.panels}
    for old in folder.glob("*.svg"):
        if old.name not in pictures:
            old.unlink()
    if pictures:
        folder.mkdir(exist_ok=True)
    for file, picture in pictures.items():
        (folder / file).write_text(picture, encoding="utf-8")
    (MODELS / name / "README.md").write_text(page(load(name), compared), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
