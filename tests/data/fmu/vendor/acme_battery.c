/* A battery as another maker would write it: kilowatts with discharging positive, per cent, kilowatt-hours.
 *
 * Shares nothing with our models. Certain setpoints make it fail in ways that native code fails:
 *   666 kW  it dies of a null pointer      667 kW  it never comes back
 *   668 kW  it refuses the step            669 kW  it answers infinity
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fmi2Functions.h"

enum { P_CMD, P_AC, SOC, E_NOM, SOC_0, ENABLED, CYCLES, VARIABLES };

typedef struct {
    double value[VARIABLES];
} Battery;

fmi2Component fmi2Instantiate(fmi2String name, fmi2Type type, fmi2String guid, fmi2String resources,
                              const fmi2CallbackFunctions *functions, fmi2Boolean visible, fmi2Boolean logging)
{
    (void)name, (void)type, (void)guid, (void)resources, (void)functions, (void)visible, (void)logging;
    Battery *b = calloc(1, sizeof *b);
    b->value[E_NOM] = 13.5;
    b->value[SOC_0] = 50.0;
    b->value[ENABLED] = 1.0;
    printf("acme: an instance of \"%s\"\n", name); /* as many do, onto a stream that is not theirs */
    fflush(stdout);
    return b;
}

fmi2Status fmi2ExitInitializationMode(fmi2Component c)
{
    Battery *b = c;
    b->value[SOC] = b->value[SOC_0];
    return fmi2OK;
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real now, fmi2Real step, fmi2Boolean no_rollback)
{
    (void)now, (void)no_rollback;
    Battery *b = c;
    double power_kw = b->value[ENABLED] > 0.5 ? b->value[P_CMD] : 0.0;
    switch ((int)power_kw) {
    case 666:
        *(volatile int *)NULL = 1;
        break;
    case 667:
        for (volatile int forever = 1; forever;) {
        }
        break;
    case 668:
        return fmi2Error;
    case 669:
        b->value[P_AC] = INFINITY;
        return fmi2OK;
    }
    const double hours = step / 3600.0;
    const double most = (b->value[SOC] - 10.0) / 100.0 * b->value[E_NOM] / hours;
    const double least = (b->value[SOC] - 100.0) / 100.0 * b->value[E_NOM] / hours;
    power_kw = fmax(fmin(power_kw, fmin(5.0, most)), fmax(-5.0, least));
    b->value[P_AC] = power_kw;
    b->value[SOC] -= 100.0 * power_kw * hours / b->value[E_NOM];
    b->value[CYCLES] += fabs(power_kw) * hours / b->value[E_NOM] / 2.0;
    return fmi2OK;
}

fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference r[], size_t n, fmi2Real v[])
{
    for (size_t k = 0; k < n; k++) {
        v[k] = ((Battery *)c)->value[r[k]];
    }
    return fmi2OK;
}

fmi2Status fmi2SetReal(fmi2Component c, const fmi2ValueReference r[], size_t n, const fmi2Real v[])
{
    for (size_t k = 0; k < n; k++) {
        ((Battery *)c)->value[r[k]] = v[k];
    }
    return fmi2OK;
}

fmi2Status fmi2SetBoolean(fmi2Component c, const fmi2ValueReference r[], size_t n, const fmi2Boolean v[])
{
    for (size_t k = 0; k < n; k++) {
        ((Battery *)c)->value[r[k]] = v[k];
    }
    return fmi2OK;
}

void fmi2FreeInstance(fmi2Component c)
{
    free(c);
}

/* ---- the rest of the interface, which this maker left empty ---- */

const char *fmi2GetVersion(void)
{
    return fmi2Version;
}

const char *fmi2GetTypesPlatform(void)
{
    return fmi2TypesPlatform;
}

#pragma GCC diagnostic ignored "-Wunused-parameter"
#define EMPTY(name, ...)                                                                                             \
    fmi2Status name(fmi2Component c, ##__VA_ARGS__)                                                                  \
    {                                                                                                                \
        return fmi2OK;                                                                                               \
    }

EMPTY(fmi2SetDebugLogging, fmi2Boolean on, size_t n, const fmi2String names[])
EMPTY(fmi2SetupExperiment, fmi2Boolean t, fmi2Real tolerance, fmi2Real start, fmi2Boolean s, fmi2Real stop)
EMPTY(fmi2EnterInitializationMode)
EMPTY(fmi2Terminate)
EMPTY(fmi2Reset)
EMPTY(fmi2GetInteger, const fmi2ValueReference r[], size_t n, fmi2Integer v[])
EMPTY(fmi2GetBoolean, const fmi2ValueReference r[], size_t n, fmi2Boolean v[])
EMPTY(fmi2GetString, const fmi2ValueReference r[], size_t n, fmi2String v[])
EMPTY(fmi2SetInteger, const fmi2ValueReference r[], size_t n, const fmi2Integer v[])
EMPTY(fmi2SetString, const fmi2ValueReference r[], size_t n, const fmi2String v[])
EMPTY(fmi2GetFMUstate, fmi2FMUstate *state)
EMPTY(fmi2SetFMUstate, fmi2FMUstate state)
EMPTY(fmi2FreeFMUstate, fmi2FMUstate *state)
EMPTY(fmi2SerializedFMUstateSize, fmi2FMUstate state, size_t *size)
EMPTY(fmi2SerializeFMUstate, fmi2FMUstate state, fmi2Byte bytes[], size_t size)
EMPTY(fmi2DeSerializeFMUstate, const fmi2Byte bytes[], size_t size, fmi2FMUstate *state)
EMPTY(fmi2GetDirectionalDerivative, const fmi2ValueReference u[], size_t nu, const fmi2ValueReference k[], size_t nk,
      const fmi2Real dk[], fmi2Real du[])
EMPTY(fmi2SetRealInputDerivatives, const fmi2ValueReference r[], size_t n, const fmi2Integer o[], const fmi2Real v[])
EMPTY(fmi2GetRealOutputDerivatives, const fmi2ValueReference r[], size_t n, const fmi2Integer o[], fmi2Real v[])
EMPTY(fmi2CancelStep)
EMPTY(fmi2GetStatus, const fmi2StatusKind s, fmi2Status *v)
EMPTY(fmi2GetRealStatus, const fmi2StatusKind s, fmi2Real *v)
EMPTY(fmi2GetIntegerStatus, const fmi2StatusKind s, fmi2Integer *v)
EMPTY(fmi2GetBooleanStatus, const fmi2StatusKind s, fmi2Boolean *v)
EMPTY(fmi2GetStringStatus, const fmi2StatusKind s, fmi2String *v)
