/* Storage water heater with a stratified tank of equal layers, top first.
 *
 * For each layer:  C dT/dt = UA_layer (T_room - T) + (k A / dz) (neighbours - T) + Q_heater
 * Draws push the tank up as a plug: mains water enters at the bottom, the top layer leaves. Taps mix down to
 * temperature_tap_degc. Where a layer is more than 0.1 K hotter than the one above, they mix from the top down until
 * none is (OCHRE). A tank of two layers has an upper third and a lower rest, which makes up for 95 % of the heat drawn
 * (OCHRE, from laboratory tests); a tank of one layer is fully mixed.
 *
 * Within a sub-step of at most 60 s, in this order: thermostats act on the temperatures at its start, draws, heat,
 * losses and conduction (second order), mixing. So an element may carry the water past the setpoint by what it heats in
 * one sub-step, but never by more than 2 K: in a tank too small for that it stops within the sub-step.
 *
 * Heat pump water heater (OCHRE): the condenser is wrapped around the lower half of the tank, with a fixed share of its
 * heat at each height; capacity and COP are the rated values times a biquadratic
 *   f(x, y) = a + b x + c x^2 + d y + e y^2 + f x y
 * of the room's wet bulb x and the water y at the condenser at the start of the sub-step [degC]. It starts when three
 * quarters of the upper plus one quarter of the lower thermostat's temperature fall below the deadband. The elements
 * help far below the setpoint, and take over where the room is too cold or too hot.
 *
 * Legionella cycle: once per interval the setpoint rises to legionella_degc until the lower thermostat has held it for
 * legionella_hold_s.
 */
#include "fleet.h"
#include "physics.h"

enum { MAX_LAYERS = 12 };

/* Devices are stepped some at a time, layer by layer across them, so that the compiler uses vector instructions. */
enum { LANES = 8 };

#if defined(__GNUC__)
#define UNROLLED static inline __attribute__((always_inline))
#else
#define UNROLLED static inline
#endif

static const double WATER_J_PER_L_K = 4183.0;          /* rho c_p */
static const double WATER_CONDUCTIVITY_W_M_K = 0.6406; /* at 50 degC */
static const double LITRES_PER_M3 = 1000.0;
static const double PI = 3.141592653589793;
static const double SETPOINT_MIN_DEGC = 5.0;
static const double SETPOINT_MAX_DEGC = 95.0;
static const double UNTEMPERED_DEGC = 1000.0; /* hotter than any tank: nothing is mixed in */

/* Where elements and their thermostats sit, from the top: layers 3 and 10 of 12 (OCHRE); coarser tanks have them in
 * the top and the bottom layer. */
static const int UPPER_LAYER_OF_12 = 2;
static const int LOWER_LAYER_OF_12 = 9;

/* Heat of the condenser at each twelfth of the tank's height, from the top (sum 1). */
static const double CONDENSER_SHARE[MAX_LAYERS]
    = {0.0, 0.0, 0.0, 0.0, 0.0, 5.0 / 110.0, 10.0 / 110.0, 15.0 / 110.0, 20.0 / 110.0, 25.0 / 110.0, 30.0 / 110.0,
       5.0 / 110.0};

#include "heat_pump_curves.h"

/* Room air in which the heat pump works. */
static const double HEAT_PUMP_ROOM_MIN_DEGC = 7.222;
static const double HEAT_PUMP_ROOM_MAX_DEGC = 43.333;

/* Thermostat of the heat pump type. */
static const double UPPER_WEIGHT = 0.75;
static const double UPPER_ELEMENT_HELPS_BELOW_K = 13.0;
static const double LOWER_ELEMENT_HELPS_BELOW_K = 15.0;
static const double UPPER_STOPS_ABOVE_K = 1.0;

/* A thermostat acts at the start of a sub-step; until the next the water may get this much hotter than the setpoint. */
static const double OVERSHOOT_K = 2.0;

typedef double Layers[MAX_LAYERS][LANES];

/* Size of a layer relative to the mean: all are equal, but a tank of two has an upper third and a lower rest. */
static inline double size_of(int layers, int layer)
{
    return layers != 2 ? 1.0 : (layer == 0 ? 2.0 / 3.0 : 4.0 / 3.0);
}

