/* The inverter's reactive power by voltage and by power. Part of pv_inverter.c, which includes it where its constants and
 * responses are known; apart only to be read apart.
 */
#ifndef REACTIVE_H
#define REACTIVE_H

/* ---- reactive power ---- */

static double volt_var_target_pu(const Devices *d, size_t i)
{
    const double v = d->voltage_pu[i];
    if (v < d->volt_var_v3_pu[i]) {
        return ramp(v, d->volt_var_v1_pu[i], -d->volt_var_injection_pu[i], d->volt_var_v2_pu[i], 0.0);
    }
    return ramp(v, d->volt_var_v3_pu[i], 0.0, d->volt_var_v4_pu[i], d->volt_var_absorption_pu[i]);
}

static double watt_var_target_pu(const Devices *d, size_t i, double p)
{
    const double p2 = d->watt_var_p2_pu[i];
    if (p < p2) {
        return ramp(p, d->watt_var_p1_pu[i], d->watt_var_q1_pu[i], p2, d->watt_var_q2_pu[i]);
    }
    return ramp(p, p2, d->watt_var_q2_pu[i], d->watt_var_p3_pu[i], d->watt_var_q3_pu[i]);
}

/* Active power, per unit of apparent, where the line from (p1, q1) to (p2, q2) leaves the circle of the rating. */
static double on_the_rating_pu(double p1, double q1, double p2, double q2)
{
    const double slope = (q2 - q1) / (p2 - p1);
    const double offset = q1 - slope * p1;
    const double square = 1.0 + slope * slope;
    return (sqrt(most(square - offset * offset, 0.0)) - slope * offset) / square;
}

/* Largest active power, per unit of apparent, whose own reactive power on the watt-var curve fits into the rating. */
static double watt_var_power_max_pu(const Devices *d, size_t i)
{
    const double share = d->active_power_max_pu[i];
    const double p2 = d->watt_var_p2_pu[i] * share, q2 = d->watt_var_q2_pu[i];
    const double p3 = d->watt_var_p3_pu[i] * share, q3 = d->watt_var_q3_pu[i];
    const double beyond = sqrt(1.0 - q3 * q3);
    if (beyond >= p3) {
        return beyond;
    }
    const double upper = on_the_rating_pu(p2, q2, p3, q3);
    return upper >= p2 ? upper : on_the_rating_pu(d->watt_var_p1_pu[i] * share, d->watt_var_q1_pu[i], p2, q2);
}

#endif
