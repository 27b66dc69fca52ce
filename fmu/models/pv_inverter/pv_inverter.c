/* Photovoltaic array with smart inverter. Inside this file power counts as generated and reactive power as absorbed,
 * p per unit of rated active power, q per unit of rated apparent power; outputs are in load convention.
 *
 * Array (PVWatts v5, Faiman):   T_cell = T_air + G / (u0 + u1 wind)
 *                               P_dc = P_dc0 G/1000 (1 + gamma (T_cell - 25)) (1 - losses)
 * Inverter (PVWatts v5):        P_ac = s (-0.0162 x^2 + 0.9858 x - 0.0059) P_in,  x = P_dc / P_in
 *                               with s = eta_nominal / 0.9637 and P_in = P_rated / eta_nominal, clipped at P_rated
 *
 * Smart functions (IEEE 1547-2018): each answers a change as a first-order lag whose open loop response time is the time
 * time to 90 %, so tau = OLRT / ln 10. Inputs are constant within a step; the lag is solved exactly and its mean over each
 * sub-step sets the power. The first step finds everything settled.
 *   active power     p = min(available, limit, volt-watt(v), enter service ramp, droop)
 *   droop            p = max(p_before - (f - f_n - db) / (f_n k), 0) above, min(p_before + ..., available) below the
 *                    deadband; p_before is the power when the frequency left it
 *   reactive power   volt-var(v), else watt-var(p), else p tan(phi); at most 0.44 of the rating from p = 0.2, a quarter
 *                    of that at 0.05, none below
 *   rating           q first: p <= sqrt(1 - q^2); a constant power factor scales both; on the watt-var curve p and q
 *                    meet the circle together; sqrt(p^2 + q^2) <= i_max v
 *   trips            OV1, OV2, UV1, UV2, OF1, OF2, UF1, UF2: off by the end of the clearing time. Momentary cessation
 *                    outside its two voltages. Enter service: voltage and frequency inside their windows for the delay,
 *                    then a ramp. Protection decides once a second, in shorter steps once a step.
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

/* IEEE 1547-2018 table 7: all of the reactive capability from 20 % active power, a quarter at 5 %, nothing below. */
static const double CAPABILITY_FULL_FROM_PU = 0.2;
static const double CAPABILITY_FROM_PU = 0.05;
static const double CAPABILITY_SHARE_FROM = 0.25;

/* Protection decides at least this often; a delay counts the cycle in which its condition is first seen. */
static const double CONTROL_CYCLE_S = 1.0;
static const double ROUNDING_S = 1e-9;

/* A lag closer to its target than this has settled. */
static const double SETTLED_PU = 1e-12;

/* ---- array and conversion ---- */

/* AC power that the inverter makes of its array, per unit of its rated active power. */
static inline double ac_power_pu(double dc_w, double efficiency, double rated_w)
{
    const double x = dc_w * efficiency / rated_w;
    const double ac_pu = CURVE_SQUARE * x * x + CURVE_LINEAR * x + CURVE_CONSTANT; /* the efficiency cancels out */
    return clamp(ac_pu * (1.0 / CURVE_NOMINAL_EFFICIENCY), 0.0, 1.0);
}

/* The smaller root of the curve: DC power that yields a given AC power. */
static inline double dc_power_w(double ac_pu, double efficiency, double rated_w)
{
    const double constant = CURVE_CONSTANT - ac_pu * CURVE_NOMINAL_EFFICIENCY;
    const double root = sqrt(CURVE_LINEAR * CURVE_LINEAR - 4.0 * CURVE_SQUARE * constant);
    return -2.0 * constant * rated_w / ((CURVE_LINEAR + root) * efficiency);
}

static inline double rated_power_w(const Devices *d, size_t i)
{
    return d->ac_power_va[i] * d->active_power_max_pu[i];
}

/* ---- responses ---- */

/* Time for which a lag runs in a sub-step, infinite where everything is found settled, and its reciprocal. */
typedef struct {
    double s;
    double per_s;
} Lag;

/* A state after a sub-step, and its mean over it. */
typedef struct {
    double end;
    double mean;
} Response;

/* A state relaxes towards its target. */
static inline Response respond(double before, double target, double response_s, Lag lag)
{
    const double deviation = before - target;
    const double remaining = exponential(-lag.s * LN_10 / response_s);
    const double mean = deviation * (1.0 - remaining) * response_s * (1.0 / LN_10) * lag.per_s;
    const bool settled = response_s == 0.0 || fabs(deviation) <= SETTLED_PU;
    return (Response){choose(settled, target, target + remaining * deviation),
                      choose(settled, target, target + mean)};
}

/* A state moves towards its target at constant speed, full scale in full_scale_s. */
static inline Response slew(double before, double target, double full_scale_s, Lag lag)
{
    const double moving_s = fabs(target - before) * full_scale_s;
    const double on_the_way = before + (target - before) * lag.s / moving_s;
    const double mean_arrived = target + (before - target) * 0.5 * moving_s * lag.per_s;
    const bool arrives = moving_s <= lag.s;
    return (Response){choose(arrives, target, on_the_way),
                      choose(arrives, mean_arrived, 0.5 * (before + on_the_way))};
}