static inline int upper_layer(int layers)
{
    return layers == MAX_LAYERS ? UPPER_LAYER_OF_12 : 0;
}

static inline int lower_layer(int layers)
{
    return layers == MAX_LAYERS ? LOWER_LAYER_OF_12 : layers - 1;
}

#include "tank.h"

static inline double thermostat(double calls, double layer_degc, double setpoint_degc, double deadband_k)
{
    if (layer_degc < setpoint_degc - deadband_k) {
        return 1.0;
    }
    return layer_degc < setpoint_degc ? calls : 0.0;
}

/* The elements' own thermostats; the lower feels its layer and the one above (OCHRE), if the tank has that many. */
static inline void control_elements(const Devices *d, size_t i, int layers, double layer[][LANES],
                                    double setpoint_degc, double deadband_k)
{
    const int lower = lower_layer(layers);
    const double upper_degc = layer[upper_layer(layers)][0];
    const double lower_degc = layers > 2 ? 0.5 * (layer[lower][0] + layer[lower - 1][0]) : layer[lower][0];
    const double upper_on = thermostat(d->upper_on[i], upper_degc, setpoint_degc, deadband_k);
    d->upper_on[i] = d->upper_element[i] > 0.5 ? upper_on : 0.0;
    d->lower_on[i] = thermostat(d->lower_on[i], lower_degc, setpoint_degc, deadband_k);
    d->heat_pump_on[i] = 0.0;
}

/* Heat pump first; the elements help only far below the setpoint. */
static void control_heat_pump(const Devices *d, size_t i, int layers, double layer[][LANES], double setpoint_degc,
                              double sub_s)
{
    const double upper_degc = layer[upper_layer(layers)][0];
    const double lower_degc = layer[lower_layer(layers)][0];
    const double felt_degc = UPPER_WEIGHT * upper_degc + (1.0 - UPPER_WEIGHT) * lower_degc;
    const bool helped = d->upper_on[i] > 0.5 || d->lower_on[i] > 0.5;
    const bool was_on = d->heat_pump_on[i] > 0.5;
    if (was_on && d->heat_pump_time_s[i] < d->heat_pump_minimum_on_s[i]) {
        d->heat_pump_time_s[i] += sub_s;
        return;
    }
    const double upper_on = thermostat(d->upper_on[i], upper_degc, setpoint_degc, UPPER_ELEMENT_HELPS_BELOW_K);
    d->upper_on[i] = d->upper_element[i] > 0.5 ? upper_on : 0.0;
    const bool lower_helps = helped && lower_degc < setpoint_degc - LOWER_ELEMENT_HELPS_BELOW_K;
    d->lower_on[i] = d->upper_on[i] < 0.5 && lower_helps ? 1.0 : 0.0;
    bool on = was_on;
    if (d->upper_on[i] > 0.5 || d->lower_on[i] > 0.5) {
        on = false;
    } else if (helped || felt_degc < setpoint_degc - d->deadband_k[i]) {
        on = true;
    } else if (felt_degc >= setpoint_degc || upper_degc >= setpoint_degc + UPPER_STOPS_ABOVE_K) {
        on = false;
    }
    d->heat_pump_time_s[i] = on == was_on ? d->heat_pump_time_s[i] + sub_s : sub_s;
    d->heat_pump_on[i] = on ? 1.0 : 0.0;
}

/* Heat from an element for one sub-step, no more than all water at and above it can take up to the limit [J]. */
static double run_element(const Devices *d, size_t i, int layers, double layer[][LANES], double limit_degc,
                          double sub_s)
{
    const int element = d->upper_on[i] > 0.5 ? upper_layer(layers) : lower_layer(layers);
    const double mean_j_per_k = d->layer_volume_l[i] * WATER_J_PER_L_K;
    double room_j = 0.0;
    for (int k = 0; k <= element; k++) {
        room_j += most(limit_degc - layer[k][0], 0.0) * size_of(layers, k) * mean_j_per_k;
    }
    const double heat_j = least(d->element_power_w[i] * sub_s, room_j);
    layer[element][0] += heat_j / (size_of(layers, element) * mean_j_per_k);
    return heat_j;
}

/* Heat from the condenser for one sub-step, no layer above the limit [J]; adds the electricity. What it can do depends
 * on the water at the start of the sub-step. */
