/* Thermostats, the heat pump's control and the legionella cycle. Part of water_heater.c, which includes it where its
 * constants are known; apart only to be read apart.
 */
#ifndef CONTROL_H
#define CONTROL_H

/* Room air in which the heat pump works. */
static const double HEAT_PUMP_ROOM_MIN_DEGC = 7.222;
static const double HEAT_PUMP_ROOM_MAX_DEGC = 43.333;

/* Thermostat of the heat pump type. */
static const double UPPER_WEIGHT = 0.75;
static const double UPPER_ELEMENT_HELPS_BELOW_K = 13.0;
static const double LOWER_ELEMENT_HELPS_BELOW_K = 15.0;
static const double UPPER_STOPS_ABOVE_K = 1.0;

static const double LEGIONELLA_DEADBAND_K = 0.5;

static inline double thermostat(double calls, double water_degc, double setpoint_degc, double deadband_k)
{
    const double going_on = choose(water_degc < setpoint_degc, calls, 0.0);
    return choose(water_degc < setpoint_degc - deadband_k, 1.0, going_on);
}

typedef struct {
    double upper_on;
    double lower_on;
} Elements;

/* The elements' own thermostats; the lower feels its layer and the one above (OCHRE), if the tank has that many. */
static inline Elements control_elements(const Devices *d, size_t n, size_t i, int layers, double setpoint_degc,
                                        double deadband_k)
{
    const int lower = lower_layer(layers);
    const double upper_degc = layer_degc(d, n, i, upper_layer(layers));
    const double own_degc = layer_degc(d, n, i, lower);
    const double lower_degc = layers > 2 ? 0.5 * (own_degc + layer_degc(d, n, i, lower - 1)) : own_degc;
    const double upper_on = thermostat(d->upper_on[i], upper_degc, setpoint_degc, deadband_k);
    const double lower_on = thermostat(d->lower_on[i], lower_degc, setpoint_degc, deadband_k);
    return (Elements){choose(d->upper_element[i] > 0.5, upper_on, 0.0), lower_on};
}

/* Heat pump first; the elements help only far below the setpoint. */
static void control_heat_pump(const Devices *d, size_t n, size_t i, int layers, double setpoint_degc, double sub_s)
{
    const double upper_degc = layer_degc(d, n, i, upper_layer(layers));
    const double lower_degc = layer_degc(d, n, i, lower_layer(layers));
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

/* Whether a legionella cycle is due. */
static bool legionella(const Devices *d, size_t n, size_t i, int layers, double sub_s)
{
    const double tolerance_k = 1.0;
    d->legionella_age_s[i] += sub_s;
    bool due = d->legionella_age_s[i] >= d->legionella_interval_s[i];
    if (due && layer_degc(d, n, i, lower_layer(layers)) >= d->legionella_degc[i] - tolerance_k) {
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

/* Controls of a tank with a heat pump or a legionella cycle; returns the setpoint. */
static double control(const Devices *d, size_t n, size_t i, int layers, double sub_s)
{
    const double room_degc = d->temperature_ambient_degc[i];
    const bool pumps = d->heat_pump[i] > 0.5;
    double setpoint_degc = setpoint_of(d, i);
    double deadband_k = d->deadband_k[i];
    bool cycle = false;
    if (d->legionella_interval_s[i] > 0.0 && legionella(d, n, i, layers, sub_s)) {
        cycle = true;
        setpoint_degc = most(setpoint_degc, d->legionella_degc[i]);
        deadband_k = least(deadband_k, LEGIONELLA_DEADBAND_K);
    }
    if (pumps && !cycle && room_degc >= HEAT_PUMP_ROOM_MIN_DEGC && room_degc <= HEAT_PUMP_ROOM_MAX_DEGC) {
        control_heat_pump(d, n, i, layers, setpoint_degc, sub_s);
    } else {
        const Elements elements = control_elements(d, n, i, layers, setpoint_degc, deadband_k);
        d->upper_on[i] = elements.upper_on;
        d->lower_on[i] = elements.lower_on;
        d->heat_pump_on[i] = 0.0;
    }
    return setpoint_degc;
}

#endif