/* What a block of devices works with in a step. */
typedef struct {
    double available_pu[BLOCK]; /* active power that the sun allows */
    double attention[BLOCK];    /* 1 for the few devices in which protection or droop has a say */
    double level[BLOCK];        /* mean of the enter service ramp, 1 in normal service */
    double share[BLOCK];        /* of the sub-step during which the inverter is connected */
    double normal_pu[BLOCK];    /* active power without droop */
    double active_pu[BLOCK];    /* active power */
} Block;

#include "protection.h"
#include "droop.h"
#include "reactive.h"

/* ---- one block of devices ---- */

/* What the sun gives in this step. */
static inline void supply(const Devices *d, size_t i, double *available_pu)
{
    const double irradiance = d->irradiance_poa_w_m2[i];
    const double cooling = d->faiman_u0[i] + d->faiman_u1[i] * d->wind_speed_m_s[i];
    const double cell_degc = d->temperature_ambient_degc[i] + irradiance / cooling;
    const double warmth = 1.0 + d->gamma[i] * (cell_degc - TEMPERATURE_STANDARD_DEGC);
    const double standard_w = irradiance * (1.0 / IRRADIANCE_STANDARD_W_M2) * d->dc_power_w[i];
    const double dc_w = most(standard_w * warmth, 0.0) * (1.0 - d->losses[i]);
    const double rated_w = rated_power_w(d, i);
    *available_pu = ac_power_pu(dc_w, d->inverter_efficiency[i], rated_w);
    d->temperature_cell_degc[i] = cell_degc;
    d->power_dc_available_w[i] = dc_w;
    d->power_available_w[i] = 0.0 - *available_pu * rated_w; /* 0.0 - x: no minus zero in the dark */
}

/* Active power without droop. */
static inline double normal_pu(const Devices *d, size_t i, double available_pu, double level, Lag lag)
{
    const double limit_before_pu = d->power_limit_pu[i];
    const double volt_watt_before_pu = d->volt_watt_pu[i];
    const bool volt_watt_on = d->volt_watt_on[i] > 0.5;
    const Response limit = slew(limit_before_pu, d->active_power_limit[i], d->power_limit_response_s[i], lag);
    const Response volt_watt
        = respond(volt_watt_before_pu, volt_watt_target_pu(d, i), d->volt_watt_response_s[i], lag);
    d->power_limit_pu[i] = limit.end;
    d->volt_watt_pu[i] = choose(volt_watt_on, volt_watt.end, volt_watt_before_pu);
    const double limited_pu = least(least(available_pu, level), limit.mean);
    return least(limited_pu, choose(volt_watt_on, volt_watt.mean, 1.0));
}

/* Reactive power, what fits of both, and the outputs, to which the sub-step adds its share. */
static inline void deliver(const Devices *d, size_t i, double available_pu, double active_pu, double service_share,
                           Lag lag, double step_share)
{
    const double rated_w = rated_power_w(d, i);
    const Power power = fit(d, i, active_pu, reactive_wanted_pu(d, i, active_pu, lag));
    const double dc_available_w = d->power_dc_available_w[i];
    const double dc_needed_w = least(dc_power_w(power.p, d->inverter_efficiency[i], rated_w), dc_available_w);
    const bool curtailed = power.p < available_pu || available_pu >= 1.0;
    const double dc_w = choose(curtailed, dc_needed_w, dc_available_w);
    const double share = service_share * step_share;
    d->delivered_pu[i] = choose(service_share < 1.0, 0.0, power.p);
    d->power_w[i] -= power.p * rated_w * share;
    d->reactive_power_var[i] += power.q * d->ac_power_va[i] * share;
    d->power_dc_used_w[i] += dc_w * share;
}

/* One sub-step. Loops over all devices follow the normal course; only the few that need it leave it, one by one. */
static void step_part(const Devices *d, size_t begin, size_t end, Block *b, Lag lag, double length_s, double step_share)
{
    const bool attention = find_attention(d, begin, end, b);
    for (size_t i = begin; attention && i < end; i++) {
        if (b->attention[i - begin] > 0.0) {
            const Service service = protect(d, i, length_s);
            b->level[i - begin] = service.level;
            b->share[i - begin] = service.share;
        }
    }
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        const size_t j = i - begin;
        const double power_pu = normal_pu(d, i, b->available_pu[j], b->level[j], lag);
        b->normal_pu[j] = power_pu;
        b->active_pu[j] = power_pu;
        d->droop_power_pu[i] = choose(b->attention[j] > 0.0, d->droop_power_pu[i], power_pu);
    }
    for (size_t i = begin; attention && i < end; i++) {
        if (b->attention[i - begin] > 0.0) {
            b->active_pu[i - begin] = droop_pu(d, i, b, i - begin, lag);
        }
    }
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        const size_t j = i - begin;
        deliver(d, i, b->available_pu[j], b->active_pu[j], b->share[j], lag, step_share);
    }
    for (size_t i = begin; attention && i < end; i++) {
        if (d->in_service[i] < 0.5) {
            forget_responses(d, i);
        }
    }
}

