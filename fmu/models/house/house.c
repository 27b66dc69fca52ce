/* House with air-source heat pump.
 *
 * Envelope (Bacher and Madsen 2011), air i and mass m:
 *   C_i dT_i/dt = (T_m - T_i)/R_im + (T_o - T_i)/R_io + A_i G + Q_internal + Q_heat
 *   C_m dT_m/dt = (T_i - T_m)/R_im + (T_o - T_m)/R_mo + A_m G
 * solved by the implicit midpoint rule: stable, second order, and the heat flows at the midpoint add up exactly to
 * the change of stored heat.
 *
 * Heat pump (Cutler et al. 2013): capacity and electric input ratio are the rated values times a biquadratic
 *   f(x, y) = a + b x + c x^2 + d y + e y^2 + f x y
 * of indoor and outdoor temperature [degC]. The thermostat and the compressor's minimum times act every sub-step.
 */
#include "fleet.h"
#include "physics.h"

typedef struct {
    double a, b, c, d, e, f;
} Biquadratic;

/* Single-speed air-source heat pump: x indoor dry bulb, y outdoor dry bulb (heating); x indoor wet bulb (cooling). */
static const Biquadratic HEAT_CAPACITY = {0.878143655, -0.002914855, -0.00003337, 0.022386661, 0.000163944, -0.00002187};
static const Biquadratic HEAT_INPUT_RATIO = {0.716518071, 0.010275901, 0.000460734, -0.006480365, 0.000456354, -0.00069764};
static const Biquadratic COOL_CAPACITY = {1.55736, -0.074448, 0.003099, 0.00146, -0.000041, -0.000427};
static const Biquadratic COOL_INPUT_RATIO = {-0.350448, 0.11681, -0.0034, -0.001226, 0.000601, -0.000467};

/* Conditions of the rated values. Air humidity is not modelled: cooling sees the rated indoor wet bulb. */
static const double HEAT_RATED_INDOOR_DEGC = 20.0;
static const double HEAT_RATED_OUTDOOR_DEGC = 7.0;
static const double COOL_RATED_WET_BULB_DEGC = 19.4;
static const double COOL_RATED_OUTDOOR_DEGC = 35.0;

/* Range in which the curves hold; outside they are used at its edge. */
static const double HEAT_OUTDOOR_MIN_DEGC = -25.0;
static const double HEAT_OUTDOOR_MAX_DEGC = 20.0;
static const double HEAT_INDOOR_MIN_DEGC = 10.0;
static const double HEAT_INDOOR_MAX_DEGC = 30.0;
static const double COOL_OUTDOOR_MIN_DEGC = 18.33;
static const double COOL_OUTDOOR_MAX_DEGC = 51.66;

/* No time constant may be shorter than half the longest sub-step, or the midpoint rule would overshoot. */
static const double FASTEST_RATE_PER_S = 2.0 / 60.0;

enum { MODE_COOL = -1, MODE_OFF = 0, MODE_HEAT = 1, MODE_HEAT_BACKUP = 2 };

static inline double curve(Biquadratic k, double x, double y)
{
    return k.a + k.b * x + k.c * x * x + k.d * y + k.e * y * y + k.f * x * y;
}

typedef struct {
    double heat_w;
    double power_w;
} Flow;

static Flow heating(const Devices *d, size_t i, double indoor_degc, bool with_backup)
{
    const double outdoor_degc = d->temperature_outdoor_degc[i];
    Flow result = {0.0, 0.0};
    if (outdoor_degc >= d->temperature_cutout_degc[i]) {
        const double x = clamp(indoor_degc, HEAT_INDOOR_MIN_DEGC, HEAT_INDOOR_MAX_DEGC);
        const double y = clamp(outdoor_degc, HEAT_OUTDOOR_MIN_DEGC, HEAT_OUTDOOR_MAX_DEGC);
        const double capacity = curve(HEAT_CAPACITY, x, y)
                                / curve(HEAT_CAPACITY, HEAT_RATED_INDOOR_DEGC, HEAT_RATED_OUTDOOR_DEGC);
        const double input_ratio = curve(HEAT_INPUT_RATIO, x, y)
                                   / curve(HEAT_INPUT_RATIO, HEAT_RATED_INDOOR_DEGC, HEAT_RATED_OUTDOOR_DEGC);
        const double cop = most(d->heat_cop[i] / input_ratio, 1.0);
        result.heat_w = d->heat_capacity_w[i] * capacity;
        result.power_w = result.heat_w / cop;
    }
    if (with_backup) {
        result.heat_w += d->backup_power_w[i];
        result.power_w += d->backup_power_w[i];
    }
    return result;
}