static double run_heat_pump(const Devices *d, size_t n, size_t i, int layers, const double before[][LANES],
                            double layer[][LANES], double limit_degc, double sub_s, double *electric_j)
{
    const double mean_j_per_k = d->layer_volume_l[i] * WATER_J_PER_L_K;
    double condenser_degc = 0.0;
    for (int k = 0; k < layers; k++) {
        condenser_degc += d->condenser_share[(size_t)k * n + i] * before[k][0];
    }
    const double wet_bulb_degc = clamp(d->temperature_wet_bulb_degc[i], 0.0, HEAT_PUMP_ROOM_MAX_DEGC);
    const double factor = most(curve(HEAT_PUMP_CAPACITY, wet_bulb_degc, condenser_degc), 0.0);
    const double cop = most(d->heat_pump_cop[i] * curve(HEAT_PUMP_COP, wet_bulb_degc, condenser_degc), 1.0);
    const double full_j = d->heat_pump_capacity_w[i] * factor * sub_s;
    double given_j = full_j;
    for (int k = 0; k < layers; k++) {
        const double share = d->condenser_share[(size_t)k * n + i];
        if (share > 0.0) {
            const double room_j = most(limit_degc - layer[k][0], 0.0) * size_of(layers, k) * mean_j_per_k;
            given_j = least(given_j, room_j / share);
        }
    }
    for (int k = 0; k < layers; k++) {
        layer[k][0] += d->condenser_share[(size_t)k * n + i] * given_j / (size_of(layers, k) * mean_j_per_k);
    }
    const double running = full_j > 0.0 ? given_j / full_j : 0.0;
    *electric_j += given_j / cop + running * d->heat_pump_fan_w[i] * sub_s;
    return given_j;
}

/* Whether a legionella cycle is due. */
static bool legionella(const Devices *d, size_t i, int layers, double layer[][LANES], double sub_s)
{
    const double tolerance_k = 1.0;
    d->legionella_age_s[i] += sub_s;
    bool due = d->legionella_age_s[i] >= d->legionella_interval_s[i];
    if (due && layer[lower_layer(layers)][0] >= d->legionella_degc[i] - tolerance_k) {
        d->legionella_held_s[i] += sub_s;
        if (d->legionella_held_s[i] >= d->legionella_hold_s[i]) {
            d->legionella_age_s[i] = 0.0;
            d->legionella_held_s[i] = 0.0;
            due = false;
        }
    }
    d->legionella_active[i] = due ? 1.0 : 0.0;
    return due;
}

typedef struct {
    double heated_j[LANES];   /* by the elements */
    double pumped_j[LANES];   /* by the heat pump */
    double electric_j[LANES]; /* of the heat pump */
    double delivered_j[LANES];
    double unmet_j[LANES];
    double lost_j[LANES];
} Sums;

static const double LEGIONELLA_DEADBAND_K = 0.5;

/* Controls and draws of one tank, before its losses; returns the setpoint. */
static inline double control(const Devices *d, size_t i, int layers, double layer[][LANES], double sub_s)
{
    const double room_degc = d->temperature_ambient_degc[i];
    const bool pumps = d->heat_pump[i] > 0.5;
    double setpoint_degc = clamp(d->setpoint_degc[i] + d->setpoint_offset_k[i], SETPOINT_MIN_DEGC, SETPOINT_MAX_DEGC);
    double deadband_k = d->deadband_k[i];
    bool cycle = false;
    if (d->legionella_interval_s[i] > 0.0 && legionella(d, i, layers, layer, sub_s)) {
        cycle = true;
        setpoint_degc = most(setpoint_degc, d->legionella_degc[i]);
        deadband_k = least(deadband_k, LEGIONELLA_DEADBAND_K);
    }
    if (pumps && !cycle && room_degc >= HEAT_PUMP_ROOM_MIN_DEGC && room_degc <= HEAT_PUMP_ROOM_MAX_DEGC) {
        control_heat_pump(d, i, layers, layer, setpoint_degc, sub_s);
    } else {
        control_elements(d, i, layers, layer, setpoint_degc, deadband_k);
    }
    return setpoint_degc;
}

