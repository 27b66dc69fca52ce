/* Functions that an FMI 3.0 binary must export although this kind of FMU has no use for them.
 * Included by fmi3.c, which defines unsupported().
 */

/* Types that no variable has: asking for no variable is fine, asking for one is refused. */
#define NO_VARIABLES_OF(Type)                                                                                        \
    fmi3Status fmi3Get##Type(fmi3Instance instance, const fmi3ValueReference valueReferences[],                      \
                             size_t nValueReferences, fmi3##Type values[], size_t nValues)                           \
    {                                                                                                                \
        (void)valueReferences, (void)values, (void)nValues;                                                          \
        return nValueReferences == 0 ? fmi3OK : unsupported(instance, __func__);                                     \
    }                                                                                                                \
    fmi3Status fmi3Set##Type(fmi3Instance instance, const fmi3ValueReference valueReferences[],                      \
                             size_t nValueReferences, const fmi3##Type values[], size_t nValues)                     \
    {                                                                                                                \
        (void)valueReferences, (void)values, (void)nValues;                                                          \
        return nValueReferences == 0 ? fmi3OK : unsupported(instance, __func__);                                     \
    }

NO_VARIABLES_OF(Float32)
NO_VARIABLES_OF(Int8)
NO_VARIABLES_OF(UInt8)
NO_VARIABLES_OF(Int16)
NO_VARIABLES_OF(UInt16)
NO_VARIABLES_OF(Int32)
NO_VARIABLES_OF(UInt32)
NO_VARIABLES_OF(Int64)
NO_VARIABLES_OF(Boolean)
NO_VARIABLES_OF(String)

#define UNSUPPORTED(function, ...)                                                                                   \
    fmi3Status function(fmi3Instance instance, __VA_ARGS__)                                                          \
    {                                                                                                                \
        return unsupported(instance, __func__);                                                                      \
    }

#if defined(__clang__) || defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif

UNSUPPORTED(fmi3GetBinary, const fmi3ValueReference r[], size_t nr, size_t sizes[], fmi3Binary v[], size_t nv)
UNSUPPORTED(fmi3SetBinary, const fmi3ValueReference r[], size_t nr, const size_t sizes[], const fmi3Binary v[],
            size_t nv)
UNSUPPORTED(fmi3GetClock, const fmi3ValueReference r[], size_t nr, fmi3Clock v[])
UNSUPPORTED(fmi3SetClock, const fmi3ValueReference r[], size_t nr, const fmi3Clock v[])
UNSUPPORTED(fmi3GetNumberOfVariableDependencies, fmi3ValueReference r, size_t *count)
UNSUPPORTED(fmi3GetVariableDependencies, fmi3ValueReference dependent, size_t elements[],
            fmi3ValueReference independents[], size_t independentElements[], fmi3DependencyKind kinds[], size_t count)
UNSUPPORTED(fmi3GetDirectionalDerivative, const fmi3ValueReference unknowns[], size_t nUnknowns,
            const fmi3ValueReference knowns[], size_t nKnowns, const fmi3Float64 seed[], size_t nSeed,
            fmi3Float64 sensitivity[], size_t nSensitivity)
UNSUPPORTED(fmi3GetAdjointDerivative, const fmi3ValueReference unknowns[], size_t nUnknowns,
            const fmi3ValueReference knowns[], size_t nKnowns, const fmi3Float64 seed[], size_t nSeed,
            fmi3Float64 sensitivity[], size_t nSensitivity)
UNSUPPORTED(fmi3GetIntervalDecimal, const fmi3ValueReference r[], size_t nr, fmi3Float64 v[],
            fmi3IntervalQualifier qualifiers[])
UNSUPPORTED(fmi3GetIntervalFraction, const fmi3ValueReference r[], size_t nr, fmi3UInt64 counters[],
            fmi3UInt64 resolutions[], fmi3IntervalQualifier qualifiers[])
UNSUPPORTED(fmi3GetShiftDecimal, const fmi3ValueReference r[], size_t nr, fmi3Float64 v[])
UNSUPPORTED(fmi3GetShiftFraction, const fmi3ValueReference r[], size_t nr, fmi3UInt64 counters[],
            fmi3UInt64 resolutions[])
UNSUPPORTED(fmi3SetIntervalDecimal, const fmi3ValueReference r[], size_t nr, const fmi3Float64 v[])
UNSUPPORTED(fmi3SetIntervalFraction, const fmi3ValueReference r[], size_t nr, const fmi3UInt64 counters[],
            const fmi3UInt64 resolutions[])
UNSUPPORTED(fmi3SetShiftDecimal, const fmi3ValueReference r[], size_t nr, const fmi3Float64 v[])
UNSUPPORTED(fmi3SetShiftFraction, const fmi3ValueReference r[], size_t nr, const fmi3UInt64 counters[],
            const fmi3UInt64 resolutions[])
UNSUPPORTED(fmi3UpdateDiscreteStates, fmi3Boolean *update, fmi3Boolean *terminate, fmi3Boolean *nominals,
            fmi3Boolean *states, fmi3Boolean *nextEventTimeDefined, fmi3Float64 *nextEventTime)
UNSUPPORTED(fmi3CompletedIntegratorStep, fmi3Boolean noSetState, fmi3Boolean *enterEventMode, fmi3Boolean *terminate)
UNSUPPORTED(fmi3SetTime, fmi3Float64 time)
UNSUPPORTED(fmi3SetContinuousStates, const fmi3Float64 states[], size_t count)
UNSUPPORTED(fmi3GetContinuousStates, fmi3Float64 states[], size_t count)
UNSUPPORTED(fmi3GetContinuousStateDerivatives, fmi3Float64 derivatives[], size_t count)
UNSUPPORTED(fmi3GetNominalsOfContinuousStates, fmi3Float64 nominals[], size_t count)
UNSUPPORTED(fmi3GetEventIndicators, fmi3Float64 indicators[], size_t count)
UNSUPPORTED(fmi3GetNumberOfEventIndicators, size_t *count)
UNSUPPORTED(fmi3GetNumberOfContinuousStates, size_t *count)
UNSUPPORTED(fmi3GetOutputDerivatives, const fmi3ValueReference r[], size_t nr, const fmi3Int32 orders[],
            fmi3Float64 v[], size_t nv)
UNSUPPORTED(fmi3ActivateModelPartition, fmi3ValueReference clock, fmi3Float64 time)

fmi3Status fmi3EnterEventMode(fmi3Instance instance)
{
    return unsupported(instance, __func__);
}

fmi3Status fmi3EnterStepMode(fmi3Instance instance)
{
    return unsupported(instance, __func__);
}

fmi3Status fmi3EnterContinuousTimeMode(fmi3Instance instance)
{
    return unsupported(instance, __func__);
}

fmi3Status fmi3EvaluateDiscreteStates(fmi3Instance instance)
{
    return unsupported(instance, __func__);
}

fmi3Instance fmi3InstantiateModelExchange(fmi3String name, fmi3String token, fmi3String resources,
                                          fmi3Boolean visible, fmi3Boolean loggingOn,
                                          fmi3InstanceEnvironment environment, fmi3LogMessageCallback log)
{
    return NULL;
}

fmi3Instance fmi3InstantiateScheduledExecution(fmi3String name, fmi3String token, fmi3String resources,
                                               fmi3Boolean visible, fmi3Boolean loggingOn,
                                               fmi3InstanceEnvironment environment, fmi3LogMessageCallback log,
                                               fmi3ClockUpdateCallback clockUpdate,
                                               fmi3LockPreemptionCallback lock, fmi3UnlockPreemptionCallback unlock)
{
    return NULL;
}
