/* Home battery, AC-coupled.
 *
 * Cell (Rint model, Plett 2015 ch. 2), in watts at nominal voltage so that neither volts nor amperes are needed:
 *   voltage  v = ocv(soc) + r i          per unit of the nominal voltage
 *   terminal power  P_dc = v i = ocv i + r i^2
 *   stored power    P_cell = ocv i,      d soc / dt = P_cell / E
 * with i the current times the nominal voltage [W] and r = resistance_pu / E [1/W].
 *
 * Inverter:  charging     P_dc = eta P_ac - P_noload - k P_ac^2
 *            discharging  P_dc = P_ac / eta - P_noload - k P_ac^2       (P < 0)
 * with k = resistive loss at the rating / rating: losses that are constant, in proportion and quadratic make the
 * efficiency curve of an inverter, poor at small loads and falling towards the rating (Driesse et al. 2008).
 * An inverter that could not even cover its no-load loss stays off.
 *
 * Limits: the power falls linearly to a tenth of the rating between the derating points and soc_max or soc_min; it never
 * takes soc beyond soc_max, soc_min or, while the grid is there, the reserve. Capacity E = nominal (1 - fade).
 */
#include "fleet.h"
#include "physics.h"

/* Open-circuit voltage of a lithium NMC cell at 0 %, 10 % ... 100 % state of charge, per unit of 3.6 V (SAM, OCHRE). */
enum { OCV_POINTS = 11 };
static const double OCV_PU[OCV_POINTS] = {
    3.0000 / 3.6, 3.4679 / 3.6, 3.5394 / 3.6, 3.5950 / 3.6, 3.6453 / 3.6, 3.6876 / 3.6,
    3.7469 / 3.6, 3.8400 / 3.6, 3.9521 / 3.6, 4.0668 / 3.6, 4.1934 / 3.6,
};

/* Derating never goes below this share of the rated power, so that the last of the charge is reached. */
static const double DERATED_POWER_SHARE = 0.1;

static double open_circuit_voltage_pu(double soc)
{
    const double position = clamp(soc, 0.0, 1.0) * (OCV_POINTS - 1);
    const int below = position < OCV_POINTS - 2 ? (int)position : OCV_POINTS - 2;
    return OCV_PU[below] + (position - below) * (OCV_PU[below + 1] - OCV_PU[below]);
}

typedef struct {
    double efficiency;
    double no_load_w;
    double resistive_per_w; /* quadratic loss per AC power squared */
} Inverter;

static double dc_power_w(Inverter inverter, double ac_w)
{
    const double constant_w = inverter.no_load_w + inverter.resistive_per_w * ac_w * ac_w;
    if (ac_w > 0.0) {
        return most(inverter.efficiency * ac_w - constant_w, 0.0);
    }
    return ac_w < 0.0 ? ac_w / inverter.efficiency - constant_w : 0.0;
}

/* The smaller root of slope x - k x^2 = loaded. */
static double through_losses_w(double slope, double k, double loaded_w)
{
    const double root = sqrt(most(slope * slope - 4.0 * k * loaded_w, 0.0));
    return 2.0 * loaded_w / (slope + root);
}

static double ac_power_w(Inverter inverter, double dc_w)
{
    const double loaded_w = dc_w + inverter.no_load_w;
    if (dc_w > 0.0) {
        return through_losses_w(inverter.efficiency, inverter.resistive_per_w, loaded_w);
    }
    /* in P = -x: x / eta + k x^2 = -loaded */
    return -through_losses_w(1.0 / inverter.efficiency, -inverter.resistive_per_w, -least(loaded_w, 0.0));
}

/* Power limit near an end of the range: full at soc_full_power, a tenth at soc_end. */
static double derated_w(double power_w, double soc, double soc_end, double soc_full_power)
{
    const double share = (soc_end - soc) / (soc_end - soc_full_power);
    return power_w * clamp(share, DERATED_POWER_SHARE, 1.0);
}

typedef struct {
    double ac_w;
    double cell_w;
} Flow;

