/* Photovoltaic array with smart inverter. Inside this file power counts as generated; outputs are in load convention.
 *
 * Array (PVWatts v5, Faiman):   T_cell = T_air + G / (u0 + u1 wind)
 *                               P_dc = P_dc0 G/1000 (1 + gamma (T_cell - 25)) (1 - losses)
 * Inverter (PVWatts v5):        P_ac = s (-0.0162 x^2 + 0.9858 x - 0.0059) P_in,  x = P_dc / P_in
 *                               with s = eta_nominal / 0.9637 and P_in = P_rated / eta_nominal, clipped at P_rated
 * Smart functions (IEEE 1547-2018): volt-var, volt-watt and droop each answer a change as a first-order lag whose
 * open loop response time is the time to 90 %, so tau = OLRT / ln 10. Inputs are constant within a step; the lag is
 * solved exactly and its mean over each sub-step sets the power. Reactive power has priority over active power.
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
    double load_per_w; /* x of the curve per watt of DC power: 1 / P_in */
    double scale_w;    /* AC power per unit of the curve: s P_in */
} Inverter;

static Inverter inverter_of(const Devices *d, size_t i)
{
    Inverter inverter;
    inverter.rated_w = d->ac_power_va[i];
    inverter.load_per_w = d->inverter_efficiency[i] / inverter.rated_w;
    inverter.scale_w = inverter.rated_w * (1.0 / CURVE_NOMINAL_EFFICIENCY); /* the efficiency cancels out */
    return inverter;
}

static double ac_power_w(Inverter inverter, double dc_w)
{
    const double x = dc_w * inverter.load_per_w;
    const double ac_w = inverter.scale_w * (CURVE_SQUARE * x * x + CURVE_LINEAR * x + CURVE_CONSTANT);
    return clamp(ac_w, 0.0, inverter.rated_w);
}

/* The smaller root of the curve: DC power that yields a given AC power. */
static double dc_power_w(Inverter inverter, double ac_w)
{
    const double constant = CURVE_CONSTANT - ac_w / inverter.scale_w;
    const double root = sqrt(CURVE_LINEAR * CURVE_LINEAR - 4.0 * CURVE_SQUARE * constant);
    return 2.0 * constant / ((-CURVE_LINEAR - root) * inverter.load_per_w);
}

/* A lag closer to its target than this has settled. */
static const double SETTLED_PU = 1e-12;

typedef struct {
    double state;
    double target;
    double response_s; /* 0 answers at once */
} Lag;

/* A function that is switched off follows its target at once: there is nothing to wait for. */
static Lag lag_of(double on, double state, double target, double response_s)
{
    const Lag lag = {state, target, on > 0.5 ? response_s : 0.0};
    return lag;
}

static bool settled(const Lag *lag)
{
    return lag->response_s == 0.0 || fabs(lag->state - lag->target) <= SETTLED_PU;
}

/* Let the state relax towards its target for a while; returns its mean over that time. */
static double respond(Lag *lag, double length_s)
{
    const double deviation = lag->state - lag->target;
    if (settled(lag)) {
        lag->state = lag->target;
        return lag->target;
    }
    const double tau_s = lag->response_s / LN_10;
    const double remaining = exp(-length_s / tau_s);
    lag->state = lag->target + remaining * deviation;
    return lag->target + deviation * (1.0 - remaining) * tau_s / length_s;
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
    const double over_hz = d->frequency_hz[i] - nominal_hz - d->frequency_deadband_hz[i];
    return over_hz > 0.0 ? least(over_hz / (nominal_hz * d->frequency_droop_pu[i]), 1.0) : 0.0;
}

typedef struct {
    double volt_var_pu;
    double volt_watt_pu;
    double frequency_reduction_pu;
} Limits;

typedef struct {
    double generated_w;
    double absorbed_var;
    double dc_used_w;
} Operation;

