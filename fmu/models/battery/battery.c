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

static inline double open_circuit_voltage_pu(double soc)
{
    const double position = clamp(soc, 0.0, 1.0) * (OCV_POINTS - 1);
    const int below = position < OCV_POINTS - 2 ? (int)position : OCV_POINTS - 2;
    return OCV_PU[below] + (position - below) * (OCV_PU[below + 1] - OCV_PU[below]);
}

/* The inverter in one direction. Its DC power is slope x AC power - no-load loss - quadratic loss. */
typedef struct {
    double slope; /* efficiency while charging, 1 / efficiency while discharging */
    double no_load_w;
    double resistive_per_w; /* quadratic loss per AC power squared */
} Inverter;

static inline double dc_power_w(Inverter inverter, double ac_w)
{
    const double loss_w = inverter.no_load_w + inverter.resistive_per_w * ac_w * ac_w;
    const double dc_w = inverter.slope * ac_w - loss_w;
    const double charging_w = most(dc_w, 0.0); /* less than the no-load loss keeps it off */
    const double discharging_w = choose(ac_w < 0.0, dc_w, 0.0);
    return choose(ac_w > 0.0, charging_w, discharging_w);
}

/* AC power of the same sign that gives this DC power: the smaller root of slope x - k x^2 = P_dc + no-load loss. */
static inline double ac_power_w(Inverter inverter, double dc_w)
{
    const double loaded_w = dc_w + inverter.no_load_w;
    const double needed_w = choose(dc_w > 0.0, loaded_w, least(loaded_w, 0.0));
    const double root = inverter.slope * inverter.slope - 4.0 * inverter.resistive_per_w * needed_w;
    return 2.0 * needed_w / (inverter.slope + sqrt(most(root, 0.0)));
}

typedef struct {
    double ac_w;
    double cell_w;
} Flow;

/* What the battery really does for a wanted AC power, when its cells have room for room_w and can give held_w. */
static inline Flow flow(Inverter inverter, double wanted_w, double ocv, double r, double room_w, double held_w)
{
    const bool charges = wanted_w > 0.0;
    const double strongest_a = ocv / (2.0 * r); /* beyond that current the terminal power falls again */
    const double last_a = choose(charges, room_w / ocv, -least(held_w / ocv, strongest_a));
    const double last_dc_w = (ocv + r * last_a) * last_a;
    const double last_ac_w = ac_power_w(inverter, last_dc_w);

    const double dc_w = dc_power_w(inverter, wanted_w);
    const double root = ocv * ocv + 4.0 * r * dc_w; /* of r i^2 + ocv i = P_dc */
    const double cell_w = 2.0 * ocv * dc_w / (ocv + sqrt(most(root, 0.0)));
    const bool limited = charges ? dc_w > last_dc_w : dc_w < last_dc_w;
    const double ac_w = choose(limited, last_ac_w, wanted_w);
    const bool off = dc_w == 0.0 || ac_w == 0.0;
    return (Flow){choose(off, 0.0, ac_w), choose(off, 0.0, choose(limited, ocv * last_a, cell_w))};
}

static inline double capacity_of(const Devices *d, size_t i)
{
    return d->energy_capacity_wh[i] * (1.0 - d->capacity_fade[i]);
}

/* One sub-step of one device; adds the power to power_w. */
static inline void substep(const Devices *d, size_t i, double sub_h, double per_h)
{
    const double soc = d->soc[i];
    const double soc_min = d->soc_min[i];
    const double soc_max = d->soc_max[i];
    const double rated_w = d->power_max_w[i];
    const double setpoint_w = d->power_setpoint_w[i];
    const bool charges = setpoint_w > 0.0;
    const double soc_end = choose(charges, soc_max, soc_min);
    const double full_power_soc = choose(charges, d->derate_charge_above_soc[i], d->derate_discharge_below_soc[i]);
    const bool derates = charges ? full_power_soc < soc_end : full_power_soc > soc_end;
    const double share = clamp((soc_end - soc) / (soc_end - full_power_soc), DERATED_POWER_SHARE, 1.0);
    const double largest_w = choose(derates, rated_w * share, rated_w);
    const double wanted_w = clamp(setpoint_w, -largest_w, largest_w);

    const double efficiency = d->inverter_efficiency[i];
    const double resistive_per_w = choose(rated_w > 0.0, d->inverter_resistive_pu[i] / rated_w, 0.0);
    const Inverter inverter
        = {choose(charges, efficiency, 1.0 / efficiency), d->inverter_no_load_w[i], resistive_per_w};
    const double capacity_wh = capacity_of(d, i);
    const double per_wh = 1.0 / capacity_wh;
    const double lowest = most(soc_min, choose(d->grid_forming[i] > 0.5, 0.0, d->soc_reserve[i]));
    const double room_w = most(soc_max - soc, 0.0) * capacity_wh * per_h;
    const double held_w = most(soc - lowest, 0.0) * capacity_wh * per_h;
    const double r = d->resistance_pu[i] * per_wh;
    const Flow f = flow(inverter, wanted_w, open_circuit_voltage_pu(soc), r, room_w, held_w);
    d->soc[i] = clamp(soc + f.cell_w * sub_h * per_wh, 0.0, 1.0);
    d->power_w[i] += f.ac_w;
    d->loss_wh[i] += (f.ac_w - f.cell_w) * sub_h;
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

static void step_block(const Devices *d, size_t begin, size_t end, Substeps sub)
{
    const double sub_h = sub.length_s / SECONDS_PER_HOUR;
    const double step_h = sub_h * sub.count;
    const double per_count = 1.0 / sub.count;
    for (size_t i = begin; i < end; i++) {
        d->power_w[i] = 0.0;
    }
    for (int k = 0; k < sub.count; k++) {
        ACROSS_DEVICES
        for (size_t i = begin; i < end; i++) {
            substep(d, i, sub_h, 1.0 / sub_h);
        }
    }
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        d->power_w[i] = d->power_w[i] * per_count + d->standby_w[i];
        d->energy_stored_wh[i] = d->soc[i] * capacity_of(d, i);
        d->loss_wh[i] += d->standby_w[i] * step_h;
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        step_block(d, begin, n - begin < BLOCK ? n : begin + BLOCK, sub);
    }
}
