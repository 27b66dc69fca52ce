"""Capacity and COP of OCHRE's single-speed heat pump over temperature: `python ochre_curves.py` writes the CSVs.

Needs an environment of its own: Python 3.11, ochre-nrel 0.9.2, pyarrow below 26. Relative to the rated point.
"""
# mypy: ignore-errors

from pathlib import Path

import pandas as pd
from ochre.utils import default_input_path

HERE = Path(__file__).resolve().parent
INPUTS = Path(default_input_path)


def ratio(curves: pd.Series, quantity: str, x: float, y: float) -> float:
    """OCHRE's biquadratic (HVAC.calculate_biquadratic_param)."""
    a, b, c, d, e, f = (float(curves[f"{letter}_{quantity}_t"]) for letter in "abcdef")
    return a + b * x + c * x**2 + d * y + e * y**2 + f * x * y


def table(file: str, xs: list[float], ys: list[float], rated: tuple[float, float]) -> pd.DataFrame:
    """Capacity and COP at all pairs, relative to the rated point."""
    curves = pd.read_csv(INPUTS / file, index_col="Name")["Single_1"]
    base = [ratio(curves, quantity, *rated) for quantity in ("cap", "eir")]
    rows = [(x, y, ratio(curves, "cap", x, y) / base[0], base[1] / ratio(curves, "eir", x, y)) for x in xs for y in ys]
    return pd.DataFrame(rows, columns=["indoor_degc", "outdoor_degc", "capacity", "cop"]).round(6)


if __name__ == "__main__":
    heating = table(
        "HVAC Heating/Biquadratic ASHP Heater.csv",
        [17, 20, 21.11, 23],
        [-17, -10, -5, 0, 5, 8.33, 12, 18],
        (21.11, 8.33),
    )
    heating.to_csv(HERE / "ochre_curves_heating.csv", index=False)
    cooling = table(
        "HVAC Cooling/Biquadratic ASHP Cooler.csv", [14, 16, 19.44, 22], [19, 24, 28, 32, 35, 40, 45], (19.44, 35)
    )
    cooling.to_csv(HERE / "ochre_curves_cooling.csv", index=False)