/* What the battery really does for a wanted AC power, with cell power limits that keep soc within its range. */
static Flow flow(Inverter inverter, double wanted_ac_w, double ocv, double r, double cell_min_w, double cell_max_w)
{
    const Flow off = {0.0, 0.0};
    double dc_w = dc_power_w(inverter, wanted_ac_w);
    if (dc_w == 0.0) {
        return off;
    }
    double root = ocv * ocv + 4.0 * r * dc_w; /* of r i^2 + ocv i = P_dc */
    Flow result = {wanted_ac_w, 0.0};
    bool limited = root < 0.0; /* more than the cell can deliver at any current */
    root = most(root, 0.0);
    if (limited) {
        dc_w = -ocv * ocv / (4.0 * r);
    }
    result.cell_w = ocv * 2.0 * dc_w / (ocv + sqrt(root));
    if (result.cell_w > cell_max_w || result.cell_w < cell_min_w) {
        result.cell_w = clamp(result.cell_w, cell_min_w, cell_max_w);
        const double i = result.cell_w / ocv;
        dc_w = (ocv + r * i) * i;
        limited = true;
    }
    if (limited) {
        result.ac_w = ac_power_w(inverter, dc_w);
    }
    return result.ac_w == 0.0 ? off : result;
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    for (size_t i = 0; i < n; i++) {
        if (d->soc_min[i] > d->soc_max[i]) {
            *violation = (Violation){"soc_min", i, "must not be above soc_max"};
            return false;
        }
        if (d->soc_reserve[i] > d->soc_max[i]) {
            *violation = (Violation){"soc_reserve", i, "must not be above soc_max"};
            return false;
        }
    }
    return true;
}

void model_start(const Devices *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d->power_w[i] = d->standby_w[i];
        d->soc[i] = d->soc_start[i];
        d->energy_stored_wh[i] = d->soc_start[i] * d->energy_capacity_wh[i] * (1.0 - d->capacity_fade[i]);
        d->loss_wh[i] = 0.0;
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    const double sub_h = sub.length_s / SECONDS_PER_HOUR;
    for (size_t i = 0; i < n; i++) {
        const double resistive_per_w = d->power_max_w[i] > 0.0 ? d->inverter_resistive_pu[i] / d->power_max_w[i] : 0.0;
        const Inverter inverter = {d->inverter_efficiency[i], d->inverter_no_load_w[i], resistive_per_w};
        const double capacity_wh = d->energy_capacity_wh[i] * (1.0 - d->capacity_fade[i]);
        const double soc_per_w = sub_h / capacity_wh; /* what one watt into the cells does in a sub-step */
        const double w_per_soc = capacity_wh / sub_h;
        const double r = d->resistance_pu[i] / capacity_wh;
        const double ceiling = d->soc_max[i];
        const double reserve = d->grid_forming[i] > 0.5 ? 0.0 : d->soc_reserve[i];
        const double lowest = most(d->soc_min[i], reserve);
        const bool derate_charge = d->derate_charge_above_soc[i] < ceiling;
        const bool derate_discharge = d->derate_discharge_below_soc[i] > d->soc_min[i];
        double soc = d->soc[i];
        double ac_sum_w = 0.0;
        double loss_wh = 0.0;
        for (int k = 0; k < sub.count; k++) {
            double charge_max_w = d->power_max_w[i];
            double discharge_max_w = d->power_max_w[i];
            if (derate_charge) {
                charge_max_w = derated_w(charge_max_w, soc, ceiling, d->derate_charge_above_soc[i]);
            }
            if (derate_discharge) {
                discharge_max_w = derated_w(discharge_max_w, soc, d->soc_min[i], d->derate_discharge_below_soc[i]);
            }
            const double wanted_w = clamp(d->power_setpoint_w[i], -discharge_max_w, charge_max_w);
            const double cell_max_w = most(ceiling - soc, 0.0) * w_per_soc;
            const double cell_min_w = least(lowest - soc, 0.0) * w_per_soc;
            const Flow f = flow(inverter, wanted_w, open_circuit_voltage_pu(soc), r, cell_min_w, cell_max_w);
            soc += f.cell_w * soc_per_w;
            ac_sum_w += f.ac_w;
            loss_wh += (f.ac_w - f.cell_w) * sub_h;
        }
        d->soc[i] = clamp(soc, 0.0, 1.0);
        d->power_w[i] = ac_sum_w / sub.count + d->standby_w[i];
        d->energy_stored_wh[i] = d->soc[i] * capacity_wh;
        d->loss_wh[i] += loss_wh + d->standby_w[i] * step_s / SECONDS_PER_HOUR;
    }
}
