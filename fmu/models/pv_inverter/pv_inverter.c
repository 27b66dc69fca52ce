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

/* A lag closer to its target than this has settled; a droop closer to normal than this has ended. */
static const double SETTLED_PU = 1e-12;
static const double DROOP_ENDED_PU = 1e-3;
static const double DROOP_IDLE = 0.0, DROOP_OVER = 1.0, DROOP_UNDER = -1.0, DROOP_RETURNING = 2.0;

typedef struct {
    double rated_va;
    double rated_w;
    double load_per_w; /* x of the curve per watt of DC power: 1 / P_in */
    double scale_w;    /* AC power per unit of the curve: s P_in */
} Inverter;

static Inverter inverter_of(const Devices *d, size_t i)
{
    Inverter inverter;
    inverter.rated_va = d->ac_power_va[i];
    inverter.rated_w = inverter.rated_va * d->active_power_max_pu[i];
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

/* Let a state relax towards its target for a while; returns its mean over that time. */
static double respond(double *state, double target, double response_s, double length_s, bool *steady)
{
    const double deviation = *state - target;
    if (response_s == 0.0 || fabs(deviation) <= SETTLED_PU) {
        *state = target;
        return target;
    }
    const double tau_s = response_s / LN_10;
    const double remaining = exp(-length_s / tau_s);
    *steady = false;
    *state = target + remaining * deviation;
    return target + deviation * (1.0 - remaining) * tau_s / length_s;
}

/* Move a state towards its target at constant speed, full scale in full_scale_s; returns its mean over that time. */
static double slew(double *state, double target, double full_scale_s, double length_s, bool *steady)
{
    const double before = *state;
    const double moving_s = fabs(target - before) * full_scale_s;
    if (moving_s <= ROUNDING_S) {
        *state = target;
        return target;
    }
    *steady = false;
    if (moving_s <= length_s) {
        *state = target;
        return target + (before - target) * 0.5 * moving_s / length_s;
    }
    *state = before + (target - before) * length_s / moving_s;
    return 0.5 * (before + *state);
}

#include "protection.h"

/* ---- active power ---- */

static double volt_watt_target_pu(const Devices *d, size_t i)
{
    return ramp(d->voltage_pu[i], d->volt_watt_v1_pu[i], 1.0, d->volt_watt_v2_pu[i], d->volt_watt_p2_pu[i]);
}

/* IEEE 1547-2018 table 23: change of active power that the frequency asks for; 0 within the deadbands. */
static double droop_change_pu(const Devices *d, size_t i)
{
    const double nominal_hz = d->frequency_nominal_hz[i];
    const double deviation_hz = d->frequency_hz[i] - nominal_hz;
    if (deviation_hz > d->frequency_deadband_hz[i]) {
        return (d->frequency_deadband_hz[i] - deviation_hz) / (nominal_hz * d->frequency_droop_pu[i]);
    }
    if (deviation_hz < -d->frequency_deadband_under_hz[i]) {
        return (-d->frequency_deadband_under_hz[i] - deviation_hz) / (nominal_hz * d->frequency_droop_under_pu[i]);
    }
    return 0.0;
}

/* Active power after the droop: counted from the power before the disturbance, through the response time. */
static double droop_pu(const Devices *d, size_t i, double change_pu, double normal_pu, double available_pu,
                       double length_s, bool *steady)
{
    const double phase = d->droop_phase[i];
    if (change_pu == 0.0 && phase == DROOP_IDLE) {
        d->droop_power_pu[i] = normal_pu;
        return normal_pu;
    }
    const double asked = change_pu < 0.0 ? DROOP_OVER : change_pu > 0.0 ? DROOP_UNDER : DROOP_RETURNING;
    if (asked != phase) {
        d->droop_before_pu[i] = d->delivered_pu[i];
    }
    const double most_pu = asked == DROOP_UNDER ? available_pu : 1.0;
    const double wanted_pu = clamp(d->droop_before_pu[i] + change_pu, 0.0, most_pu);
    const double target_pu = asked == DROOP_RETURNING ? normal_pu : wanted_pu;
    const double power_pu
        = respond(&d->droop_power_pu[i], target_pu, d->frequency_response_s[i], length_s, steady);
    const bool ended = asked == DROOP_RETURNING && fabs(d->droop_power_pu[i] - target_pu) < DROOP_ENDED_PU;
    *steady = *steady && asked == phase;
    d->droop_phase[i] = ended ? DROOP_IDLE : asked;
    return least(power_pu, normal_pu);
}

#include "reactive.h"


typedef struct {
    double p;
    double q;
} Power;

/* What volt-var, watt-var or constant power factor ask for, after the response time. */
static double reactive_wanted_pu(const Devices *d, size_t i, double p, double length_s, bool *steady)
{
    double target = 0.0;
    double response_s = d->power_factor_response_s[i];
    if (d->volt_var_on[i] > 0.5) {
        target = volt_var_target_pu(d, i);
        response_s = d->volt_var_response_s[i];
    } else if (d->watt_var_on[i] > 0.5) {
        target = watt_var_target_pu(d, i, p);
        response_s = d->watt_var_response_s[i];
    } else if (d->power_factor[i] < 1.0) {
        const double pf = d->power_factor[i];
        const double q = d->active_power_max_pu[i] * p * sqrt(1.0 - pf * pf) / pf;
        target = d->power_factor_absorbing[i] > 0.5 ? q : -q;
    }
    return respond(&d->reactive_wanted_pu[i], target, response_s, length_s, steady);
}

/* Active and reactive power that fit together into capability, rating and largest current. */
static Power fit(const Devices *d, size_t i, Power wanted)
{
    const double share = d->active_power_max_pu[i]; /* p share and q are both per unit of apparent power */
    Power power = wanted;
    if (wanted.q != 0.0) {
        const double apparent = sqrt(wanted.p * share * wanted.p * share + wanted.q * wanted.q);
        if (apparent > 1.0 && d->volt_var_on[i] <= 0.5 && d->watt_var_on[i] > 0.5) {
            const double p = least(wanted.p * share, watt_var_power_max_pu(d, i));
            const double room = sqrt(most(1.0 - p * p, 0.0));
            power.p = p / share;
            power.q = clamp(wanted.q, -room, room);
        } else if (apparent > 1.0 && d->volt_var_on[i] <= 0.5) { /* the power factor stays */
            power.p = wanted.p / apparent;
            power.q = wanted.q / apparent;
        }
        double capable = wanted.p < CAPABILITY_FROM_PU ? 0.0 : 1.0;
        if (capable > 0.0 && wanted.p < CAPABILITY_FULL_FROM_PU) {
            capable = ramp(wanted.p, CAPABILITY_FROM_PU, CAPABILITY_SHARE_FROM, CAPABILITY_FULL_FROM_PU, 1.0);
        }
        const double q = clamp(power.q, -capable * d->reactive_injection_max_pu[i],
                               capable * d->reactive_absorption_max_pu[i]);
        power.p = q == power.q ? power.p : wanted.p; /* where the capability ends first, active power has its room */
        power.q = q;
        power.p = least(power.p, sqrt(most(1.0 - q * q, 0.0)) / share);
    }
    const double apparent_max = d->current_max_pu[i] * d->voltage_pu[i];
    if (apparent_max < 1.0) {
        power.q = clamp(power.q, -apparent_max, apparent_max);
        power.p = least(power.p, sqrt(most(apparent_max * apparent_max - power.q * power.q, 0.0)) / share);
    }
    return power;
}

typedef struct {
    double generated_w;
    double absorbed_var;
    double dc_used_w;
} Operation;

/* One sub-step of one device; steady is cleared while anything still moves. The first one finds all lags settled. */
static Operation operate(const Devices *d, size_t i, Inverter inverter, double dc_w, double available_w,
                         double length_s, bool *steady)
{
    const double rated_w = inverter.rated_w;
    const double available = available_w / rated_w;
    const bool first = d->started[i] == 0.0;
    const double lag_s = first ? INFINITY : length_s;
    Service service = {1.0, 1.0};
    if (!undisturbed(d, i)) {
        *steady = false;
        service = protect(d, i, length_s);
    }
    const double limited = slew(&d->power_limit_pu[i], d->active_power_limit[i], d->power_limit_response_s[i],
                                lag_s, steady);
    double normal = least(least(available, service.level), limited);
    if (d->volt_watt_on[i] > 0.5) {
        const double target = volt_watt_target_pu(d, i);
        normal = least(normal, respond(&d->volt_watt_pu[i], target, d->volt_watt_response_s[i], lag_s, steady));
    }
    Power power = {normal, 0.0};
    if (d->frequency_droop_on[i] > 0.5) {
        const double change = droop_change_pu(d, i);
        d->delivered_pu[i] = first ? normal : d->delivered_pu[i];
        if (d->in_service[i] > 0.5 || service.share > 0.0) {
            power.p = droop_pu(d, i, change, normal, available, lag_s, steady);
        } else if (change == 0.0) {
            d->droop_phase[i] = DROOP_IDLE;
        }
    }
    power.q = reactive_wanted_pu(d, i, power.p, lag_s, steady);
    power = fit(d, i, power);
    d->started[i] = 1.0;
    d->delivered_pu[i] = service.share < 1.0 ? 0.0 : power.p;
    if (d->in_service[i] < 0.5) { /* after a trip from the beginning */
        d->volt_watt_pu[i] = 1.0;
        d->reactive_wanted_pu[i] = 0.0;
        d->droop_power_pu[i] = 0.0;
    }
    Operation o = {power.p * rated_w * service.share, power.q * inverter.rated_va * service.share, dc_w};
    if (power.p < available || available >= 1.0) {
        o.dc_used_w = least(dc_power_w(inverter, power.p * rated_w), dc_w);
    }
    o.dc_used_w *= service.share;
    return o;
}

/* One device through one step. Once nothing moves any more, the rest of the step is like its next part. */
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

    Operation sum = {0.0, 0.0, 0.0};
    for (int left = sub.count; left > 0;) {
        bool steady = true;
        const Operation o = operate(d, i, inverter, dc_w, available_w, sub.length_s, &steady);
        const int parts = steady ? left : 1;
        sum.generated_w += o.generated_w * parts;
        sum.absorbed_var += o.absorbed_var * parts;
        sum.dc_used_w += o.dc_used_w * parts;
        left -= parts;
    }
    const double share = 1.0 / sub.count;
    const double generated_w = sum.generated_w * share;
    const double dc_used_w = sum.dc_used_w * share;
    d->power_w[i] = 0.0 - generated_w; /* not -generated_w: no minus zero in the dark */
    d->reactive_power_var[i] = sum.absorbed_var * share;
    d->power_available_w[i] = 0.0 - available_w;
    d->power_dc_available_w[i] = dc_w;
    d->power_dc_used_w[i] = dc_used_w;
    d->loss_w[i] = dc_used_w - generated_w;
    d->temperature_cell_degc[i] = cell_degc;
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

void model_start(const Devices *d, size_t n)
{
    const Substeps any = substeps(CONTROL_CYCLE_S);
    for (size_t i = 0; i < n; i++) {
        reset(d, i);
        step_device(d, i, any); /* for the outputs */
        reset(d, i);
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    for (size_t i = 0; i < n; i++) {
        step_device(d, i, sub);
    }
}
