/* House with air-source heat pump.
 *
 * Envelope, after Bacher and Madsen (2011): air i and mass m (inner walls, furniture), which alone are the 2R2C house,
 * with wall w (outer walls, roofs) and slab s (floor on the ground, cellar) where their conductances U are given;
 * outdoors o and ground g:
 *   C_i dT_i/dt = (T_m - T_i)/R_im + (T_o - T_i)/R_io + U_si (T_s - T_i) - Q_openings + S_i + Q_internal + Q_heat
 *   C_m dT_m/dt = (T_i - T_m)/R_im + (T_o - T_m)/R_mo + U_wm (T_w - T_m) + S_m
 *   C_w dT_w/dt = U_wm (T_m - T_w) + U_wo (T_o - T_w) + S_w
 *   C_s dT_s/dt = U_si (T_i - T_s) + U_so (T_o - T_s) + U_sg (T_g - T_s)
 * solved by the implicit midpoint rule: stable, second order, and the heat flows at the midpoint add up exactly to
 * the change of stored heat. Sun: S = aperture x global irradiance + shares of the sun through windows and on walls.
 * Leaks (Sherman and Grimsrud 1980) carry out L (T_i - T_o), with the temperatures at the start of the sub-step:
 *   L = sqrt(L_stack^2 |T_i - T_o| / 20 K + L_wind^2 v^2 / (5 m/s)^2)
 * Windows are opened (OCHRE) while it is dry and cooler outdoors and the air warmer than T_c, the middle of the two
 * setpoints, and no wider than brings it there: A min(T_i - T_o, T_i - T_c) goes out, with an A like L.
 *
 * Heat pump (Cutler et al. 2013): capacity and electric input ratio are the rated values times a biquadratic
 *   f(x, y) = a + b x + c x^2 + d y + e y^2 + f x y
 * of indoor and outdoor temperature [degC]. Of a hydronic one (air to water), COP and capacity relative to the rated
 * values are linear, as in hplib, in outdoor temperature T_o and flow temperature T_f:
 *   1 + outdoor_slope (T_o - 7 degC) + flow_slope (T_f - 35 degC)
 * with a COP of at least 1; T_f falls from flow_cold_degc at -10 degC outdoors to flow_warm_degc at 20 degC. The start
 * values are those of hplib's average inverter machine. The thermostat and the compressor's minimum times act every
 * sub-step.
 * A compressor that modulates gives the heat that brings the air to the setpoint within the sub-step, between its
 * smallest share and full capacity; its input is divided by 1 - loss (1 - share) (part-load fraction).
 * Cooling dries the air too: its sensible share rises with the wet-bulb depression of the air,
 *   ratio + slope (T_i - T_wb - 7.3 K), at most 1;
 * in a modulating compressor what it dries, relative to what it cools, falls with its share of full capacity.
 * Defrost by reversing the cycle (EnergyPlus Engineering Reference, on demand), with a constant share f of the time:
 *   capacity' = 0.875 (1 - f) capacity - 0.01 f (7.22 - T_o) capacity / 1.017
 *   input'    = 0.954 / 0.875 x input ratio x capacity' + 0.1528 f capacity' / 1.017
 */
#include "fleet.h"
#include "physics.h"
#include "envelope.h"

typedef struct {
    double a, b, c, d, e, f;
} Biquadratic;

/* Single-speed air-source heat pump: x indoor dry bulb, y outdoor dry bulb (heating); x indoor wet bulb (cooling). */
static const Biquadratic HEAT_CAPACITY = {0.878143655, -0.002914855, -0.00003337, 0.022386661, 0.000163944, -0.00002187};
static const Biquadratic HEAT_INPUT_RATIO = {0.716518071, 0.010275901, 0.000460734, -0.006480365, 0.000456354, -0.00069764};
static const Biquadratic COOL_CAPACITY = {1.55736, -0.074448, 0.003099, 0.00146, -0.000041, -0.000427};
static const Biquadratic COOL_INPUT_RATIO = {-0.350448, 0.11681, -0.0034, -0.001226, 0.000601, -0.000467};

