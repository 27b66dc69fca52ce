/* Smart meter: import and export registers as compensated sums (Kahan 1965), exact over years of 1-s steps. */
#include "fleet.h"
#include "physics.h"

static void add(double *reg, double *remainder, double energy_wh)
{
    const double increment = energy_wh + *remainder;
    const double sum = *reg + increment;
    *remainder = increment - (sum - *reg);
    *reg = sum;
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    (void)d, (void)n, (void)violation; /* no parameter depends on another */
    return true;
}

void model_start(const Devices *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d->power_w[i] = d->power_total_w[i];
        d->reactive_power_var[i] = d->reactive_power_total_var[i];
        d->energy_import_wh[i] = d->energy_import_start_wh[i];
        d->energy_export_wh[i] = d->energy_export_start_wh[i];
        d->import_remainder_wh[i] = 0.0;
        d->export_remainder_wh[i] = 0.0;
    }
}

void model_step(const Devices *d, size_t n, double step_s)
{
    const double step_h = step_s / SECONDS_PER_HOUR;
    for (size_t i = 0; i < n; i++) {
        const double energy_wh = d->power_total_w[i] * step_h;
        add(&d->energy_import_wh[i], &d->import_remainder_wh[i], most(energy_wh, 0.0));
        add(&d->energy_export_wh[i], &d->export_remainder_wh[i], most(-energy_wh, 0.0));
        d->power_w[i] = d->power_total_w[i];
        d->reactive_power_var[i] = d->reactive_power_total_var[i];
    }
}