static Flow cooling(const Devices *d, size_t i)
{
    const double x = COOL_RATED_WET_BULB_DEGC;
    const double y = clamp(d->temperature_outdoor_degc[i], COOL_OUTDOOR_MIN_DEGC, COOL_OUTDOOR_MAX_DEGC);
    const double capacity = curve(COOL_CAPACITY, x, y) / curve(COOL_CAPACITY, x, COOL_RATED_OUTDOOR_DEGC);
    const double input_ratio = curve(COOL_INPUT_RATIO, x, y) / curve(COOL_INPUT_RATIO, x, COOL_RATED_OUTDOOR_DEGC);
    const double cool_w = d->cool_capacity_w[i] * capacity;
    const Flow result = {-cool_w, cool_w * input_ratio / d->cool_cop[i]};
    return result;
}

typedef struct {
    double heat_on_degc;   /* heating starts below */
    double heat_off_degc;  /* heating stops above */
    double backup_degc;    /* the backup heater starts below */
    double cool_on_degc;   /* cooling starts above */
    double cool_off_degc;  /* cooling stops below */
    double minimum_on_s;
    double minimum_off_s;
    bool enabled;
    bool cools;
} Thermostat;

static Thermostat thermostat_of(const Devices *d, size_t i)
{
    const double half_k = 0.5 * d->deadband_k[i];
    const double heat_degc = d->setpoint_heat_degc[i] + d->setpoint_offset_k[i];
    const double cool_wanted_degc = d->setpoint_cool_degc[i] - d->setpoint_offset_k[i];
    const double cool_degc = most(cool_wanted_degc, heat_degc + 2.0 * d->deadband_k[i]); /* never heat against cooling */
    Thermostat t;
    t.heat_on_degc = heat_degc - half_k;
    t.heat_off_degc = heat_degc + half_k;
    t.backup_degc = t.heat_on_degc - d->backup_below_k[i];
    t.cool_on_degc = cool_degc + half_k;
    t.cool_off_degc = cool_degc - half_k;
    t.minimum_on_s = d->minimum_on_s[i];
    t.minimum_off_s = d->minimum_off_s[i];
    t.enabled = d->enabled[i] > 0.5;
    t.cools = d->cool_capacity_w[i] > 0.0;
    return t;
}