/* Conditions of the rated values. */
static const double HEAT_RATED_INDOOR_DEGC = 20.0;
static const double HEAT_RATED_OUTDOOR_DEGC = 7.0;
static const double HEAT_RATED_FLOW_DEGC = 35.0;
static const double COOL_RATED_WET_BULB_DEGC = 19.4;
static const double COOL_RATED_DEPRESSION_K = 7.3; /* 26.7 degC dry bulb less 19.4 degC wet bulb */
static const double COOL_RATED_OUTDOOR_DEGC = 35.0;

/* Range in which the curves hold; outside they are used at its edge. */
static const double HEAT_OUTDOOR_MIN_DEGC = -25.0;
static const double HEAT_OUTDOOR_MAX_DEGC = 20.0;
static const double HEAT_INDOOR_MIN_DEGC = 10.0;
static const double HEAT_INDOOR_MAX_DEGC = 30.0;
static const double COOL_OUTDOOR_MIN_DEGC = 18.33;
static const double COOL_OUTDOOR_MAX_DEGC = 51.66;
static const double COOL_WET_BULB_MIN_DEGC = 13.88;
static const double COOL_WET_BULB_MAX_DEGC = 23.88;

/* Outdoor temperatures between which the flow temperature of heating water falls. */
static const double FLOW_COLD_OUTDOOR_DEGC = -10.0;
static const double FLOW_WARM_OUTDOOR_DEGC = 20.0;

static const double CRANKCASE_BELOW_DEGC = 12.78; /* 55 degrees Fahrenheit (OCHRE) */

/* Reverse-cycle defrost. */
static const double DEFROST_BELOW_DEGC = 4.4445;
static const double DEFROST_CAPACITY = 0.875;
static const double DEFROST_INPUT = 0.954;
static const double DEFROST_REFERENCE_DEGC = 7.222;
static const double DEFROST_PER_K = 0.01;
static const double DEFROST_EXTRA_INPUT = 0.1528;
static const double DEFROST_RATED_CAPACITY = 1.01667;

static const double MODE_COOL = -1.0, MODE_OFF = 0.0, MODE_HEAT = 1.0, MODE_HEAT_BACKUP = 2.0;

static inline double curve(Biquadratic k, double x, double y)
{
    return k.a + k.b * x + k.c * x * x + k.d * y + k.e * y * y + k.f * x * y;
}

/* What the compressor can give to the air at full capacity, and what that takes. */
typedef struct {
    double heat_w; /* negative cools */
    double power_w;
    double drying_w; /* further cold that takes moisture out of the air instead of cooling it */
} Flow;

/* Capacity relative to the rated one, and input per heat as a fraction. */
typedef struct {
    double capacity;
    double input;
    double per_heat;
} Performance;

/* A machine that heats the room's air. */
static inline Performance to_air(const Devices *d, size_t i, double indoor_degc, double outdoor_degc)
{
    const double x = clamp(indoor_degc, HEAT_INDOOR_MIN_DEGC, HEAT_INDOOR_MAX_DEGC);
    const double per_capacity = 1.0 / curve(HEAT_CAPACITY, HEAT_RATED_INDOOR_DEGC, HEAT_RATED_OUTDOOR_DEGC);
    const double rated_input = curve(HEAT_INPUT_RATIO, HEAT_RATED_INDOOR_DEGC, HEAT_RATED_OUTDOOR_DEGC);
    return (Performance){curve(HEAT_CAPACITY, x, outdoor_degc) * per_capacity, curve(HEAT_INPUT_RATIO, x, outdoor_degc),
                         rated_input * d->heat_cop[i]};
}

