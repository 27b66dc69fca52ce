/* Photovoltaic array with smart inverter. Inside this file power counts as generated; outputs are in load convention.
 *
 * Array (PVWatts v5, Faiman):   T_cell = T_air + G / (u0 + u1 wind)
 *                               P_dc = P_dc0 G/1000 (1 + gamma (T_cell - 25)) (1 - losses)
 * Inverter (PVWatts v5):        P_ac = s (-0.0162 x^2 + 0.9858 x - 0.0059) P_in,  x = P_dc / P_in
 *                               with s = eta_nominal / 0.9637 and P_in = P_rated / eta_nominal, clipped at P_rated
 * Smart functions (IEEE 1547-2018): volt-var, volt-watt and droop each answer a change as a first-order lag whose
 * open loop response time is the time to 90 %, so tau = OLRT / ln 10. Inputs are constant within a step; the lag is
 * solved exactly and its mean over the step sets the power. Reactive power has priority over active power.
 */
#include "fleet.h"
#include "physics.h"

static const double IRRADIANCE_STANDARD_W_M2 = 1000.0;
static const double TEMPERATURE_STANDARD_DEGC = 25.0;

/* PVWatts v5: a reference inverter's efficiency over its load, and its nominal efficiency. */
static const double CURVE_SQUARE = -0.0162;
static const double CURVE_LINEAR = 0.9858;
static const double CURVE_CONSTANT = -0.0059;
static const double CURVE_NOMINAL_EFFICIENCY = 0.9637;

static const double LN_10 = 2.302585092994046;

typedef struct {
    double rated_w;
    double input_rated_w; /* DC power at rated AC power */
    double scale_w;       /* AC power per unit of the curve */
} Inverter;

static Inverter inverter_of(const Devices *d, size_t i)
{
    Inverter inverter;
    inverter.rated_w = d->ac_power_va[i];
    inverter.input_rated_w = inverter.rated_w / d->inverter_efficiency[i];
    inverter.scale_w = d->inverter_efficiency[i] / CURVE_NOMINAL_EFFICIENCY * inverter.input_rated_w;
    return inverter;
}

static double ac_power_w(Inverter inverter, double dc_w)
{
    const double x = dc_w / inverter.input_rated_w;
    const double ac_w = inverter.scale_w * (CURVE_SQUARE * x * x + CURVE_LINEAR * x + CURVE_CONSTANT);
    return clamp(ac_w, 0.0, inverter.rated_w);
}

/* The smaller root of the curve: DC power that yields a given AC power. */
static double dc_power_w(Inverter inverter, double ac_w)
{
    const double constant = CURVE_CONSTANT - ac_w / inverter.scale_w;
    const double root = sqrt(CURVE_LINEAR * CURVE_LINEAR - 4.0 * CURVE_SQUARE * constant);
    return inverter.input_rated_w * 2.0 * constant / (-CURVE_LINEAR - root);
}

/* Let *state relax towards its target over a step; returns its mean over the step. */
static double respond(double *state, double target, double response_s, double step_s)
{
    if (response_s <= 0.0) {
        *state = target;
        return target;
    }
    const double tau_s = response_s / LN_10;
    const double remaining = exp(-step_s / tau_s);
    const double deviation = *state - target;
    *state = target + remaining * deviation;
    return target + deviation * (1.0 - remaining) * tau_s / step_s;
}

static double volt_var_target_pu(const Devices *d, size_t i)
{
    const double v = d->voltage_pu[i];
    if (v < d->volt_var_v3_pu[i]) {
        return ramp(v, d->volt_var_v1_pu[i], -d->volt_var_injection_pu[i], d->volt_var_v2_pu[i], 0.0);
    }
    return ramp(v, d->volt_var_v3_pu[i], 0.0, d->volt_var_v4_pu[i], d->volt_var_absorption_pu[i]);
}

static double volt_watt_target_pu(const Devices *d, size_t i)
{
    return ramp(d->voltage_pu[i], d->volt_watt_v1_pu[i], 1.0, d->volt_watt_v2_pu[i], d->volt_watt_p2_pu[i]);
}

/* IEEE 1547-2018 table 23: the reduction is in per unit of the rating. */
static double frequency_target_pu(const Devices *d, size_t i)
{
    const double nominal_hz = d->frequency_nominal_hz[i];
    const double over_hz = most(d->frequency_hz[i] - nominal_hz - d->frequency_deadband_hz[i], 0.0);
    return least(over_hz / (nominal_hz * d->frequency_droop_pu[i]), 1.0);
}

typedef struct {
    double volt_var_pu;
    double volt_watt_pu;
    double frequency_reduction_pu;
} Response;

