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

/* Inlined wherever it is called: twice, once with a number of layers that the compiler knows. */
#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

/* Before a loop over the layers of a device: written out, so that the loop over devices around it has no other inside. */
#if defined(__clang__)
#define ACROSS_LAYERS _Pragma("clang loop unroll_count(12)")
#elif defined(__GNUC__)
#define ACROSS_LAYERS _Pragma("GCC unroll 12")
#else
#define ACROSS_LAYERS
#endif

/* Devices go through a sub-step in blocks of this many, whose temperatures stay in the nearest cache. */
enum { TANKS = 64 };

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

/* Temperature of a layer at the start of the present sub-step. */
static inline double layer_degc(const Devices *d, size_t n, size_t i, int layer)
{
    return d->layer_degc[(size_t)layer * n + i];
}

/* The setpoint outside of a legionella cycle. */
static inline double setpoint_of(const Devices *d, size_t i)
{
    return clamp(d->setpoint_degc[i] + d->setpoint_offset_k[i], SETPOINT_MIN_DEGC, SETPOINT_MAX_DEGC);
}

/* What a block of tanks works with in a sub-step. */
typedef struct {
    double layer_degc[MAX_LAYERS][TANKS]; /* after draws and heat */
    double setpoint_degc[TANKS];
    double special[TANKS]; /* 1 for tanks with a heat pump or a legionella cycle */
    double left_l[TANKS];  /* still to be tapped */
    double inverted[TANKS]; /* 1 where the layers have to mix */
} Tanks;

#include "control.h"
#include "tank.h"
#include "heating.h"

/* ---- one sub-step of a block of tanks with the same number of layers ---- */

typedef struct {
    const Devices *d;
    size_t n; /* of the fleet, also from one layer to the next */
    size_t begin;
    size_t end;
    double length_s;
    double per_step; /* one over the length of the whole step */
} Part;

/* Controls of the tanks that have more than elements. */
static void control_special(const Part *p, int layers, Tanks *t)
{
    for (size_t i = p->begin; i < p->end; i++) {
        if (t->special[i - p->begin] > 0.0) {
            t->setpoint_degc[i - p->begin] = control(p->d, p->n, i, layers, p->length_s);
        }
    }
}

/* Heat pumps, and what their tanks take while they rest. */
static void heat_special(const Part *p, int layers, Tanks *t)
{
    const Devices *d = p->d;
    for (size_t i = p->begin; i < p->end; i++) {
        if (d->heat_pump[i] <= 0.5) {
            continue;
        }
        Pumped pumped = {0.0, d->heat_pump_standby_w[i] * p->length_s};
        if (d->heat_pump_on[i] > 0.5 && d->enabled[i] > 0.5) {
            pumped = run_heat_pump(d, p->n, i, layers, t, i - p->begin, p->length_s);
        }
        d->power_w[i] += pumped.electric_j * p->per_step;
        d->heat_ambient_w[i] += (pumped.heat_j - pumped.electric_j) * p->per_step;
    }
}

/* Mixing, one by one: most tanks do not mix in most sub-steps. */
static void mix_inverted(const Part *p, int layers, const Tanks *t)
{
    for (size_t i = p->begin; i < p->end; i++) {
        if (t->inverted[i - p->begin] > 0.0) {
            double layer[MAX_LAYERS];
            for (int k = 0; k < layers; k++) {
                layer[k] = layer_degc(p->d, p->n, i, k);
            }
            mix(layers, layer);
            for (int k = 0; k < layers; k++) {
                p->d->layer_degc[(size_t)k * p->n + i] = layer[k];
            }
        }
    }
}

/* Begin the sub-step of one tank with its elements' thermostats; true for a tank that has more than elements. */
static inline bool control_usual(const Part *p, size_t i, int layers, Tanks *t, size_t j)
{
    const Devices *d = p->d;
    const double setpoint_degc = setpoint_of(d, i);
    const bool special = (d->heat_pump[i] > 0.5) | (d->legionella_interval_s[i] > 0.0);
    const Elements elements = control_elements(d, p->n, i, layers, setpoint_degc, d->deadband_k[i]);
    d->upper_on[i] = choose(special, d->upper_on[i], elements.upper_on);
    d->lower_on[i] = choose(special, d->lower_on[i], elements.lower_on);
    for (int k = 0; k < layers; k++) {
        t->layer_degc[k][j] = layer_degc(d, p->n, i, k);
    }
    t->setpoint_degc[j] = setpoint_degc;
    t->special[j] = choose(special, 1.0, 0.0);
    return special;
}