/* One that heats water, whose flow temperature follows the weather. */
static inline Performance to_water(const Devices *d, size_t i, double outdoor_degc)
{
    const double cold_degc = d->flow_cold_degc[i];
    const double per_k = 1.0 / (FLOW_WARM_OUTDOOR_DEGC - FLOW_COLD_OUTDOOR_DEGC);
    const double warmth = clamp((d->temperature_outdoor_degc[i] - FLOW_COLD_OUTDOOR_DEGC) * per_k, 0.0, 1.0);
    const double x = cold_degc + warmth * (d->flow_warm_degc[i] - cold_degc) - HEAT_RATED_FLOW_DEGC;
    const double y = outdoor_degc - HEAT_RATED_OUTDOOR_DEGC;
    const double relative_cop = 1.0 + d->heat_cop_outdoor_slope[i] * y + d->heat_cop_flow_slope[i] * x;
    const double capacity = 1.0 + d->heat_capacity_outdoor_slope[i] * y + d->heat_capacity_flow_slope[i] * x;
    return (Performance){most(capacity, 0.0), 1.0, most(d->heat_cop[i] * relative_cop, 1.0)};
}

static inline Flow heating(const Devices *d, size_t i, double indoor_degc)
{
    const double outdoor_degc = d->temperature_outdoor_degc[i];
    const double y = clamp(outdoor_degc, HEAT_OUTDOOR_MIN_DEGC, HEAT_OUTDOOR_MAX_DEGC);
    const Performance air = to_air(d, i, indoor_degc, y);
    const Performance water = to_water(d, i, y);
    const bool hydronic = d->hydronic[i] > 0.5;
    const double ratio = choose(hydronic, water.input, air.input) / choose(hydronic, water.per_heat, air.per_heat);
    const double input = least(ratio, 1.0);
    const double dry_w = d->heat_capacity_w[i] * choose(hydronic, water.capacity, air.capacity);

    const double share = d->defrost_time_share[i];
    const double melting = DEFROST_PER_K / DEFROST_RATED_CAPACITY * share * (DEFROST_REFERENCE_DEGC - outdoor_degc);
    const double frosty_w = most((DEFROST_CAPACITY * (1.0 - share) - melting) * dry_w, 0.0);
    const double frosty_input
        = DEFROST_INPUT / DEFROST_CAPACITY * input + DEFROST_EXTRA_INPUT / DEFROST_RATED_CAPACITY * share;
    const bool frosts = (share > 0.0) & (outdoor_degc < DEFROST_BELOW_DEGC);
    const double heat_w = choose(frosts, frosty_w, dry_w);
    const double power_w = heat_w * choose(frosts, frosty_input, input);
    const bool runs = outdoor_degc >= d->temperature_cutout_degc[i];
    return (Flow){choose(runs, heat_w, 0.0), choose(runs, power_w, 0.0), 0.0};
}

static inline Flow cooling(const Devices *d, size_t i, double indoor_degc)
{
    const double wet_bulb_degc = d->temperature_wet_bulb_indoor_degc[i];
    const double x = clamp(wet_bulb_degc, COOL_WET_BULB_MIN_DEGC, COOL_WET_BULB_MAX_DEGC);
    const double y = clamp(d->temperature_outdoor_degc[i], COOL_OUTDOOR_MIN_DEGC, COOL_OUTDOOR_MAX_DEGC);
    const double per_capacity = 1.0 / curve(COOL_CAPACITY, COOL_RATED_WET_BULB_DEGC, COOL_RATED_OUTDOOR_DEGC);
    const double rated_input = curve(COOL_INPUT_RATIO, COOL_RATED_WET_BULB_DEGC, COOL_RATED_OUTDOOR_DEGC);
    const double cool_w = d->cool_capacity_w[i] * (curve(COOL_CAPACITY, x, y) * per_capacity);
    const double input = curve(COOL_INPUT_RATIO, x, y) / (rated_input * d->cool_cop[i]);
    const double drier_k = indoor_degc - wet_bulb_degc - COOL_RATED_DEPRESSION_K;
    const double sensible = clamp(d->sensible_heat_ratio[i] + d->sensible_heat_ratio_slope[i] * drier_k, 0.0, 1.0);
    return (Flow){-cool_w * sensible, cool_w * input, cool_w * (1.0 - sensible)};
}

/* Share s of full power that gives what is wanted; both have the same sign, or the share is 0. The part of the cold
 * that dries falls with the coil's load, so that s full + s (1 - s) drying is given: solve that for s. */
