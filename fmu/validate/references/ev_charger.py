"""Chargers and vehicles beside OCHRE's."""

from fmu.validate.comparison import Comparison, Measure, Panel, drive, excess, read, reference, rmse
from simulators.fleet.fmu_fleet import Fleet

KWH_PER_MILE = 0.325  # OCHRE's, for sedans


@reference("ev_charger")
def ochre_level_2_quarter_hours() -> Comparison:
    """A hundred-mile vehicle on 7.2 kW."""
    return _charged("bev100_level2", range_miles=100.0, power_w=7200.0, step_s=900.0)


@reference("ev_charger")
def ochre_level_2_five_minutes() -> Comparison:
    """A 250-mile vehicle on 11.5 kW, in steps short enough to see the taper."""
    return _charged("bev250_minutes", range_miles=250.0, power_w=11_500.0, step_s=300.0)


@reference("ev_charger")
def ochre_plug_in_hybrid_level_1() -> Comparison:
    """A small battery on a socket."""
    return _charged("phev20_level1", range_miles=20.0, power_w=1400.0, step_s=900.0)


def _charged(run: str, *, range_miles: float, power_w: float, step_s: float) -> Comparison:
    """Arrivals and states of charge on arrival are OCHRE's; its state of charge is the one before each step."""
    theirs = read(f"electric/ochre_ev_{run}.csv")
    parameters = {
        "battery_capacity_wh": range_miles * KWH_PER_MILE * 1e3,
        "power_max_w": power_w,
        "power_min_w": 720.0,  # 6 A at 120 V
        "efficiency": 0.9,
        "soc_start": theirs["soc"][0],
    }
    with Fleet(model="ev_charger", n=1, parameters=parameters) as fleet:
        inputs = {"plugged": theirs["plugged"], "soc_on_arrival": theirs["soc"]}
        ours = drive(fleet, inputs, step_s=step_s, outputs=["power_w", "soc"])
    expected_w = 1e3 * theirs["power_kw"]
    staying = (theirs["plugged"][:-1] > 0.5) & (theirs["plugged"][1:] > 0.5)  # noqa: PLR2004 - between no and yes
    soc, expected_soc = ours["soc"][:-1][staying], theirs["soc"][1:][staying]
    return Comparison(
        tool="OCHRE 0.9.2",
        run=f"{range_miles:g} miles of range, {power_w / 1e3:g} kW, steps of {step_s / 60:g} min",
        measures=(
            Measure(name="energy charged", value=excess(ours["power_w"], expected_w), limit=0.5, unit="%"),
            Measure(name="power, RMSE", value=100 * rmse(ours["power_w"], expected_w) / power_w, limit=0.5, unit="%"),
            Measure(name="state of charge, RMSE", value=100 * rmse(soc, expected_soc), limit=0.5, unit="points"),
        ),
        panels=(
            Panel(title="Charging power", unit="W", step_s=step_s, ours=ours["power_w"], theirs=expected_w),
            Panel(title="State of charge, plugged steps", unit="1", step_s=step_s, ours=soc, theirs=expected_soc),
        ),
    )
