/* ZIP load:  P = P_0 (z v^2 + i v + 1 - z - i),  Q = Q_0 (z' v^2 + i' v + 1 - z' - i'),  Q_0 = P_0 tan(acos(pf)). */
#include "fleet.h"
#include "physics.h"

static double zip(double voltage_pu, double impedance, double current)
{
    const double power = 1.0 - impedance - current;
    return impedance * voltage_pu * voltage_pu + current * voltage_pu + power;
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    (void)d, (void)n, (void)violation; /* the constant-power share is what the others leave, so shares always sum to 1 */
    return true;
}

void model_start(const Devices *d, size_t n)
{
    const double any_step_s = 1.0; /* the load has no memory */
    model_step(d, n, any_step_s);
}

void model_step(const Devices *d, size_t n, double step_s)
{
    (void)step_s;
    for (size_t i = 0; i < n; i++) {
        const double v = d->voltage_pu[i];
        const double pf = d->power_factor[i];
        const double reactive_share = sqrt(1.0 - pf * pf) / pf;
        d->power_w[i] = d->demand_w[i] * zip(v, d->zip_impedance[i], d->zip_current[i]);
        d->reactive_power_var[i] = d->demand_w[i] * reactive_share
                                   * zip(v, d->zip_reactive_impedance[i], d->zip_reactive_current[i]);
    }
}
