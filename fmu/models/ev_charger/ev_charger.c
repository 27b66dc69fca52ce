/* AC charging point with the vehicle it serves.
 *
 *   plugged:  d(soc E)/dt = eta P (charging),  P / eta (vehicle-to-home, P < 0)
 *   away:     d(soc E)/dt = -P_driving, as long as the battery holds it
 *   arrival:  soc becomes soc_on_arrival if that is given; the difference was charged (or used) elsewhere
 *
 * The charging point offers min(power_limit_w, power_max_w), rounded down to its current steps; an offer below
 * power_min_w is not possible (IEC 61851-1: 6 A) and pauses charging. The vehicle takes the offer or less: less near full
 * (taper, linear from taper_above_soc) and no more than fits. At departure the energy that is missing to soc_departure is
 * counted.
 */
#include "fleet.h"
#include "physics.h"

/* The taper ends at this share of the rated power, so that full is reached. */
static const double TAPERED_POWER_SHARE = 0.05;

/* Before the first step nobody knows whether the vehicle was plugged in: that step is no arrival and no departure. */
static const double UNKNOWN = -1.0;

static double offered_w(double limit_w, double power_min_w, double power_step_w)
{
    const double rounding = 1e-9;
    double offer_w = limit_w;
    if (power_step_w > 0.0) {
        offer_w = floor(limit_w / power_step_w + rounding) * power_step_w;
    }
    return offer_w < power_min_w ? 0.0 : offer_w;
}

static double taper_w(double power_max_w, double soc, double taper_above_soc)
{
    if (soc <= taper_above_soc) {
        return power_max_w;
    }
    return power_max_w * most((1.0 - soc) / (1.0 - taper_above_soc), TAPERED_POWER_SHARE);
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    (void)d, (void)n, (void)violation; /* no parameter depends on another */
    return true;
}

void model_start(const Devices *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d->power_w[i] = d->standby_w[i];
        d->soc[i] = d->soc_start[i];
        d->energy_stored_wh[i] = d->soc_start[i] * d->battery_capacity_wh[i];
        d->loss_wh[i] = 0.0;
        d->driving_energy_wh[i] = 0.0;
        d->driving_energy_unmet_wh[i] = 0.0;
        d->departure_energy_missing_wh[i] = 0.0;
        d->elsewhere_energy_wh[i] = 0.0;
        d->plugged_before[i] = UNKNOWN;
    }
}

static void depart(const Devices *d, size_t i)
{
    const double missing = most(d->soc_departure[i] - d->soc[i], 0.0);
    d->departure_energy_missing_wh[i] += missing * d->battery_capacity_wh[i];
}

static void arrive(const Devices *d, size_t i)
{
    if (d->soc_on_arrival[i] >= 0.0) {
        d->elsewhere_energy_wh[i] += (d->soc_on_arrival[i] - d->soc[i]) * d->battery_capacity_wh[i];
        d->soc[i] = d->soc_on_arrival[i];
    }
}

static void drive(const Devices *d, size_t i, double step_h)
{
    const double capacity_wh = d->battery_capacity_wh[i];
    const double wanted_wh = d->driving_power_w[i] * step_h;
    const double given_wh = least(wanted_wh, d->soc[i] * capacity_wh);
    d->soc[i] = most(d->soc[i] - given_wh / capacity_wh, 0.0);
    d->driving_energy_wh[i] += given_wh;
    d->driving_energy_unmet_wh[i] += wanted_wh - given_wh;
    d->power_w[i] = 0.0;
}

static void charge(const Devices *d, size_t i, Substeps sub)
{
    const double sub_h = sub.length_s / SECONDS_PER_HOUR;
    const double capacity_wh = d->battery_capacity_wh[i];
    const double soc_per_w = sub_h / capacity_wh; /* what one watt into the battery does in a sub-step */
    const double w_per_soc = capacity_wh / sub_h;
    const double efficiency = d->efficiency[i];
    const double limit_w = least(d->power_limit_w[i], d->power_max_w[i]);
    const double offer_w = offered_w(limit_w, d->power_min_w[i], d->power_step_w[i]);
    const double discharge_w = least(d->discharge_request_w[i], d->discharge_power_max_w[i]);
    double soc = d->soc[i];
    double ac_sum_w = 0.0;
    double loss_wh = 0.0;
    for (int k = 0; k < sub.count; k++) {
        double ac_w = 0.0;
        double battery_w = 0.0;
        if (discharge_w > 0.0) {
            const double held_w = most(soc - d->soc_home_min[i], 0.0) * w_per_soc;
            ac_w = -least(discharge_w, held_w * efficiency);
            battery_w = ac_w / efficiency;
        } else {
            const double room_w = most(d->soc_max[i] - soc, 0.0) * w_per_soc;
            ac_w = least(offer_w, taper_w(d->power_max_w[i], soc, d->taper_above_soc[i]));
            ac_w = least(ac_w, room_w / efficiency);
            battery_w = ac_w * efficiency;
        }
        soc += battery_w * soc_per_w;
        ac_sum_w += ac_w;
        loss_wh += (ac_w - battery_w) * sub_h;
    }
    d->soc[i] = clamp(soc, 0.0, 1.0);
    d->power_w[i] = ac_sum_w / sub.count;
    d->loss_wh[i] += loss_wh;
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const Substeps sub = substeps(step_s);
    const double step_h = step_s / SECONDS_PER_HOUR;
    for (size_t i = 0; i < n; i++) {
        const bool plugged = d->plugged[i] > 0.5;
        if (d->plugged_before[i] == 1.0 && !plugged) {
            depart(d, i);
        } else if (d->plugged_before[i] == 0.0 && plugged) {
            arrive(d, i);
        }
        if (plugged) {
            charge(d, i, sub);
        } else {
            drive(d, i, step_h);
        }
        d->plugged_before[i] = plugged ? 1.0 : 0.0;
        d->power_w[i] += d->standby_w[i];
        d->loss_wh[i] += d->standby_w[i] * step_h;
        d->energy_stored_wh[i] = d->soc[i] * d->battery_capacity_wh[i];
    }
}