static void step_block(const Devices *d, size_t begin, size_t end, Substeps sub)
{
    Block block;
    const double share = 1.0 / sub.count;
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        supply(d, i, &block.available_pu[i - begin]);
        d->power_w[i] = 0.0;
        d->reactive_power_var[i] = 0.0;
        d->power_dc_used_w[i] = 0.0;
    }
    for (int k = 0; k < sub.count; k++) {
        const bool first = d->started[begin] == 0.0; /* for all devices at the same time */
        const Lag settled = {INFINITY, 0.0};
        const Lag usual = {sub.length_s, 1.0 / sub.length_s};
        step_part(d, begin, end, &block, first ? settled : usual, sub.length_s, share);
        for (size_t i = begin; first && i < end; i++) {
            d->started[i] = 1.0;
        }
    }
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        d->loss_w[i] = d->power_dc_used_w[i] + d->power_w[i];
    }
}

typedef struct {
    const char *variable;
    const char *rule;
    size_t smaller; /* where Devices points to the two */
    size_t larger;
    bool may_be_equal;
} Order;

#define BELOW(a, b) {#a, "must be below " #b, offsetof(Devices, a), offsetof(Devices, b), false}
#define NOT_ABOVE(a, b) {#a, "must not be above " #b, offsetof(Devices, a), offsetof(Devices, b), true}

static const Order ORDERS[] = {
    BELOW(volt_var_v1_pu, volt_var_v2_pu),
    NOT_ABOVE(volt_var_v2_pu, volt_var_v3_pu),
    BELOW(volt_var_v3_pu, volt_var_v4_pu),
    BELOW(volt_watt_v1_pu, volt_watt_v2_pu),
    BELOW(watt_var_p1_pu, watt_var_p2_pu),
    BELOW(watt_var_p2_pu, watt_var_p3_pu),
    NOT_ABOVE(trip_uv2_pu, trip_uv1_pu),
    NOT_ABOVE(trip_uv1_pu, enter_service_low_pu),
    NOT_ABOVE(enter_service_low_pu, enter_service_high_pu),
    NOT_ABOVE(enter_service_high_pu, trip_ov1_pu),
    NOT_ABOVE(trip_ov1_pu, trip_ov2_pu),
    NOT_ABOVE(trip_uf2_hz, trip_uf1_hz),
    NOT_ABOVE(trip_uf1_hz, enter_service_low_hz),
    NOT_ABOVE(enter_service_low_hz, frequency_nominal_hz),
    NOT_ABOVE(frequency_nominal_hz, enter_service_high_hz),
    NOT_ABOVE(enter_service_high_hz, trip_of1_hz),
    NOT_ABOVE(trip_of1_hz, trip_of2_hz),
};

static double parameter(const Devices *d, size_t offset, size_t i)
{
    return (*(double *const *)((const char *)d + offset))[i];
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof ORDERS / sizeof *ORDERS; k++) {
            const double smaller = parameter(d, ORDERS[k].smaller, i);
            const double larger = parameter(d, ORDERS[k].larger, i);
            if (smaller > larger || (smaller == larger && !ORDERS[k].may_be_equal)) {
                *violation = (Violation){ORDERS[k].variable, i, ORDERS[k].rule};
                return false;
            }
        }
    }
    return true;
}

static void reset(const Devices *d, size_t i)
{
    d->started[i] = 0.0;
    d->in_service[i] = d->in_service_start[i] > 0.5 ? 1.0 : 0.0;
    d->disturbed[i] = 1.0 - d->in_service[i];
    d->service_clock_s[i] = d->in_service[i] * d->enter_service_ramp_s[i];
    d->trip_voltage_1_s[i] = d->trip_voltage_2_s[i] = 0.0;
    d->trip_frequency_1_s[i] = d->trip_frequency_2_s[i] = 0.0;
    d->droop_phase[i] = DROOP_IDLE;
    d->droop_power_pu[i] = d->droop_before_pu[i] = d->delivered_pu[i] = 0.0;
}

static void step_all(const Devices *d, size_t n, Substeps sub)
{
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        step_block(d, begin, n - begin < BLOCK ? n : begin + BLOCK, sub);
    }
}

void model_start(const Devices *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        start_protection(d, i);
        start_reactive(d, i);
        reset(d, i);
    }
    step_all(d, n, substeps(CONTROL_CYCLE_S)); /* for the outputs */
    for (size_t i = 0; i < n; i++) {
        reset(d, i);
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    step_all(d, n, substeps(step_s));
}
