"""Generated parts of an FMU: the C variable table, model descriptions, build description and documentation page.

Text in, text out; nothing here touches the file system. The same model always gives the same text.
"""

from html import escape
from xml.sax.saxutils import quoteattr

from fmu.model import UNITS, VERSION, Model, Variable

# Value references: FMI 3.0 has 0 time, 1 n, then the variables; FMI 2.0 numbers the cells of the single device.
FIRST_REFERENCE = 2
AUTHOR = "Hearthgrid contributors"
LICENSE = "Apache-2.0"


def table_header(model: Model, token: str) -> str:
    """`model_table.h`: identity of the build and one pointer per variable."""
    pointers = "\n".join(f"    double *{v.name};" for v in model.variables)
    return (
        f'#define MODEL_IDENTIFIER "{model.identifier}"\n'
        f'#define MODEL_KERNEL "{model.kernel.name}"\n'
        f'#define INSTANTIATION_TOKEN "{token}"\n'
        f"enum {{ VARIABLE_COUNT = {len(model.variables)}, CELLS_PER_DEVICE = {len(_cells(model))} }};\n\n"
        f"typedef struct {{\n{pointers}\n}} Devices;\n"
    )


def table_source(model: Model) -> str:
    """`model_table.c`: name, causality, rows, start, min and max of each variable."""
    rows = []
    for v in model.variables:
        low = "-INFINITY" if v.min is None else repr(v.min)
        high = "INFINITY" if v.max is None else repr(v.max)
        rows.append(f'    {{"{v.name}", CAUSALITY_{v.causality.upper()}, {v.rows}, {v.start!r}, {low}, {high}}},')
    owners = ", ".join(str(k) for k, _ in _cells(model))
    return (
        '#include "fleet.h"\n\n#include <math.h>\n\n'
        "const Variable VARIABLES[VARIABLE_COUNT] = {\n" + "\n".join(rows) + "\n};\n\n"
        f"const size_t CELL_VARIABLE[CELLS_PER_DEVICE] = {{{owners}}};\n"
    )


def description_fmi3(model: Model, token: str) -> str:
    """`modelDescription.xml` of the fleet FMU: every variable an array over the structural parameter n."""
    lines = []
    for reference, v in enumerate(model.variables, FIRST_REFERENCE):
        own = f'<Dimension start="{v.rows}"/>' if v.rows > 1 else ""
        attributes = (
            f'name="{v.name}" valueReference="{reference}" {_role(v)} {_range(v)}'
            f"unit={quoteattr(v.unit)} description={quoteattr(v.meaning)}"
        )
        lines.append(f'    <Float64 {attributes}>{own}<Dimension valueReference="1"/></Float64>')
    outputs = [k for k, v in enumerate(model.variables, FIRST_REFERENCE) if v.causality == "output"]
    structure = [f'    <Output valueReference="{k}"/>' for k in outputs]
    structure += [f'    <InitialUnknown valueReference="{k}"/>' for k in outputs]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="3.0" modelName="{model.identifier}" instantiationToken="{token}"
  {_identity(model)}>
  <CoSimulation modelIdentifier="{model.identifier}" {_abilities("FMUState")}/>
{_units(model)}
  <LogCategories><Category name="logStatusError" description="refused calls and values"/></LogCategories>
  <DefaultExperiment startTime="0" stopTime="86400" stepSize="60"/>
  <ModelVariables>
    <Float64 name="time" valueReference="0" causality="independent" variability="continuous"/>
    <UInt64 name="n" valueReference="1" causality="structuralParameter" variability="fixed" start="1" min="1"
      description="number of devices"/>
{chr(10).join(lines)}
  </ModelVariables>
  <ModelStructure>
{chr(10).join(structure)}
  </ModelStructure>
</fmiModelDescription>
"""


def description_fmi2(model: Model, token: str, sources: list[str]) -> str:
    """`modelDescription.xml` of the scalar FMU: the same variables of one device, profiles cell by cell."""
    lines = []
    outputs = []
    for reference, (k, row) in enumerate(_cells(model)):
        v = model.variables[k]
        name = v.name if v.rows == 1 else f"{v.name}[{row + 1}]"
        lines.append(
            f'    <ScalarVariable name="{name}" valueReference="{reference}" {_role(v)}'
            f"{_exact(v)}description={quoteattr(v.meaning)}>"
            f"<Real {_range(v)}unit={quoteattr(v.unit)}/></ScalarVariable>"
        )
        if v.causality == "output":
            outputs.append(f'<Unknown index="{reference + 1}"/>')
    files = "".join(f'<File name="{name}"/>' for name in sources)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="{model.identifier}" guid="{token}" {_identity(model)}
  variableNamingConvention="structured" numberOfEventIndicators="0">
  <CoSimulation modelIdentifier="{model.identifier}" {_abilities("FMUstate")}>
    <SourceFiles>{files}</SourceFiles>
  </CoSimulation>
{_units(model)}
  <LogCategories><Category name="logStatusError" description="refused calls and values"/></LogCategories>
  <DefaultExperiment startTime="0" stopTime="86400" stepSize="60"/>
  <ModelVariables>
{chr(10).join(lines)}
  </ModelVariables>
  <ModelStructure>
    <Outputs>{"".join(outputs)}</Outputs>
    <InitialUnknowns>{"".join(outputs)}</InitialUnknowns>
  </ModelStructure>
</fmiModelDescription>
"""


