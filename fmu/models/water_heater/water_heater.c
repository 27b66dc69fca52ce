/* Storage water heater with a stratified tank of equal layers, top first.
 *
 * For each layer:  C dT/dt = UA_layer (T_room - T) + (k A / dz) (neighbours - T) + Q_element
 * Draws push the tank up as a plug: mains water enters at the bottom, the top layer leaves. Where a layer is hotter
 * than the one above, both mix (EnergyPlus Engineering Reference). Taps mix down to temperature_tap_degc.
 * An element stops within a sub-step, when the water it heats has reached the setpoint, so that neither a small tank
 * nor a long step overshoots.
 */
#include "fleet.h"
#include "physics.h"

enum { MAX_LAYERS = 12 };

static const double WATER_J_PER_L_K = 4183.0;          /* rho c_p */
static const double WATER_CONDUCTIVITY_W_M_K = 0.6406; /* at 50 degC */
static const double LITRES_PER_M3 = 1000.0;
static const double PI = 3.141592653589793;

/* Where elements and their thermostats sit, from the top: layers 3 and 10 of 12 (OCHRE). */
static const double UPPER_ELEMENT_DEPTH = 2.5 / 12.0;
static const double LOWER_ELEMENT_DEPTH = 9.5 / 12.0;

typedef struct {
    int layers;
    int upper;                   /* layer of the upper element, or -1 */
    int lower;                   /* layer of the lower element */
    double layer_l;
    double layer_j_per_k;
    double side_w_per_k;         /* heat loss through the side of a layer */
    double end_w_per_k;          /* heat loss through top or bottom */
    double conduction_w_per_k;   /* between neighbouring layers */
    double element_w;
} Tank;

/* The tank's geometry as conductances per layer; worked out once, when the parameters are known. */
static Tank tank_from_parameters(const Devices *d, size_t i)
{
    Tank tank;
    tank.layers = (int)d->nodes[i];
    tank.upper = d->upper_element[i] > 0.5 ? (int)(UPPER_ELEMENT_DEPTH * tank.layers) : -1;
    tank.lower = (int)(LOWER_ELEMENT_DEPTH * tank.layers);
    tank.layer_l = d->volume_l[i] / tank.layers;
    tank.layer_j_per_k = tank.layer_l * WATER_J_PER_L_K;
    const double height_m = d->height_m[i];
    const double end_m2 = d->volume_l[i] / LITRES_PER_M3 / height_m;
    const double side_m2 = 2.0 * height_m * sqrt(PI * end_m2); /* circumference of a disc of area A: 2 sqrt(pi A) */
    const double loss_w_m2_k = d->ua_w_per_k[i] / (side_m2 + 2.0 * end_m2);
    tank.side_w_per_k = loss_w_m2_k * side_m2 / tank.layers;
    tank.end_w_per_k = loss_w_m2_k * end_m2;
    tank.conduction_w_per_k = WATER_CONDUCTIVITY_W_M_K * end_m2 * tank.layers / height_m;
    tank.element_w = d->element_power_w[i];
    return tank;
}

/* The same tank, with its conductances as model_start has kept them. */
static Tank tank_of(const Devices *d, size_t i)
{
    Tank tank;
    tank.layers = (int)d->nodes[i];
    tank.upper = d->upper_element[i] > 0.5 ? (int)(UPPER_ELEMENT_DEPTH * tank.layers) : -1;
    tank.lower = (int)(LOWER_ELEMENT_DEPTH * tank.layers);
    tank.layer_l = d->layer_volume_l[i];
    tank.layer_j_per_k = tank.layer_l * WATER_J_PER_L_K;
    tank.side_w_per_k = d->side_w_per_k[i];
    tank.end_w_per_k = d->end_w_per_k[i];
    tank.conduction_w_per_k = d->conduction_w_per_k[i];
    tank.element_w = d->element_power_w[i];
    return tank;
}

