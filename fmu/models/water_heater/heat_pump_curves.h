/* Capacity and COP of the water heater's heat pump over room and water temperature. Part of water_heater.c. */
#ifndef HEAT_PUMP_CURVES_H
#define HEAT_PUMP_CURVES_H

typedef struct {
    double a, b, c, d, e, f;
} Biquadratic;

/* x wet bulb of the room, y water at the condenser. */
static const Biquadratic HEAT_PUMP_CAPACITY = {0.563, 0.0437, 0.000039, 0.0055, -0.000148, -0.000145};
static const Biquadratic HEAT_PUMP_COP = {1.1332, 0.063, -0.0000979, -0.00972, -0.0000214, -0.000686};

static inline double curve(Biquadratic k, double x, double y)
{
    return k.a + k.b * x + k.c * x * x + k.d * y + k.e * y * y + k.f * x * y;
}

#endif