/* One sub-step of some tanks with the same number of layers. */
UNROLLED void substep(const Devices *d, size_t n, size_t first, int lanes, int layers, Layers layer, double sub_s,
                           Sums *sums)
{
    Layers before;
    double setpoint_degc[LANES];
    for (int k = 0; k < layers; k++) {
        for (int j = 0; j < lanes; j++) {
            before[k][j] = layer[k][j];
        }
    }
    for (int j = 0; j < lanes; j++) {
        const size_t i = first + (size_t)j;
        double(*own)[LANES] = (double(*)[LANES])&layer[0][j];
        setpoint_degc[j] = control(d, i, layers, own, sub_s);
        if (d->draw_hot_l_min[i] > 0.0) {
            double none_j = 0.0;
            const double hot_l = d->draw_hot_l_min[i] / SECONDS_PER_MINUTE * sub_s;
            draw(d, i, layers, own, hot_l, UNTEMPERED_DEGC, &sums->delivered_j[j], &none_j);
        }
        if (d->draw_l_min[i] > 0.0) {
            const double tapped_l = d->draw_l_min[i] / SECONDS_PER_MINUTE * sub_s;
            draw(d, i, layers, own, tapped_l, d->temperature_tap_degc[i], &sums->delivered_j[j], &sums->unmet_j[j]);
        }
        const double limit_degc = setpoint_degc[j] + OVERSHOOT_K;
        const bool enabled = d->enabled[i] > 0.5;
        if (enabled && (d->upper_on[i] > 0.5 || d->lower_on[i] > 0.5)) {
            sums->heated_j[j] += run_element(d, i, layers, own, limit_degc, sub_s);
        }
        if (enabled && d->heat_pump_on[i] > 0.5) {
            const double(*start)[LANES] = (const double(*)[LANES])&before[0][j];
            sums->pumped_j[j] += run_heat_pump(d, n, i, layers, start, own, limit_degc, sub_s, &sums->electric_j[j]);
        } else {
            sums->electric_j[j] += d->heat_pump[i] > 0.5 ? d->heat_pump_standby_w[i] * sub_s : 0.0;
        }
    }
    exchange(d, first, lanes, layers, before, layer, sub_s, sums->lost_j);
    mix(lanes, layers, layer);
}

/* A step of some tanks with the same number of layers. */
UNROLLED void step_tanks(const Devices *d, size_t n, size_t first, int lanes, int layers, Substeps sub)
{
    Layers layer;
    Sums sums = {0};
    for (int k = 0; k < layers; k++) {
        for (int j = 0; j < lanes; j++) {
            layer[k][j] = d->layer_degc[(size_t)k * n + first + (size_t)j];
        }
    }
    for (int s = 0; s < sub.count; s++) {
        substep(d, n, first, lanes, layers, layer, sub.length_s, &sums);
    }
    double sum_degc[LANES] = {0.0}; /* of layers of mean size */
    for (int k = 0; k < layers; k++) {
        for (int j = 0; j < lanes; j++) {
            d->layer_degc[(size_t)k * n + first + (size_t)j] = layer[k][j];
            sum_degc[j] += size_of(layers, k) * layer[k][j];
        }
    }
    const double per_step = 1.0 / (sub.count * sub.length_s);
    for (int j = 0; j < lanes; j++) {
        const size_t i = first + (size_t)j;
        d->power_w[i] = (sums.heated_j[j] + sums.electric_j[j]) * per_step;
        d->heat_ambient_w[i] = (sums.pumped_j[j] - sums.electric_j[j]) * per_step;
        d->temperature_outlet_degc[i] = layer[0][j];
        d->temperature_delivered_degc[i] = least(layer[0][j], d->temperature_tap_degc[i]);
        d->temperature_mean_degc[i] = sum_degc[j] / layers;
        d->heat_delivered_w[i] = sums.delivered_j[j] * per_step;
        d->heat_unmet_w[i] = sums.unmet_j[j] * per_step;
        d->loss_w[i] = sums.lost_j[j] * per_step;
    }
}

/* Volume and conductances of a layer, worked out once, when the parameters are known. */
typedef struct {
    double volume_l;           /* of a layer of mean size */
    double side_w_per_k;       /* heat loss through its side */
    double end_w_per_k;        /* heat loss through top or bottom of the tank */
    double conduction_w_per_k; /* to the next layer */
} Layer;