/* Tap water from the tank for one sub-step; returns the heat taken [J], relative to mains water. */
static double draw(const Tank *tank, double layer[], double tapped_l, double mains_degc, double tap_degc)
{
    const int bottom = tank->layers - 1;
    double delivered_j = 0.0;
    while (tapped_l > 0.0) {
        double hot_share = 1.0; /* litres out of the tank per litre tapped */
        if (layer[0] > tap_degc) {
            hot_share = mains_degc < tap_degc ? (tap_degc - mains_degc) / (layer[0] - mains_degc) : 0.0;
        }
        double hot_l = tapped_l * hot_share;
        if (hot_l <= tank->layer_l) {
            tapped_l = 0.0;
        } else {
            hot_l = tank->layer_l;
            tapped_l -= hot_l / hot_share;
        }
        const double share = hot_l / tank->layer_l;
        delivered_j += share * tank->layer_j_per_k * (layer[0] - mains_degc);
        for (int k = 0; k < bottom; k++) {
            layer[k] += share * (layer[k + 1] - layer[k]);
        }
        layer[bottom] += share * (mains_degc - layer[bottom]);
    }
    return delivered_j;
}

/* Heat that an element can still give until all water at and above it has the setpoint [J]. */
static double room_below_setpoint_j(const Tank *tank, const double layer[], int element, double setpoint_degc)
{
    double missing_k = 0.0;
    for (int k = 0; k <= element; k++) {
        missing_k += most(setpoint_degc - layer[k], 0.0);
    }
    return missing_k * tank->layer_j_per_k;
}

/* Losses and conduction for one sub-step; returns the heat lost to the room [J]. */
static double exchange(const Tank *tank, double layer[], double room_degc, double sub_s)
{
    const int bottom = tank->layers - 1;
    const double sub_per_capacity = sub_s / tank->layer_j_per_k;
    const double top_w = tank->end_w_per_k * (layer[0] - room_degc);
    const double bottom_w = tank->end_w_per_k * (layer[bottom] - room_degc);
    double loss_w = top_w + bottom_w;
    double from_above_w = -top_w;
    for (int k = 0; k <= bottom; k++) {
        const double side_w = tank->side_w_per_k * (layer[k] - room_degc);
        const double to_below_w = k < bottom ? tank->conduction_w_per_k * (layer[k] - layer[k + 1]) : bottom_w;
        loss_w += side_w;
        layer[k] += (from_above_w - to_below_w - side_w) * sub_per_capacity;
        from_above_w = to_below_w;
    }
    return loss_w * sub_s;
}

/* Mix layers until none is hotter than the one above, keeping the heat. */
static void mix(int layers, double layer[])
{
    double sum[MAX_LAYERS];
    int count[MAX_LAYERS];
    int blocks = 0;
    for (int k = 0; k < layers; k++) {
        sum[blocks] = layer[k];
        count[blocks] = 1;
        blocks++;
        while (blocks > 1 && sum[blocks - 1] * count[blocks - 2] > sum[blocks - 2] * count[blocks - 1]) {
            sum[blocks - 2] += sum[blocks - 1];
            count[blocks - 2] += count[blocks - 1];
            blocks--;
        }
    }
    if (blocks == layers) {
        return;
    }
    int k = 0;
    for (int b = 0; b < blocks; b++) {
        const double mean = sum[b] / count[b];
        for (int j = 0; j < count[b]; j++) {
            layer[k] = mean;
            k++;
        }
    }
}