static inline double share_of(double wanted_w, double full_w, double drying_w)
{
    const double total_w = fabs(full_w) + drying_w;
    const double root2 = most(total_w * total_w - 4.0 * drying_w * fabs(wanted_w), 0.0);
    const double share = least(2.0 * fabs(wanted_w) / (total_w + sqrt(root2)), 1.0);
    return choose(wanted_w * full_w > 0.0, share, 0.0);
}

/* Equipment in a mode for one sub-step: heat to the air and electricity; only a modulating one looks at wanted_w. */
static inline Flow equipment(const Devices *d, size_t i, double mode, double indoor_degc, double wanted_w)
{
    const double arrives = d->distribution_efficiency[i];
    const double fan_w = d->fan_power_w[i];
    const double smallest = d->modulation_min[i];
    const bool modulates = smallest < 1.0;
    const bool cools = mode == MODE_COOL;
    const Flow heat = heating(d, i, indoor_degc);
    const Flow cool = cooling(d, i, indoor_degc);
    const double full_w = arrives * (choose(cools, cool.heat_w, heat.heat_w) + fan_w);
    const double drying_w = choose(cools, arrives * cool.drying_w, 0.0);
    const double share = choose(modulates, most(share_of(wanted_w, full_w, drying_w), smallest), 1.0);
    const double loss = choose(cools, d->part_load_loss_cool[i], d->part_load_loss_heat[i]);
    const double part_load = 1.0 - loss * (1.0 - share); /* 1 at a share of 1 */
    const double power_w = choose(cools, cool.power_w, heat.power_w) / part_load;

    const double backup_full_w = d->backup_power_w[i];
    const double backup = choose(modulates, share_of(wanted_w - full_w, arrives * backup_full_w, 0.0), 1.0);
    const bool helps = (mode == MODE_HEAT_BACKUP) & (d->temperature_outdoor_degc[i] < d->backup_lockout_degc[i]);
    const double backup_w = choose(helps, backup * backup_full_w, 0.0);
    const bool off = mode == MODE_OFF;
    return (Flow){choose(off, 0.0, share * (full_w - (1.0 - share) * drying_w) + arrives * backup_w),
                  choose(off, 0.0, share * (power_w + fan_w) + backup_w), 0.0};
}

/* The thermostat: what the equipment does next, and the temperatures it holds. */
typedef struct {
    double mode;
    double heat_degc;
    double cool_degc;
} Call;

static inline Call thermostat(const Devices *d, size_t i, double mode, double time_in_mode_s, double air_degc)
{
    const double deadband_k = d->deadband_k[i];
    const double half_k = 0.5 * deadband_k;
    const double offset_k = d->setpoint_offset_k[i];
    const double heat_degc = d->setpoint_heat_degc[i] + offset_k;
    const double cool_degc = most(d->setpoint_cool_degc[i] - offset_k, heat_degc + 2.0 * deadband_k); /* never both */
    const double heat_on_degc = heat_degc - half_k;
    const double backup_degc = heat_on_degc - d->backup_below_k[i];

    const bool cold = air_degc < heat_on_degc;
    const bool hot = (air_degc > cool_degc + half_k) & (d->cool_capacity_w[i] > 0.0);
    const double heating_mode = choose(air_degc < backup_degc, MODE_HEAT_BACKUP, MODE_HEAT);
    const double starting = choose(cold, heating_mode, choose(hot, MODE_COOL, MODE_OFF));
    const double from_off = choose(time_in_mode_s >= d->minimum_off_s[i], starting, MODE_OFF);

    const bool cools = mode == MODE_COOL;
    const bool satisfied = (cools & (air_degc < cool_degc - half_k)) | (!cools & (air_degc > heat_degc + half_k));
    const bool backup_enters = (mode == MODE_HEAT) & (air_degc < backup_degc);
    const bool backup_leaves = (mode == MODE_HEAT_BACKUP) & (air_degc > heat_on_degc);
    const double going_on = choose(backup_enters, MODE_HEAT_BACKUP, choose(backup_leaves, MODE_HEAT, mode));
    const bool stops = satisfied & (time_in_mode_s >= d->minimum_on_s[i]);
    const double from_on = choose(stops, MODE_OFF, going_on);

    const double next = choose(mode == MODE_OFF, from_off, from_on);
    const double enabled = choose(d->enabled[i] > 0.5, next, MODE_OFF);
    return (Call){enabled, heat_degc, cool_degc};
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    for (size_t i = 0; i < n; i++) {
        if (!slow_enough(d, i)) {
            *violation = (Violation){"capacity_air_j_per_k", i,
                                     "capacities times resistances give a time constant below 30 s"};
            return false;
        }
    }
    return true;
}

