/* Heat from elements and heat pump. Part of water_heater.c, which includes it where its constants are known; apart only to
 * be read apart.
 */
#ifndef HEATING_H
#define HEATING_H

#include "heat_pump_curves.h"

/* A thermostat acts at the start of a sub-step; until the next the water may get this much hotter than the setpoint. */
static const double OVERSHOOT_K = 2.0;

/* Heat from an element for one sub-step, no more than all water at and above it can take [J]. */
static inline double run_element(const Devices *d, size_t i, int layers, Tanks *t, size_t j, double sub_s)
{
    const int upper_k = upper_layer(layers);
    const int lower_k = lower_layer(layers);
    const bool upper = d->upper_on[i] > 0.5;
    const bool on = (upper | (d->lower_on[i] > 0.5)) & (d->enabled[i] > 0.5);
    const double limit_degc = t->setpoint_degc[j] + OVERSHOOT_K;
    const double mean_j_per_k = d->layer_volume_l[i] * WATER_J_PER_L_K;
    double room_k = 0.0; /* of layers of mean size */
    double upper_room_k = 0.0;
    for (int k = 0; k <= lower_k; k++) {
        room_k += most(limit_degc - t->layer_degc[k][j], 0.0) * size_of(layers, k);
        upper_room_k = k == upper_k ? room_k : upper_room_k;
    }
    const double room_j = choose(upper, upper_room_k, room_k) * mean_j_per_k;
    const double heat_j = choose(on, least(d->element_power_w[i] * sub_s, room_j), 0.0);
    const double warms_k = heat_j / mean_j_per_k;
    t->layer_degc[upper_k][j] += choose(upper, warms_k / size_of(layers, upper_k), 0.0);
    t->layer_degc[lower_k][j] += choose(upper, 0.0, warms_k / size_of(layers, lower_k));
    return heat_j;
}

typedef struct {
    double heat_j;
    double electric_j;
} Pumped;

/* Heat from the condenser for one sub-step, no layer above the limit. What it can do depends on the water at the start
 * of the sub-step. */
static Pumped run_heat_pump(const Devices *d, size_t n, size_t i, int layers, Tanks *t, size_t j, double sub_s)
{
    const double limit_degc = t->setpoint_degc[j] + OVERSHOOT_K;
    const double mean_j_per_k = d->layer_volume_l[i] * WATER_J_PER_L_K;
    double condenser_degc = 0.0;
    for (int k = 0; k < layers; k++) {
        condenser_degc += d->condenser_share[(size_t)k * n + i] * layer_degc(d, n, i, k);
    }
    const double wet_bulb_degc = clamp(d->temperature_wet_bulb_degc[i], 0.0, HEAT_PUMP_ROOM_MAX_DEGC);
    const double factor = most(curve(HEAT_PUMP_CAPACITY, wet_bulb_degc, condenser_degc), 0.0);
    const double cop = most(d->heat_pump_cop[i] * curve(HEAT_PUMP_COP, wet_bulb_degc, condenser_degc), 1.0);
    const double full_j = d->heat_pump_capacity_w[i] * factor * sub_s;
    double given_j = full_j;
    for (int k = 0; k < layers; k++) {
        const double share = d->condenser_share[(size_t)k * n + i];
        if (share > 0.0) {
            const double room_j = most(limit_degc - t->layer_degc[k][j], 0.0) * size_of(layers, k) * mean_j_per_k;
            given_j = least(given_j, room_j / share);
        }
    }
    for (int k = 0; k < layers; k++) {
        t->layer_degc[k][j] += d->condenser_share[(size_t)k * n + i] * given_j / (size_of(layers, k) * mean_j_per_k);
    }
    const double running = full_j > 0.0 ? given_j / full_j : 0.0;
    return (Pumped){given_j, given_j / cop + running * d->heat_pump_fan_w[i] * sub_s};
}

#endif