static void set_outputs(const Devices *d, size_t i, Response response)
{
    const double irradiance = d->irradiance_poa_w_m2[i];
    const double cooling = d->faiman_u0[i] + d->faiman_u1[i] * d->wind_speed_m_s[i];
    const double cell_degc = d->temperature_ambient_degc[i] + irradiance / cooling;
    const double warmth = 1.0 + d->gamma[i] * (cell_degc - TEMPERATURE_STANDARD_DEGC);
    const double standard_w = irradiance / IRRADIANCE_STANDARD_W_M2 * d->dc_power_w[i];
    const double dc_w = most(standard_w * warmth, 0.0) * (1.0 - d->losses[i]);

    const Inverter inverter = inverter_of(d, i);
    const double rated_w = inverter.rated_w;
    const double available_w = ac_power_w(inverter, dc_w);
    double power_w = least(available_w, d->active_power_limit[i] * rated_w);
    if (d->volt_watt_on[i] > 0.5) {
        power_w = least(power_w, response.volt_watt_pu * rated_w);
    }
    if (d->frequency_droop_on[i] > 0.5) {
        power_w = most(power_w - response.frequency_reduction_pu * rated_w, 0.0);
    }
    double absorbed_var = 0.0;
    if (dc_w > 0.0) { /* the inverter sleeps in the dark */
        if (d->volt_var_on[i] > 0.5) {
            absorbed_var = response.volt_var_pu * rated_w;
            power_w = least(power_w, sqrt(most(rated_w * rated_w - absorbed_var * absorbed_var, 0.0)));
        } else {
            const double pf = d->power_factor[i];
            const double direction = d->power_factor_absorbing[i] > 0.5 ? 1.0 : -1.0;
            power_w = least(power_w, pf * rated_w);
            absorbed_var = direction * power_w * sqrt(1.0 - pf * pf) / pf;
        }
    }
    const bool limited = power_w < available_w || available_w >= rated_w;
    const double dc_used_w = limited ? least(dc_power_w(inverter, power_w), dc_w) : dc_w;
    d->power_w[i] = 0.0 - power_w; /* not -power_w: no minus zero in the dark */
    d->reactive_power_var[i] = absorbed_var;
    d->power_available_w[i] = 0.0 - available_w;
    d->power_dc_available_w[i] = dc_w;
    d->power_dc_used_w[i] = dc_used_w;
    d->loss_w[i] = dc_used_w - power_w;
    d->temperature_cell_degc[i] = cell_degc;
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    for (size_t i = 0; i < n; i++) {
        if (!(d->volt_var_v1_pu[i] < d->volt_var_v2_pu[i])) {
            *violation = (Violation){"volt_var_v1_pu", i, "must be below volt_var_v2_pu"};
            return false;
        }
        if (d->volt_var_v2_pu[i] > d->volt_var_v3_pu[i]) {
            *violation = (Violation){"volt_var_v2_pu", i, "must not be above volt_var_v3_pu"};
            return false;
        }
        if (!(d->volt_var_v3_pu[i] < d->volt_var_v4_pu[i])) {
            *violation = (Violation){"volt_var_v3_pu", i, "must be below volt_var_v4_pu"};
            return false;
        }
        if (!(d->volt_watt_v1_pu[i] < d->volt_watt_v2_pu[i])) {
            *violation = (Violation){"volt_watt_v1_pu", i, "must be below volt_watt_v2_pu"};
            return false;
        }
    }
    return true;
}

void model_start(const Devices *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d->volt_var_pu[i] = volt_var_target_pu(d, i);
        d->volt_watt_pu[i] = volt_watt_target_pu(d, i);
        d->frequency_reduction_pu[i] = frequency_target_pu(d, i);
        const Response settled = {d->volt_var_pu[i], d->volt_watt_pu[i], d->frequency_reduction_pu[i]};
        set_outputs(d, i, settled);
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    for (size_t i = 0; i < n; i++) {
        Response mean = {0.0, 1.0, 0.0};
        if (d->volt_var_on[i] > 0.5) {
            mean.volt_var_pu = respond(&d->volt_var_pu[i], volt_var_target_pu(d, i), d->volt_var_response_s[i], step_s);
        }
        if (d->volt_watt_on[i] > 0.5) {
            mean.volt_watt_pu
                = respond(&d->volt_watt_pu[i], volt_watt_target_pu(d, i), d->volt_watt_response_s[i], step_s);
        }
        if (d->frequency_droop_on[i] > 0.5) {
            mean.frequency_reduction_pu = respond(&d->frequency_reduction_pu[i], frequency_target_pu(d, i),
                                                  d->frequency_response_s[i], step_s);
        }
        set_outputs(d, i, mean);
    }
}
