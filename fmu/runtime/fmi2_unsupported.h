/* Functions that an FMI 2.0 binary must export although this kind of FMU has no use for them.
 * Included by fmi2.c, which defines unsupported().
 */

/* Types that no variable has: asking for no variable is fine, asking for one is refused. */
#define NO_VARIABLES_OF(Type)                                                                                        \
    fmi2Status fmi2Get##Type(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2##Type value[])         \
    {                                                                                                                \
        (void)vr, (void)value;                                                                                       \
        return nvr == 0 ? fmi2OK : unsupported(c, __func__);                                                         \
    }                                                                                                                \
    fmi2Status fmi2Set##Type(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2##Type value[])   \
    {                                                                                                                \
        (void)vr, (void)value;                                                                                       \
        return nvr == 0 ? fmi2OK : unsupported(c, __func__);                                                         \
    }

NO_VARIABLES_OF(Integer)
NO_VARIABLES_OF(Boolean)
NO_VARIABLES_OF(String)

/* No step is ever pending, so there is no status to ask for. */
#define NO_STATUS_OF(Name, Type)                                                                                     \
    fmi2Status fmi2Get##Name(fmi2Component c, const fmi2StatusKind s, Type *value)                                   \
    {                                                                                                                \
        (void)c, (void)s, (void)value;                                                                               \
        return fmi2Discard;                                                                                          \
    }

NO_STATUS_OF(Status, fmi2Status)
NO_STATUS_OF(IntegerStatus, fmi2Integer)
NO_STATUS_OF(BooleanStatus, fmi2Boolean)
NO_STATUS_OF(StringStatus, fmi2String)

#define UNSUPPORTED(function, ...)                                                                                   \
    fmi2Status function(fmi2Component c, __VA_ARGS__)                                                                \
    {                                                                                                                \
        return unsupported(c, __func__);                                                                             \
    }

#if defined(__clang__) || defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif

UNSUPPORTED(fmi2GetDirectionalDerivative, const fmi2ValueReference unknowns[], size_t nUnknowns,
            const fmi2ValueReference knowns[], size_t nKnowns, const fmi2Real seed[], fmi2Real sensitivity[])
UNSUPPORTED(fmi2SetRealInputDerivatives, const fmi2ValueReference vr[], size_t nvr, const fmi2Integer orders[],
            const fmi2Real value[])
UNSUPPORTED(fmi2GetRealOutputDerivatives, const fmi2ValueReference vr[], size_t nvr, const fmi2Integer orders[],
            fmi2Real value[])
UNSUPPORTED(fmi2NewDiscreteStates, fmi2EventInfo *info)
UNSUPPORTED(fmi2CompletedIntegratorStep, fmi2Boolean noSetState, fmi2Boolean *enterEventMode, fmi2Boolean *terminate)
UNSUPPORTED(fmi2SetTime, fmi2Real time)
UNSUPPORTED(fmi2SetContinuousStates, const fmi2Real states[], size_t count)
UNSUPPORTED(fmi2GetContinuousStates, fmi2Real states[], size_t count)
UNSUPPORTED(fmi2GetDerivatives, fmi2Real derivatives[], size_t count)
UNSUPPORTED(fmi2GetNominalsOfContinuousStates, fmi2Real nominals[], size_t count)
UNSUPPORTED(fmi2GetEventIndicators, fmi2Real indicators[], size_t count)

fmi2Status fmi2CancelStep(fmi2Component c)
{
    return unsupported(c, __func__);
}

fmi2Status fmi2EnterEventMode(fmi2Component c)
{
    return unsupported(c, __func__);
}

fmi2Status fmi2EnterContinuousTimeMode(fmi2Component c)
{
    return unsupported(c, __func__);
}