/* Where the inverter settles between what the sun gives and what limits allow. */
static Operation operate(const Devices *d, size_t i, Inverter inverter, double dc_w, double available_w, Limits limits)
{
    const double rated_w = inverter.rated_w;
    Operation o = {least(available_w, d->active_power_limit[i] * rated_w), 0.0, dc_w};
    if (d->volt_watt_on[i] > 0.5) {
        o.generated_w = least(o.generated_w, limits.volt_watt_pu * rated_w);
    }
    if (d->frequency_droop_on[i] > 0.5) {
        o.generated_w = most(o.generated_w - limits.frequency_reduction_pu * rated_w, 0.0);
    }
    if (dc_w > 0.0) { /* the inverter sleeps in the dark */
        if (d->volt_var_on[i] > 0.5) {
            o.absorbed_var = limits.volt_var_pu * rated_w;
            const double room_w = sqrt(most(rated_w * rated_w - o.absorbed_var * o.absorbed_var, 0.0));
            o.generated_w = least(o.generated_w, room_w);
        } else {
            const double pf = d->power_factor[i];
            const double direction = d->power_factor_absorbing[i] > 0.5 ? 1.0 : -1.0;
            o.generated_w = least(o.generated_w, pf * rated_w);
            o.absorbed_var = direction * o.generated_w * sqrt(1.0 - pf * pf) / pf;
        }
    }
    if (o.generated_w < available_w || available_w >= rated_w) {
        o.dc_used_w = least(dc_power_w(inverter, o.generated_w), dc_w);
    }
    return o;
}

typedef struct {
    Lag volt_var;
    Lag volt_watt;
    Lag frequency;
} Lags;

static Lags lags_of(const Devices *d, size_t i)
{
    Lags lags;
    const double volt_var = volt_var_target_pu(d, i);
    const double volt_watt = volt_watt_target_pu(d, i);
    const double frequency = frequency_target_pu(d, i);
    lags.volt_var = lag_of(d->volt_var_on[i], d->volt_var_pu[i], volt_var, d->volt_var_response_s[i]);
    lags.volt_watt = lag_of(d->volt_watt_on[i], d->volt_watt_pu[i], volt_watt, d->volt_watt_response_s[i]);
    lags.frequency
        = lag_of(d->frequency_droop_on[i], d->frequency_reduction_pu[i], frequency, d->frequency_response_s[i]);
    return lags;
}

/* One device through one step. Once all lags have settled, the rest of the step is like its next part. */
static void step_device(const Devices *d, size_t i, Substeps sub)
{
    const double irradiance = d->irradiance_poa_w_m2[i];
    const double cooling = d->faiman_u0[i] + d->faiman_u1[i] * d->wind_speed_m_s[i];
    const double cell_degc = d->temperature_ambient_degc[i] + irradiance / cooling;
    const double warmth = 1.0 + d->gamma[i] * (cell_degc - TEMPERATURE_STANDARD_DEGC);
    const double standard_w = irradiance * (1.0 / IRRADIANCE_STANDARD_W_M2) * d->dc_power_w[i];
    const double dc_w = most(standard_w * warmth, 0.0) * (1.0 - d->losses[i]);
    const Inverter inverter = inverter_of(d, i);
    const double available_w = ac_power_w(inverter, dc_w);

    Lags lags = lags_of(d, i);
    Operation sum = {0.0, 0.0, 0.0};
    int left = sub.count;
    while (left > 0) {
        const bool steady = settled(&lags.volt_var) && settled(&lags.volt_watt) && settled(&lags.frequency);
        const int parts = steady ? left : 1;
        Limits mean;
        mean.volt_var_pu = respond(&lags.volt_var, sub.length_s);
        mean.volt_watt_pu = respond(&lags.volt_watt, sub.length_s);
        mean.frequency_reduction_pu = respond(&lags.frequency, sub.length_s);
        const Operation o = operate(d, i, inverter, dc_w, available_w, mean);
        sum.generated_w += o.generated_w * parts;
        sum.absorbed_var += o.absorbed_var * parts;
        sum.dc_used_w += o.dc_used_w * parts;
        left -= parts;
    }
    const double share = 1.0 / sub.count;
    const double generated_w = sum.generated_w * share;
    const double dc_used_w = sum.dc_used_w * share;
    d->volt_var_pu[i] = lags.volt_var.state;
    d->volt_watt_pu[i] = lags.volt_watt.state;
    d->frequency_reduction_pu[i] = lags.frequency.state;
    d->power_w[i] = 0.0 - generated_w; /* not -generated_w: no minus zero in the dark */
    d->reactive_power_var[i] = sum.absorbed_var * share;
    d->power_available_w[i] = 0.0 - available_w;
    d->power_dc_available_w[i] = dc_w;
    d->power_dc_used_w[i] = dc_used_w;
    d->loss_w[i] = dc_used_w - generated_w;
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
    const Substeps any = substeps(1.0); /* everything starts settled */
    for (size_t i = 0; i < n; i++) {
        d->volt_var_pu[i] = volt_var_target_pu(d, i);
        d->volt_watt_pu[i] = volt_watt_target_pu(d, i);
        d->frequency_reduction_pu[i] = frequency_target_pu(d, i);
        step_device(d, i, any);
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    for (size_t i = 0; i < n; i++) {
        step_device(d, i, sub);
    }
}