static Layer layer_of(const Devices *d, size_t i)
{
    const double layers = d->nodes[i];
    const double height_m = d->height_m[i];
    const double end_m2 = d->volume_l[i] / LITRES_PER_M3 / height_m;
    const double side_m2 = 2.0 * height_m * sqrt(PI * end_m2); /* circumference of a disc of area A: 2 sqrt(pi A) */
    const double loss_w_m2_k = d->ua_w_per_k[i] / (side_m2 + 2.0 * end_m2);
    Layer layer;
    layer.volume_l = d->volume_l[i] / layers;
    layer.side_w_per_k = loss_w_m2_k * side_m2 / layers;
    layer.end_w_per_k = loss_w_m2_k * end_m2;
    layer.conduction_w_per_k = WATER_CONDUCTIVITY_W_M_K * end_m2 * layers / height_m;
    return layer;
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    for (size_t i = 0; i < n; i++) {
        if (d->nodes[i] != floor(d->nodes[i])) {
            *violation = (Violation){"nodes", i, "must be a whole number"};
            return false;
        }
        const Layer layer = layer_of(d, i);
        const double ends_w_per_k = 2.0 * (layer.end_w_per_k + layer.conduction_w_per_k);
        const double rate_w_per_k = layer.side_w_per_k + ends_w_per_k / size_of((int)d->nodes[i], 0);
        if (rate_w_per_k * LONGEST_SUBSTEP_S > layer.volume_l * WATER_J_PER_L_K) {
            *violation = (Violation){"volume_l", i, "too small for its heat loss and number of nodes"};
            return false;
        }
    }
    return true;
}

/* Share of the condenser's heat above a depth of 0 (top) to 1 (bottom). */
static double condenser_above(double depth)
{
    double sum = 0.0;
    for (int k = 0; k < MAX_LAYERS; k++) {
        sum += CONDENSER_SHARE[k] * clamp(depth * MAX_LAYERS - k, 0.0, 1.0);
    }
    return sum;
}

void model_start(const Devices *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Layer layer = layer_of(d, i);
        d->layer_volume_l[i] = layer.volume_l;
        d->side_w_per_k[i] = layer.side_w_per_k;
        d->end_w_per_k[i] = layer.end_w_per_k;
        d->conduction_w_per_k[i] = layer.conduction_w_per_k;
        double top = 0.0;
        for (int k = 0; k < MAX_LAYERS; k++) {
            const double bottom = top + size_of((int)d->nodes[i], k) / d->nodes[i];
            d->layer_degc[(size_t)k * n + i] = d->temperature_start_degc[i];
            d->condenser_share[(size_t)k * n + i] = condenser_above(bottom) - condenser_above(top);
            top = bottom;
        }
        d->power_w[i] = 0.0;
        d->temperature_outlet_degc[i] = d->temperature_start_degc[i];
        d->temperature_mean_degc[i] = d->temperature_start_degc[i];
        d->temperature_delivered_degc[i] = least(d->temperature_start_degc[i], d->temperature_tap_degc[i]);
        d->heat_delivered_w[i] = 0.0;
        d->heat_unmet_w[i] = 0.0;
        d->heat_ambient_w[i] = 0.0;
        d->loss_w[i] = 0.0;
        d->legionella_active[i] = 0.0;
        d->legionella_age_s[i] = 0.0;
        d->legionella_held_s[i] = 0.0;
        d->upper_on[i] = 0.0;
        d->lower_on[i] = 0.0;
        d->heat_pump_on[i] = 0.0;
        d->heat_pump_time_s[i] = d->heat_pump_minimum_on_s[i];
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    size_t first = 0;
    while (first < n) {
        const int layers = (int)d->nodes[first];
        int lanes = 1;
        while (lanes < LANES && first + (size_t)lanes < n && (int)d->nodes[first + (size_t)lanes] == layers) {
            lanes++;
        }
        if (lanes == LANES && layers == MAX_LAYERS) {
            step_tanks(d, n, first, LANES, MAX_LAYERS, sub); /* the usual tank: loops of constant length */
        } else {
            step_tanks(d, n, first, lanes, layers, sub);
        }
        first += (size_t)lanes;
    }
}
