/* The inverter's droop by frequency, and how protection and droop are noticed. Part of pv_inverter.c, which includes it
 * where its constants and responses are known; apart only to be read apart.
 */
#ifndef DROOP_H
#define DROOP_H

/* A droop closer to normal than this has ended. */
static const double DROOP_ENDED_PU = 1e-3;
static const double DROOP_IDLE = 0.0, DROOP_OVER = 1.0, DROOP_UNDER = -1.0, DROOP_RETURNING = 2.0;

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
static double through_droop_pu(const Devices *d, size_t i, double change_pu, double normal_pu, double available_pu,
                               Lag lag)
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
    const Response power = respond(d->droop_power_pu[i], target_pu, d->frequency_response_s[i], lag);
    const bool ended = asked == DROOP_RETURNING && fabs(power.end - target_pu) < DROOP_ENDED_PU;
    d->droop_power_pu[i] = power.end;
    d->droop_phase[i] = ended ? DROOP_IDLE : asked;
    return least(power.mean, normal_pu);
}

/* Active power of a device in which the droop may have a say. */
static double droop_pu(const Devices *d, size_t i, const Block *b, size_t j, Lag lag)
{
    const double normal_pu = b->normal_pu[j];
    if (d->frequency_droop_on[i] <= 0.5) {
        return normal_pu;
    }
    const double change_pu = droop_change_pu(d, i);
    d->delivered_pu[i] = d->started[i] == 0.0 ? normal_pu : d->delivered_pu[i];
    if (d->in_service[i] > 0.5 || b->share[j] > 0.0) {
        return through_droop_pu(d, i, change_pu, normal_pu, b->available_pu[j], lag);
    }
    d->droop_phase[i] = change_pu == 0.0 ? DROOP_IDLE : d->droop_phase[i];
    return normal_pu;
}

#endif
