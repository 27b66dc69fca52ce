/* The inverter's protection: trips and enter service. Part of pv_inverter.c, which includes it where its constants and
 * responses are known; apart only to be read apart.
 */
#ifndef PROTECTION_H
#define PROTECTION_H

/* ---- protection: trips and enter service (IEEE 1547-2018 clauses 4.10, 6.4.1, 6.5.1) ---- */

typedef struct {
    double share; /* of the sub-step during which the inverter is connected */
    double level; /* mean of the enter service ramp, 1 in normal service */
} Service;

static double delay_left_s(double delay_s, double passed_s, double length_s)
{
    return most(delay_s - least(CONTROL_CYCLE_S, length_s) - passed_s, 0.0);
}

/* Count the time beyond one pair of limits, positive above and negative below; returns the time left before a trip. */
static double trip_in_s(double *timer_s, double value, double low, double low_s, double high, double high_s,
                        double length_s)
{
    double left_s = length_s;
    if (value > high) {
        *timer_s = most(*timer_s, 0.0);
        left_s = delay_left_s(high_s, *timer_s, length_s);
        *timer_s += length_s;
    } else if (value < low) {
        *timer_s = least(*timer_s, 0.0);
        left_s = delay_left_s(low_s, -*timer_s, length_s);
        *timer_s -= length_s;
    } else {
        *timer_s = 0.0;
    }
    return left_s;
}

static double time_to_trip_s(const Devices *d, size_t i, double length_s)
{
    const double v = d->voltage_pu[i];
    const double f = d->frequency_hz[i];
    const double v1_s = trip_in_s(&d->trip_voltage_1_s[i], v, d->trip_uv1_pu[i], d->trip_uv1_delay_s[i],
                                  d->trip_ov1_pu[i], d->trip_ov1_delay_s[i], length_s);
    const double v2_s = trip_in_s(&d->trip_voltage_2_s[i], v, d->trip_uv2_pu[i], d->trip_uv2_delay_s[i],
                                  d->trip_ov2_pu[i], d->trip_ov2_delay_s[i], length_s);
    const double f1_s = trip_in_s(&d->trip_frequency_1_s[i], f, d->trip_uf1_hz[i], d->trip_uf1_delay_s[i],
                                  d->trip_of1_hz[i], d->trip_of1_delay_s[i], length_s);
    const double f2_s = trip_in_s(&d->trip_frequency_2_s[i], f, d->trip_uf2_hz[i], d->trip_uf2_delay_s[i],
                                  d->trip_of2_hz[i], d->trip_of2_delay_s[i], length_s);
    return d->permit_service[i] > 0.5 ? least(least(v1_s, v2_s), least(f1_s, f2_s)) : 0.0;
}

/* Integral over time of the enter service ramp, from its begin to clock_s. */
static double ramp_integral_s(double clock_s, double ramp_s)
{
    return clock_s < ramp_s ? 0.5 * clock_s * clock_s / ramp_s : clock_s - 0.5 * ramp_s;
}

/* True when nothing keeps or takes the inverter out of service. */
static bool undisturbed(const Devices *d, size_t i)
{
    const double v = d->voltage_pu[i];
    const double f = d->frequency_hz[i];
    return d->disturbed[i] == 0.0 && v >= d->trip_uv1_pu[i] && v <= d->trip_ov1_pu[i]
           && v > d->momentary_cessation_low_pu[i] && v <= d->momentary_cessation_high_pu[i] && f >= d->trip_uf1_hz[i]
           && f <= d->trip_of1_hz[i] && d->permit_service[i] > 0.5;
}