static bool thermostat(bool calls, double layer_degc, double setpoint_degc, double deadband_k)
{
    if (layer_degc < setpoint_degc - deadband_k) {
        return true;
    }
    return calls && layer_degc < setpoint_degc;
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    for (size_t i = 0; i < n; i++) {
        if (d->nodes[i] != floor(d->nodes[i])) {
            *violation = (Violation){"nodes", i, "must be a whole number"};
            return false;
        }
        const Tank tank = tank_from_parameters(d, i);
        const double rate_w_per_k = tank.side_w_per_k + 2.0 * tank.end_w_per_k + 2.0 * tank.conduction_w_per_k;
        if (rate_w_per_k * LONGEST_SUBSTEP_S > tank.layer_j_per_k) {
            *violation = (Violation){"volume_l", i, "too small for its heat loss and number of nodes"};
            return false;
        }
    }
    return true;
}

void model_start(const Devices *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Tank tank = tank_from_parameters(d, i);
        d->layer_volume_l[i] = tank.layer_l;
        d->side_w_per_k[i] = tank.side_w_per_k;
        d->end_w_per_k[i] = tank.end_w_per_k;
        d->conduction_w_per_k[i] = tank.conduction_w_per_k;
        for (int k = 0; k < MAX_LAYERS; k++) {
            d->layer_degc[(size_t)k * n + i] = d->temperature_start_degc[i];
        }
        d->power_w[i] = 0.0;
        d->temperature_outlet_degc[i] = d->temperature_start_degc[i];
        d->temperature_mean_degc[i] = d->temperature_start_degc[i];
        d->heat_delivered_w[i] = 0.0;
        d->loss_w[i] = 0.0;
        d->upper_on[i] = 0.0;
        d->lower_on[i] = 0.0;
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    for (size_t i = 0; i < n; i++) {
        const Tank tank = tank_of(d, i);
        const double setpoint_degc = d->setpoint_degc[i];
        const double deadband_k = d->deadband_k[i];
        const double tapped_l = d->draw_l_min[i] / SECONDS_PER_MINUTE * sub.length_s;
        const bool enabled = d->enabled[i] > 0.5;
        bool upper_on = d->upper_on[i] > 0.5;
        bool lower_on = d->lower_on[i] > 0.5;
        double layer[MAX_LAYERS];
        for (int k = 0; k < tank.layers; k++) {
            layer[k] = d->layer_degc[(size_t)k * n + i];
        }
        double heated_j = 0.0;
        double delivered_j = 0.0;
        double lost_j = 0.0;
        for (int s = 0; s < sub.count; s++) {
            upper_on = tank.upper >= 0 && thermostat(upper_on, layer[tank.upper], setpoint_degc, deadband_k);
            lower_on = thermostat(lower_on, layer[tank.lower], setpoint_degc, deadband_k);
            delivered_j += draw(&tank, layer, tapped_l, d->temperature_mains_degc[i], d->temperature_tap_degc[i]);
            lost_j += exchange(&tank, layer, d->temperature_ambient_degc[i], sub.length_s);
            if (enabled && (upper_on || lower_on)) {
                const int element = upper_on ? tank.upper : tank.lower;
                const double wanted_j = tank.element_w * sub.length_s;
                const double room_j = room_below_setpoint_j(&tank, layer, element, setpoint_degc);
                const double heat_j = least(wanted_j, room_j);
                layer[element] += heat_j / tank.layer_j_per_k;
                heated_j += heat_j;
                if (wanted_j >= room_j) { /* satisfied within the sub-step */
                    upper_on = false;
                    lower_on = lower_on && element != tank.lower;
                }
            }
            mix(tank.layers, layer);
        }
        double sum_degc = 0.0;
        for (int k = 0; k < tank.layers; k++) {
            d->layer_degc[(size_t)k * n + i] = layer[k];
            sum_degc += layer[k];
        }
        d->upper_on[i] = upper_on ? 1.0 : 0.0;
        d->lower_on[i] = lower_on ? 1.0 : 0.0;
        d->power_w[i] = heated_j / step_s;
        d->temperature_outlet_degc[i] = layer[0];
        d->temperature_mean_degc[i] = sum_degc / tank.layers;
        d->heat_delivered_w[i] = delivered_j / step_s;
        d->loss_w[i] = lost_j / step_s;
    }
}