/* Draw from all tanks of a block, top layer after top layer, until nothing is left to tap. */
INLINED void draw_all(const Part *p, int layers, Tanks *t, const double *flow_l_min, bool tempered)
{
    const Devices *d = p->d;
    const double minutes = p->length_s / SECONDS_PER_MINUTE;
    int64_t left = 0;
    for (size_t i = p->begin; i < p->end; i++) {
        t->left_l[i - p->begin] = flow_l_min[i] * minutes;
        left |= flow_l_min[i] > 0.0 ? 1 : 0;
    }
    while (left != 0) {
        left = 0;
        ACROSS_DEVICES
        for (size_t i = p->begin; i < p->end; i++) {
            const size_t j = i - p->begin;
            const double tap_degc = choose(tempered, d->temperature_tap_degc[i], UNTEMPERED_DEGC);
            const Drawn drawn = draw(d, i, layers, t, j, tap_degc);
            d->heat_delivered_w[i] += drawn.delivered_j * p->per_step;
            d->heat_unmet_w[i] += choose(tempered, drawn.unmet_j, 0.0) * p->per_step;
            left |= t->left_l[j] > 0.0 ? 1 : 0;
        }
    }
}

/* One sub-step of a block, part by part. */
INLINED void substep(const Part *p, int layers, Tanks *t)
{
    const Devices *d = p->d;
    int64_t special = 0;
    ACROSS_DEVICES
    for (size_t i = p->begin; i < p->end; i++) {
        special |= control_usual(p, i, layers, t, i - p->begin) ? 1 : 0;
    }
    if (special != 0) {
        control_special(p, layers, t);
    }
    draw_all(p, layers, t, d->draw_hot_l_min, false);
    draw_all(p, layers, t, d->draw_l_min, true);
    ACROSS_DEVICES
    for (size_t i = p->begin; i < p->end; i++) {
        d->power_w[i] += run_element(d, i, layers, t, i - p->begin, p->length_s) * p->per_step;
    }
    if (special != 0) {
        heat_special(p, layers, t);
    }
    int64_t inverted = 0;
    ACROSS_DEVICES
    for (size_t i = p->begin; i < p->end; i++) {
        d->loss_w[i] += exchange(d, p->n, i, layers, t, i - p->begin, p->length_s) * p->per_step;
        const bool mixes = is_inverted(d, p->n, i, layers);
        t->inverted[i - p->begin] = choose(mixes, 1.0, 0.0);
        inverted |= mixes ? 1 : 0;
    }
    if (inverted != 0) {
        mix_inverted(p, layers, t);
    }
}

/* A step of a block of tanks with the same number of layers. */
INLINED void step_block(const Devices *d, size_t n, size_t begin, size_t end, int layers, Substeps sub)
{
    Tanks tanks;
    const Part part = {d, n, begin, end, sub.length_s, 1.0 / (sub.count * sub.length_s)};
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        d->power_w[i] = 0.0;
        d->heat_ambient_w[i] = 0.0;
        d->heat_delivered_w[i] = 0.0;
        d->heat_unmet_w[i] = 0.0;
        d->loss_w[i] = 0.0;
    }
    for (int k = 0; k < sub.count; k++) {
        substep(&part, layers, &tanks);
    }
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        double sum_degc = 0.0; /* of layers of mean size */
        for (int k = 0; k < layers; k++) {
            sum_degc += size_of(layers, k) * layer_degc(d, n, i, k);
        }
        const double top_degc = layer_degc(d, n, i, 0);
        d->temperature_outlet_degc[i] = top_degc;
        d->temperature_delivered_degc[i] = least(top_degc, d->temperature_tap_degc[i]);
        d->temperature_mean_degc[i] = sum_degc * (1.0 / layers);
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

/* How many of the tanks from `begin` on can be stepped together: those of the usual kind, up to a block. */
static size_t usual_tanks(const Devices *d, size_t n, size_t begin)
{
    size_t end = begin;
    while (end < n && end < begin + TANKS && d->nodes[end] == MAX_LAYERS) {
        end++;
    }
    return end - begin;
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    for (size_t begin = 0; begin < n;) {
        const size_t usual = usual_tanks(d, n, begin);
        if (usual > 0) {
            step_block(d, n, begin, begin + usual, MAX_LAYERS, sub); /* loops over layers of constant length */
            begin += usual;
        } else {
            step_block(d, n, begin, begin + 1, (int)d->nodes[begin], sub);
            begin++;
        }
    }
}
