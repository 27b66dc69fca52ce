/* The inverter's answers to the voltage, and its reactive power. Part of pv_inverter.c, which includes it where its constants and
 * responses are known; apart only to be read apart.
 */
#ifndef REACTIVE_H
#define REACTIVE_H

static inline double volt_watt_target_pu(const Devices *d, size_t i)
{
    return ramp(d->voltage_pu[i], d->volt_watt_v1_pu[i], 1.0, d->volt_watt_v2_pu[i], d->volt_watt_p2_pu[i]);
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

/* What follows from the parameters alone, worked out once. */
static void start_reactive(const Devices *d, size_t i)
{
    const double pf = d->power_factor[i];
    const double q_per_p = d->active_power_max_pu[i] * sqrt(1.0 - pf * pf) / pf;
    d->reactive_per_active[i] = d->power_factor_absorbing[i] > 0.5 ? q_per_p : -q_per_p;
    d->watt_var_active_max_pu[i] = watt_var_power_max_pu(d, i);
    d->reactive_response_s[i] = d->volt_var_on[i] > 0.5   ? d->volt_var_response_s[i]
                                : d->watt_var_on[i] > 0.5 ? d->watt_var_response_s[i]
                                                          : d->power_factor_response_s[i];
}

/* What volt-var, watt-var or constant power factor ask for, after the response time. Both curves are two ramps; all
 * devices go through one ramp, that with the points of their own curve and side. */
static inline double reactive_wanted_pu(const Devices *d, size_t i, double p, Lag lag)
{
    const bool volt_var = d->volt_var_on[i] > 0.5;
    const bool watt_var = d->watt_var_on[i] > 0.5;
    const double v = d->voltage_pu[i];
    const double v3 = d->volt_var_v3_pu[i];
    const double p2 = d->watt_var_p2_pu[i];
    const double q2 = d->watt_var_q2_pu[i];
    const bool raised = v >= v3;
    const bool strong = p >= p2;
    const double vx1 = choose(raised, v3, d->volt_var_v1_pu[i]);
    const double vy1 = choose(raised, 0.0, -d->volt_var_injection_pu[i]);
    const double vx2 = choose(raised, d->volt_var_v4_pu[i], d->volt_var_v2_pu[i]);
    const double vy2 = choose(raised, d->volt_var_absorption_pu[i], 0.0);
    const double px1 = choose(strong, p2, d->watt_var_p1_pu[i]);
    const double py1 = choose(strong, q2, d->watt_var_q1_pu[i]);
    const double px2 = choose(strong, d->watt_var_p3_pu[i], p2);
    const double py2 = choose(strong, d->watt_var_q3_pu[i], q2);
    const double by_curve = ramp(choose(volt_var, v, p), choose(volt_var, vx1, px1), choose(volt_var, vy1, py1),
                                 choose(volt_var, vx2, px2), choose(volt_var, vy2, py2));
    const double target = choose(volt_var | watt_var, by_curve, d->reactive_per_active[i] * p);
    const Response wanted = respond(d->reactive_wanted_pu[i], target, d->reactive_response_s[i], lag);
    d->reactive_wanted_pu[i] = wanted.end;
    return wanted.mean;
}

/* IEEE 1547-2018 table 7: share of the reactive capability that must be there at an active power. */
static inline double capability(double p)
{
    const double partly = ramp(p, CAPABILITY_FROM_PU, CAPABILITY_SHARE_FROM, CAPABILITY_FULL_FROM_PU, 1.0);
    return choose(p < CAPABILITY_FROM_PU, 0.0, partly);
}

typedef struct {
    double p;
    double q;
} Power;

/* Active and reactive power that fit together into capability, rating and largest current. */
static inline Power fit(const Devices *d, size_t i, double wanted_p, double wanted_q)
{
    const double share = d->active_power_max_pu[i]; /* p share and q are both per unit of apparent power */
    const bool volt_var = d->volt_var_on[i] > 0.5;
    const bool watt_var = d->watt_var_on[i] > 0.5;
    const double apparent = sqrt(wanted_p * share * wanted_p * share + wanted_q * wanted_q);
    const bool over = (apparent > 1.0) & !volt_var; /* volt-var itself leaves the rest to active power, below */
    const double met_p = least(wanted_p * share, d->watt_var_active_max_pu[i]); /* on the watt-var curve they meet */
    const double room = sqrt(most(1.0 - met_p * met_p, 0.0));
    const double scale = choose(over, 1.0 / apparent, 1.0); /* a constant power factor stays */
    const double scaled_p = choose(over & watt_var, met_p / share, wanted_p * scale);
    const double scaled_q = choose(over & watt_var, clamp(wanted_q, -room, room), wanted_q * scale);

    const double capable = capability(wanted_p);
    const double q
        = clamp(scaled_q, -capable * d->reactive_injection_max_pu[i], capable * d->reactive_absorption_max_pu[i]);
    const double p = choose(q == scaled_q, scaled_p, wanted_p); /* where capability ends first, p has its room */
    const double apparent_max = least(d->current_max_pu[i] * d->voltage_pu[i], 1.0);
    const double fitting_q = clamp(q, -apparent_max, apparent_max);
    const double room_p = sqrt(most(apparent_max * apparent_max - fitting_q * fitting_q, 0.0)) / share;
    return (Power){least(p, room_p), fitting_q};
}

#endif
