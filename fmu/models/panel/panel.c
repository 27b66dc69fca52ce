/* Smart panel: circuit k passes its demand while its relay and the main relay are closed,
 *   P = P_standby + sum of P_k,   E_k = integral of P_k,
 * with registers as compensated sums (Kahan 1965), exact over years of 1-s steps.
 */
#include "fleet.h"
#include "physics.h"

/* The values of one circuit, for all devices. */
typedef struct {
    const double *closed;
    const double *demand_w;
    double *power_w;
    double *energy_wh;
    double *remainder_wh;
} Circuit;

enum { CIRCUITS = 12 };

#define CIRCUIT(k)                                                                                                   \
    {                                                                                                                \
        d->circuit_##k##_closed, d->circuit_##k##_demand_w, d->circuit_##k##_power_w, d->circuit_##k##_energy_wh,    \
            d->circuit_##k##_remainder_wh                                                                            \
    }

#define ALL_CIRCUITS                                                                                                 \
    {                                                                                                                \
        CIRCUIT(1), CIRCUIT(2), CIRCUIT(3), CIRCUIT(4), CIRCUIT(5), CIRCUIT(6), CIRCUIT(7), CIRCUIT(8), CIRCUIT(9),  \
            CIRCUIT(10), CIRCUIT(11), CIRCUIT(12)                                                                    \
    }

static void step_circuit(const Devices *d, size_t n, const Circuit *c, double step_h)
{
    for (size_t i = 0; i < n; i++) {
        const bool passes = d->main_closed[i] > 0.5 && c->closed[i] > 0.5;
        const double power_w = passes ? c->demand_w[i] : 0.0;
        const double increment_wh = power_w * step_h + c->remainder_wh[i];
        const double register_wh = c->energy_wh[i] + increment_wh;
        c->remainder_wh[i] = increment_wh - (register_wh - c->energy_wh[i]);
        c->energy_wh[i] = register_wh;
        c->power_w[i] = power_w;
        d->power_w[i] += power_w;
        d->power_switched_off_w[i] += c->demand_w[i] - power_w;
    }
}

static void step_circuits(const Devices *d, size_t n, double step_h)
{
    const Circuit circuits[CIRCUITS] = ALL_CIRCUITS;
    for (size_t i = 0; i < n; i++) {
        d->power_w[i] = d->standby_w[i];
        d->power_switched_off_w[i] = 0.0;
    }
    for (int k = 0; k < CIRCUITS; k++) {
        step_circuit(d, n, &circuits[k], step_h);
    }
}

bool model_check(const Devices *d, size_t n, Violation *violation)
{
    (void)d, (void)n, (void)violation; /* no parameter depends on another */
    return true;
}

void model_start(const Devices *d, size_t n)
{
    const Circuit circuits[CIRCUITS] = ALL_CIRCUITS;
    for (int k = 0; k < CIRCUITS; k++) {
        for (size_t i = 0; i < n; i++) {
            circuits[k].energy_wh[i] = 0.0;
            circuits[k].remainder_wh[i] = 0.0;
        }
    }
    const double no_time_h = 0.0;
    step_circuits(d, n, no_time_h);
}

void model_step(const Devices *d, size_t n, double step_s)
{
    step_circuits(d, n, step_s / SECONDS_PER_HOUR);
}