void model_start(const Devices *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d->power_w[i] = d->standby_w[i];
        d->temperature_indoor_degc[i] = d->temperature_start_degc[i];
        d->temperature_mass_degc[i] = d->temperature_start_degc[i] + d->mass_start_offset_k[i];
        d->temperature_wall_degc[i] = d->temperature_start_degc[i] + d->wall_start_offset_k[i];
        d->temperature_slab_degc[i] = d->temperature_start_degc[i] + d->slab_start_offset_k[i];
        d->heat_w[i] = 0.0;
        d->heat_gain_solar_w[i] = 0.0;
        d->heat_loss_w[i] = 0.0;
        d->mode[i] = MODE_OFF;
        d->time_in_mode_s[i] = d->minimum_off_s[i];
        d->air_mass_w_per_k[i] = 1.0 / d->resistance_air_mass_k_per_w[i];
        d->air_outdoor_w_per_k[i] = 1.0 / d->resistance_air_outdoor_k_per_w[i];
        d->mass_outdoor_w_per_k[i] = 1.0 / d->resistance_mass_outdoor_k_per_w[i];
    }
}

/* One sub-step of one device, of length_s; adds to the outputs its share of the step. */
static inline void substep(const Devices *d, size_t i, double length_s, double step_share)
{
    const double air_degc = d->temperature_indoor_degc[i];
    const double before = d->mode[i];
    const double time_before_s = d->time_in_mode_s[i];
    const Call call = thermostat(d, i, before, time_before_s, air_degc);
    const bool switches = (call.mode == MODE_OFF) != (before == MODE_OFF);

    const double openings = openings_w(d, i, 0.5 * (call.heat_degc + call.cool_degc));
    const Midpoint m = midpoint(d, i, length_s, openings);
    const double target_degc = choose(call.mode == MODE_COOL, call.cool_degc, call.heat_degc);
    const double wanted_w = 0.5 * (target_degc + air_degc) * m.air_sum - m.air_right; /* brings the air to the target */
    const Flow given = equipment(d, i, call.mode, air_degc, wanted_w);
    const bool cold_oil = (call.mode == MODE_OFF) & (d->temperature_outdoor_degc[i] < CRANKCASE_BELOW_DEGC);
    const double crankcase_w = choose(cold_oil, d->crankcase_w[i], 0.0);

    d->mode[i] = call.mode;
    d->time_in_mode_s[i] = choose(switches, length_s, time_before_s + length_s);
    d->heat_loss_w[i] += move(d, i, m, given.heat_w, openings) * step_share;
    d->power_w[i] += (given.power_w + crankcase_w) * step_share;
    d->heat_w[i] += given.heat_w * step_share;
    d->heat_gain_solar_w[i] = m.sun_w;
}

static void step_block(const Devices *d, size_t begin, size_t end, Substeps sub)
{
    const double share = 1.0 / sub.count;
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        d->power_w[i] = d->standby_w[i];
        d->heat_w[i] = 0.0;
        d->heat_loss_w[i] = 0.0;
    }
    for (int k = 0; k < sub.count; k++) {
        ACROSS_DEVICES
        for (size_t i = begin; i < end; i++) {
            substep(d, i, sub.length_s, share);
        }
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        step_block(d, begin, n - begin < BLOCK ? n : begin + BLOCK, sub);
    }
}