/* One sub-step of a device that may be disturbed: beyond a limit, waiting, or ramping up. */
static Service protect(const Devices *d, size_t i, double length_s)
{
    if (undisturbed(d, i)) {
        return (Service){1.0, 1.0};
    }
    const double v = d->voltage_pu[i];
    const double f = d->frequency_hz[i];
    const double ramp_s = d->enter_service_ramp_s[i];
    const double trip_s = time_to_trip_s(d, i, length_s);
    Service service = {0.0, 0.0};
    double begins_s = 0.0; /* in this sub-step */
    if (d->in_service[i] < 0.5) {
        const bool inside = v >= d->enter_service_low_pu[i] && v <= d->enter_service_high_pu[i]
                            && f >= d->enter_service_low_hz[i] && f <= d->enter_service_high_hz[i]
                            && d->permit_service[i] > 0.5;
        begins_s = delay_left_s(d->enter_service_delay_s[i], d->service_clock_s[i], length_s);
        d->service_clock_s[i] = inside ? d->service_clock_s[i] + length_s : 0.0;
        if (!inside || begins_s >= length_s - ROUNDING_S) {
            return service;
        }
        d->in_service[i] = 1.0;
        d->service_clock_s[i] = 0.0;
    }
    const double before_s = d->service_clock_s[i];
    const double after_s = before_s + length_s - begins_s;
    d->service_clock_s[i] = least(after_s, ramp_s);
    service.level = (ramp_integral_s(after_s, ramp_s) - ramp_integral_s(before_s, ramp_s)) / length_s;
    service.share = 1.0;
    if (trip_s < length_s - ROUNDING_S) {
        service.share = trip_s / length_s;
        d->in_service[i] = 0.0;
        d->service_clock_s[i] = 0.0;
    }
    const bool beyond = v <= d->momentary_cessation_low_pu[i] || v > d->momentary_cessation_high_pu[i];
    service.share = beyond && d->momentary_cessation_on[i] > 0.5 ? 0.0 : service.share;
    d->disturbed[i] = d->trip_voltage_1_s[i] != 0.0 || d->trip_voltage_2_s[i] != 0.0 || d->trip_frequency_1_s[i] != 0.0
                      || d->trip_frequency_2_s[i] != 0.0 || d->in_service[i] < 0.5 || after_s < ramp_s;
    return service;
}

/* After a trip reactive power begins from zero and active power without a limit. */
static void forget_responses(const Devices *d, size_t i)
{
    d->volt_watt_pu[i] = 1.0;
    d->reactive_wanted_pu[i] = 0.0;
    d->droop_power_pu[i] = 0.0;
}

/* Voltages and frequencies between which nothing trips, ceases or droops, worked out once: one look at these and at the
 * few states tells whether a device needs attention. */
static void start_protection(const Devices *d, size_t i)
{
    const bool droops = d->frequency_droop_on[i] > 0.5;
    const double droop_low_hz = d->frequency_nominal_hz[i] - d->frequency_deadband_under_hz[i];
    const double droop_high_hz = d->frequency_nominal_hz[i] + d->frequency_deadband_hz[i];
    const double above_cessation_pu = nextafter(d->momentary_cessation_low_pu[i], INFINITY); /* at it, it ceases */
    d->calm_low_pu[i] = most(d->trip_uv1_pu[i], above_cessation_pu);
    d->calm_high_pu[i] = least(d->trip_ov1_pu[i], d->momentary_cessation_high_pu[i]);
    d->calm_low_hz[i] = droops ? most(d->trip_uf1_hz[i], droop_low_hz) : d->trip_uf1_hz[i];
    d->calm_high_hz[i] = droops ? least(d->trip_of1_hz[i], droop_high_hz) : d->trip_of1_hz[i];
}

/* Marks the devices that protection and droop have to be asked about; false when there are none. */
static bool find_attention(const Devices *d, size_t begin, size_t end, Block *b)
{
    int64_t found = 0;
    ACROSS_DEVICES
    for (size_t i = begin; i < end; i++) {
        const double v = d->voltage_pu[i];
        const double f = d->frequency_hz[i];
        const bool inside = (v >= d->calm_low_pu[i]) & (v <= d->calm_high_pu[i]) & (f >= d->calm_low_hz[i])
                            & (f <= d->calm_high_hz[i]);
        const bool quiet = (d->disturbed[i] == 0.0) & (d->droop_phase[i] == 0.0) & (d->permit_service[i] > 0.5);
        const bool calm = inside & quiet;
        b->attention[i - begin] = choose(calm, 0.0, 1.0);
        b->level[i - begin] = 1.0;
        b->share[i - begin] = 1.0;
        found |= calm ? 0 : 1;
    }
    return found != 0;
}

#endif
