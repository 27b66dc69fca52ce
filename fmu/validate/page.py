"""The page of a model as Markdown: what it is, equations, sources, variables, validity, and how it was validated."""

import re
from collections.abc import Mapping

from fmu.model import Model, Variable
from fmu.validate.comparison import Comparison, Measure

_COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)


def page(model: Model, comparisons: Mapping[str, Comparison]) -> str:
    """README.md of the model's folder; pictures are expected in `validation/<name>.svg` beside it."""
    sections = [
        f"# {model.title}",
        "<!-- Written by `make validate`; change variables.toml, the kernel or a comparison instead. -->",
        f"{model.description}.",
        f"Files in `fmu/dist`: `{model.identifier}.fmi3.fmu` (a fleet), `{model.identifier}.fmi2.fmu` (one device).",
        "Load convention: positive power flows from the grid into the device.",
        "## Equations",
        _equations(model),
        "## Sources",
        "\n".join(f"- {source}" for source in model.sources),
        "## Parameters",
        _table(model, "parameter", "typical"),
        "## Inputs",
        _table(model, "input", "start"),
        "## Outputs",
        _outputs(model),
    ]
    sections += ["## Validity", _validity(model), "## Validation"]
    if comparisons:
        for name, comparison in comparisons.items():
            sections += _validated(name, comparison)
    else:
        sections.append(
            "No independent tool models this device alone. Its balance, its limits and its independence of the step "
            "are checked by property tests (`tests/property/test_fmu_*.py`)."
        )
    return "\n\n".join(sections) + "\n"


def figure(value: float) -> str:
    """Three significant digits; what is only rounding error is called zero."""
    return "0" if abs(value) < 1e-12 else f"{value:.3g}"  # noqa: PLR2004 - below any tolerance here


def _equations(model: Model) -> str:
    """The comment at the top of the kernel, as it stands there."""
    found = _COMMENT.search(model.kernel.read_text(encoding="utf-8"))
    lines = found[1].splitlines() if found else []
    text = "\n".join(re.sub(r"^ ?\* ?", "", line).rstrip() for line in lines).strip("\n").strip(" ")
    return f"```text\n{text}\n```\n\nThe code: [{model.kernel.name}]({model.kernel.name})."


def _table(model: Model, causality: str, start: str) -> str:
    chosen = [v for v in model.variables if v.causality == causality]
    if not chosen:
        return "None."
    rows = [f"| name | unit | {start} | allowed | meaning |", "|---|---|---|---|---|"]
    return "\n".join(
        rows + [f"| `{v.name}` | {v.unit} | {v.start:g} | {_allowed(v)} | {_meaning(v)} |" for v in chosen]
    )


def _outputs(model: Model) -> str:
    rows = ["| name | unit | meaning |", "|---|---|---|"]
    return "\n".join(
        rows + [f"| `{v.name}` | {v.unit} | {_meaning(v)} |" for v in model.variables if v.causality == "output"]
    )


def _allowed(v: Variable) -> str:
    return "" if v.min is None or v.max is None else f"{v.min:g} to {v.max:g}"


def _meaning(v: Variable) -> str:
    text = v.meaning.replace("|", "\\|")
    return text if v.rows == 1 else f"{text} ({v.rows} values per device)"


def _validity(model: Model) -> str:
    common = "Steps of 1 s to 900 s; parameters and inputs within the ranges above, anything else is refused."
    return f"{model.validity}\n\n{common}" if model.validity else common


def _validated(name: str, comparison: Comparison) -> list[str]:
    rows = ["| measure | result | tolerance | |", "|---|---|---|---|"]
    rows += [_row(measure) for measure in comparison.measures]
    parts = [f"### {comparison.tool}: {name.replace('_', ' ')}", f"{comparison.run}.", "\n".join(rows)]
    if comparison.panels:
        parts.append(f"![Our run over the reference](validation/{name}.svg)")
    return parts


def _row(measure: Measure) -> str:
    verdict = "inside" if measure.passes else "**outside**"
    limit = f"{measure.limit:g} {measure.unit}"
    return f"| {measure.name} | {figure(measure.value)} {measure.unit} | {limit} | {verdict} |"