def build_description(model: Model, sources: list[str]) -> str:
    """`sources/buildDescription.xml` (FMI 3.0): how an importer compiles the sources itself."""
    files = "\n".join(f'      <SourceFile name="{name}"/>' for name in sources)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiBuildDescription fmiVersion="3.0">
  <BuildConfiguration modelIdentifier="{model.identifier}">
    <SourceFileSet language="C11">
{files}
    </SourceFileSet>
  </BuildConfiguration>
</fmiBuildDescription>
"""


def documentation(model: Model) -> str:
    """`documentation/index.html`: what the model is, where its equations come from, every variable."""
    rows = []
    for v in model.variables:
        start = f"{v.start:g}" if v.settable else ""
        allowed = f"{v.min:g} to {v.max:g}" if v.min is not None and v.max is not None else ""
        cells = (v.name, v.causality, v.unit, start, allowed, v.meaning)
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    sources = "\n".join(f"<li>{escape(source)}</li>" for source in model.sources)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{escape(model.title)}</title>
<style>body {{ font: 15px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }}
td, th {{ text-align: left; padding: .15em .8em .15em 0; vertical-align: top; border-bottom: 1px solid #ccc }}</style>
</head>
<body>
<h1>{escape(model.title)}</h1>
<p>{escape(model.description)}.</p>
<p>Load convention: positive power flows from the grid into the device. Powers are means over the communication step;
inputs are constant within it. Steps from 1 s to 900 s are meant; longer than 60 s are divided inside.
NaN and values outside their range are refused with an error that names the variable and the device.</p>
<p>The equations stand at the top of <code>sources/{model.name}.c</code>. They come from:</p>
<ul>
{sources}
</ul>
<table>
<tr><th>variable</th><th>causality</th><th>unit</th><th>start</th><th>allowed</th><th>meaning</th></tr>
{chr(10).join(rows)}
</table>
<p>Version {VERSION}, licence {LICENSE} (see <code>licenses/</code>).</p>
</body>
</html>
"""


def _cells(model: Model) -> list[tuple[int, int]]:
    """(variable, row) of each value of one device, in memory order."""
    return [(k, row) for k, v in enumerate(model.variables) for row in range(v.rows)]


def _role(v: Variable) -> str:
    roles = {
        "parameter": 'causality="parameter" variability="fixed"',
        "input": 'causality="input" variability="continuous"',
        "output": 'causality="output" variability="continuous" initial="calculated"',
        "local": 'causality="local" variability="continuous" initial="calculated"',
    }
    return roles[v.causality]


def _exact(v: Variable) -> str:
    return ' initial="exact" ' if v.causality == "parameter" else " "


def _range(v: Variable) -> str:
    start = f'start="{v.start!r}" ' if v.settable else ""
    low = "" if v.min is None else f'min="{v.min!r}" '
    high = "" if v.max is None else f'max="{v.max!r}" '
    return start + low + high


def _identity(model: Model) -> str:
    return (
        f'description={quoteattr(model.description)} version="{VERSION}" author="{AUTHOR}" '
        f'copyright="{AUTHOR}" license="{LICENSE}" generationTool="Hearthgrid fmu/build.py"'
    )


def _abilities(state: str) -> str:
    return f'canHandleVariableCommunicationStepSize="true" canGetAndSet{state}="true" canSerialize{state}="true"'


def _units(model: Model) -> str:
    lines = []
    for unit in sorted({v.unit for v in model.variables}):
        base = " ".join(f'{key}="{value:.17g}"' for key, value in UNITS[unit].items())
        lines.append(f"    <Unit name={quoteattr(unit)}><BaseUnit {base}/></Unit>")
    return "  <UnitDefinitions>\n" + "\n".join(lines) + "\n  </UnitDefinitions>"