static int next_mode(const Thermostat *t, int mode, double time_in_mode_s, double air_degc)
{
    if (!t->enabled) {
        return MODE_OFF;
    }
    if (mode == MODE_OFF) {
        if (time_in_mode_s < t->minimum_off_s) {
            return MODE_OFF;
        }
        if (air_degc < t->heat_on_degc) {
            return air_degc < t->backup_degc ? MODE_HEAT_BACKUP : MODE_HEAT;
        }
        return t->cools && air_degc > t->cool_on_degc ? MODE_COOL : MODE_OFF;
    }
    const bool satisfied = mode == MODE_COOL ? air_degc < t->cool_off_degc : air_degc > t->heat_off_degc;
    if (satisfied && time_in_mode_s >= t->minimum_on_s) {
        return MODE_OFF;
    }
    if (mode == MODE_HEAT && air_degc < t->backup_degc) {
        return MODE_HEAT_BACKUP;
    }
    if (mode == MODE_HEAT_BACKUP && air_degc > t->heat_on_degc) {
        return MODE_HEAT;
    }
    return mode;
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    for (size_t i = 0; i < n; i++) {
        const double air_mass = 1.0 / d->resistance_air_mass_k_per_w[i];
        const double air = (air_mass + 1.0 / d->resistance_air_outdoor_k_per_w[i]) / d->capacity_air_j_per_k[i];
        const double mass = (air_mass + 1.0 / d->resistance_mass_outdoor_k_per_w[i]) / d->capacity_mass_j_per_k[i];
        if (air + mass > FASTEST_RATE_PER_S) {
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
        d->temperature_mass_degc[i] = d->temperature_start_degc[i];
        d->heat_w[i] = 0.0;
        d->heat_loss_w[i] = 0.0;
        d->mode[i] = MODE_OFF;
        d->time_in_mode_s[i] = d->minimum_off_s[i];
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    for (size_t i = 0; i < n; i++) {
        const Thermostat thermostat = thermostat_of(d, i);
        const double outdoor_degc = d->temperature_outdoor_degc[i];
        const double air_mass = 1.0 / d->resistance_air_mass_k_per_w[i]; /* conductances [W/K] */
        const double air_outdoor = 1.0 / d->resistance_air_outdoor_k_per_w[i];
        const double mass_outdoor = 1.0 / d->resistance_mass_outdoor_k_per_w[i];
        const double air_store = 2.0 * d->capacity_air_j_per_k[i] / sub.length_s; /* per half sub-step [W/K] */
        const double mass_store = 2.0 * d->capacity_mass_j_per_k[i] / sub.length_s;
        const double air_sum = air_store + air_mass + air_outdoor;
        const double mass_sum = mass_store + air_mass + mass_outdoor;
        const double solve = 1.0 / (air_sum * mass_sum - air_mass * air_mass); /* of the 2 x 2 system */
        const double irradiance = d->irradiance_global_w_m2[i];
        const double air_gain_w
            = d->aperture_air_m2[i] * irradiance + d->heat_gain_internal_w[i] + air_outdoor * outdoor_degc;
        const double mass_gain_w = d->aperture_mass_m2[i] * irradiance + mass_outdoor * outdoor_degc;

        double air_degc = d->temperature_indoor_degc[i];
        double mass_degc = d->temperature_mass_degc[i];
        double time_in_mode_s = d->time_in_mode_s[i];
        int mode = (int)d->mode[i];
        double power_sum_w = 0.0;
        double heat_sum_w = 0.0;
        double loss_sum_w = 0.0;
        for (int k = 0; k < sub.count; k++) {
            const int wanted = next_mode(&thermostat, mode, time_in_mode_s, air_degc);
            const bool switches = (wanted == MODE_OFF) != (mode == MODE_OFF);
            time_in_mode_s = switches ? sub.length_s : time_in_mode_s + sub.length_s;
            mode = wanted;
            Flow flow = {0.0, 0.0};
            if (mode == MODE_COOL) {
                flow = cooling(d, i);
            } else if (mode != MODE_OFF) {
                flow = heating(d, i, air_degc, mode == MODE_HEAT_BACKUP);
            }
            const double air_right_w = air_store * air_degc + air_gain_w + flow.heat_w;
            const double mass_right_w = mass_store * mass_degc + mass_gain_w;
            const double air_middle_degc = (mass_sum * air_right_w + air_mass * mass_right_w) * solve;
            const double mass_middle_degc = (air_sum * mass_right_w + air_mass * air_right_w) * solve;
            air_degc = 2.0 * air_middle_degc - air_degc;
            mass_degc = 2.0 * mass_middle_degc - mass_degc;
            power_sum_w += flow.power_w;
            heat_sum_w += flow.heat_w;
            loss_sum_w += air_outdoor * (air_middle_degc - outdoor_degc);
            loss_sum_w += mass_outdoor * (mass_middle_degc - outdoor_degc);
        }
        d->temperature_indoor_degc[i] = air_degc;
        d->temperature_mass_degc[i] = mass_degc;
        d->time_in_mode_s[i] = time_in_mode_s;
        d->mode[i] = mode;
        d->power_w[i] = power_sum_w / sub.count + d->standby_w[i];
        d->heat_w[i] = heat_sum_w / sub.count;
        d->heat_loss_w[i] = loss_sum_w / sub.count;
    }
}
