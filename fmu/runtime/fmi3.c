/* FMI 3.0 co-simulation interface of a fleet: the structural parameter n sets the number of devices,
 * every other variable is an array with n values (or rows x n). Value references: 0 time, 1 n, 2... the model's variables.
 * A refused call changes nothing and logs why; the instance stays usable.
 */
#include "fmi3Functions.h"

#include "fleet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VR_TIME = 0, VR_N = 1, VR_FIRST = 2 };

typedef struct {
    Fleet fleet;
    fmi3InstanceEnvironment environment;
    fmi3LogMessageCallback log;
} Component;

static fmi3Status refuse(const Component *component, const char *reason)
{
    if (component->log != NULL) {
        component->log(component->environment, fmi3Error, "logStatusError", reason);
    }
    return fmi3Error;
}

static fmi3Status refuse_call(const Component *component, const char *function, const char *reason)
{
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "%s: %s", function, reason);
    return refuse(component, message);
}

static bool in_mode(const Component *component, int modes)
{
    return (component->fleet.mode & modes) != 0;
}

/* ---- inquiry, creation and destruction ---- */

const char *fmi3GetVersion(void)
{
    return fmi3Version;
}

fmi3Status fmi3SetDebugLogging(fmi3Instance instance, fmi3Boolean loggingOn, size_t nCategories,
                               const fmi3String categories[])
{
    (void)loggingOn, (void)nCategories, (void)categories; /* errors are always logged, nothing else ever */
    return instance == NULL ? fmi3Error : fmi3OK;
}

fmi3Instance fmi3InstantiateCoSimulation(fmi3String instanceName, fmi3String instantiationToken,
                                         fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                         fmi3Boolean eventModeUsed, fmi3Boolean earlyReturnAllowed,
                                         const fmi3ValueReference requiredIntermediateVariables[],
                                         size_t nRequiredIntermediateVariables,
                                         fmi3InstanceEnvironment instanceEnvironment,
                                         fmi3LogMessageCallback logMessage,
                                         fmi3IntermediateUpdateCallback intermediateUpdate)
{
    (void)instanceName, (void)resourcePath, (void)visible, (void)loggingOn, (void)earlyReturnAllowed;
    (void)requiredIntermediateVariables, (void)nRequiredIntermediateVariables, (void)intermediateUpdate;
    Component *component = calloc(1, sizeof *component);
    if (component == NULL) {
        return NULL;
    }
    component->environment = instanceEnvironment;
    component->log = logMessage;
    component->fleet.mode = MODE_INSTANTIATED;
    const char *problem = NULL;
    if (instantiationToken == NULL || strcmp(instantiationToken, INSTANTIATION_TOKEN) != 0) {
        problem = "the instantiation token is not the one in modelDescription.xml";
    } else if (eventModeUsed) {
        problem = "event mode is not supported";
    } else if (!fleet_resize(&component->fleet, 1)) {
        problem = "out of memory";
    }
    if (problem != NULL) {
        refuse_call(component, __func__, problem);
        free(component);
        return NULL;
    }
    return component;
}

void fmi3FreeInstance(fmi3Instance instance)
{
    Component *component = instance;
    if (component != NULL) {
        fleet_free(&component->fleet);
        free(component);
    }
}

/* ---- life cycle ---- */

static fmi3Status change_mode(fmi3Instance instance, Mode from, Mode to, const char *function)
{
    Component *component = instance;
    if (component == NULL) {
        return fmi3Error;
    }
    if (!in_mode(component, from)) {
        return refuse_call(component, function, "not allowed in the present state");
    }
    component->fleet.mode = to;
    return fmi3OK;
}

fmi3Status fmi3EnterConfigurationMode(fmi3Instance instance)
{
    return change_mode(instance, MODE_INSTANTIATED, MODE_CONFIGURATION, __func__);
}

fmi3Status fmi3ExitConfigurationMode(fmi3Instance instance)
{
    return change_mode(instance, MODE_CONFIGURATION, MODE_INSTANTIATED, __func__);
}

fmi3Status fmi3EnterInitializationMode(fmi3Instance instance, fmi3Boolean toleranceDefined, fmi3Float64 tolerance,
                                       fmi3Float64 startTime, fmi3Boolean stopTimeDefined, fmi3Float64 stopTime)
{
    (void)toleranceDefined, (void)tolerance, (void)stopTimeDefined, (void)stopTime;
    const fmi3Status status = change_mode(instance, MODE_INSTANTIATED, MODE_INITIALIZATION, __func__);
    if (status == fmi3OK) {
        ((Component *)instance)->fleet.time_s = startTime;
    }
    return status;
}

fmi3Status fmi3ExitInitializationMode(fmi3Instance instance)
{
    Component *component = instance;
    char message[MESSAGE_SIZE];
    if (component == NULL) {
        return fmi3Error;
    }
    if (in_mode(component, MODE_INITIALIZATION)) {
        const char *contradiction = fleet_contradiction(&component->fleet, message);
        if (contradiction != NULL) {
            return refuse(component, contradiction);
        }
        fleet_start(&component->fleet);
    }
    return change_mode(instance, MODE_INITIALIZATION, MODE_STEP, __func__);
}

fmi3Status fmi3Terminate(fmi3Instance instance)
{
    return change_mode(instance, MODE_STEP, MODE_TERMINATED, __func__);
}

fmi3Status fmi3Reset(fmi3Instance instance)
{
    Component *component = instance;
    if (component == NULL) {
        return fmi3Error;
    }
    if (!fleet_resize(&component->fleet, 1)) {
        return refuse_call(component, __func__, "out of memory");
    }
    component->fleet.time_s = 0.0;
    component->fleet.mode = MODE_INSTANTIATED;
    return fmi3OK;
}

fmi3Status fmi3DoStep(fmi3Instance instance, fmi3Float64 currentCommunicationPoint,
                      fmi3Float64 communicationStepSize, fmi3Boolean noSetFMUStatePriorToCurrentPoint,
                      fmi3Boolean *eventHandlingNeeded, fmi3Boolean *terminateSimulation, fmi3Boolean *earlyReturn,
                      fmi3Float64 *lastSuccessfulTime)
{
    (void)noSetFMUStatePriorToCurrentPoint;
    Component *component = instance;
    if (component == NULL) {
        return fmi3Error;
    }
    if (!in_mode(component, MODE_STEP)) {
        return refuse_call(component, __func__, "not allowed in the present state");
    }
    if (!isfinite(currentCommunicationPoint) || !isfinite(communicationStepSize) || communicationStepSize <= 0.0) {
        return refuse_call(component, __func__, "the time must be finite and the step positive");
    }
    component->fleet.time_s = currentCommunicationPoint;
    fleet_step(&component->fleet, communicationStepSize);
    *eventHandlingNeeded = fmi3False;
    *terminateSimulation = fmi3False;
    *earlyReturn = fmi3False;
    *lastSuccessfulTime = component->fleet.time_s;
    return fmi3OK;
}

/* ---- variables ---- */

fmi3Status fmi3GetUInt64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         fmi3UInt64 values[], size_t nValues)
{
    const Component *component = instance;
    if (component == NULL) {
        return fmi3Error;
    }
    for (size_t k = 0; k < nValueReferences; k++) {
        if (valueReferences[k] != VR_N || k >= nValues) {
            return refuse_call(component, __func__, "the only UInt64 variable is n");
        }
        values[k] = component->fleet.n;
    }
    return fmi3OK;
}

fmi3Status fmi3SetUInt64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         const fmi3UInt64 values[], size_t nValues)
{
    Component *component = instance;
    if (component == NULL) {
        return fmi3Error;
    }
    if (!in_mode(component, MODE_CONFIGURATION)) {
        return refuse(component, "n: a structural parameter can be set in Configuration Mode only");
    }
    for (size_t k = 0; k < nValueReferences; k++) {
        if (valueReferences[k] != VR_N || k >= nValues) {
            return refuse_call(component, __func__, "the only UInt64 variable is n");
        }
        if (!fleet_resize(&component->fleet, values[k])) {
            return refuse(component, "n: must be at least 1 and fit into memory");
        }
    }
    return fmi3OK;
}

fmi3Status fmi3GetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          fmi3Float64 values[], size_t nValues)
{
    Component *component = instance;
    if (component == NULL) {
        return fmi3Error;
    }
    if (in_mode(component, MODE_CONFIGURATION)) {
        return refuse_call(component, __func__, "not allowed in Configuration Mode");
    }
    if (in_mode(component, MODE_INITIALIZATION)) {
        fleet_start(&component->fleet); /* outputs follow the parameters set so far */
    }
    size_t position = 0;
    for (size_t k = 0; k < nValueReferences; k++) {
        const fmi3ValueReference reference = valueReferences[k];
        const bool is_time = reference == VR_TIME;
        if (!is_time && (reference < VR_FIRST || reference - VR_FIRST >= VARIABLE_COUNT)) {
            return refuse_call(component, __func__, "no Float64 variable has this value reference");
        }
        const size_t count = is_time ? 1 : fleet_value_count(&component->fleet, reference - VR_FIRST);
        if (count > nValues - position) {
            return refuse_call(component, __func__, "nValues is smaller than the variables' sizes");
        }
        const double *source = is_time ? &component->fleet.time_s : component->fleet.rows[reference - VR_FIRST];
        memcpy(values + position, source, count * sizeof *values);
        position += count;
    }
    if (position != nValues) {
        return refuse_call(component, __func__, "nValues is larger than the variables' sizes");
    }
    return fmi3OK;
}

fmi3Status fmi3SetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          const fmi3Float64 values[], size_t nValues)
{
    Component *component = instance;
    char message[MESSAGE_SIZE];
    if (component == NULL) {
        return fmi3Error;
    }
    /* First look at everything, then write: a refused call must not leave half of its values behind. */
    size_t position = 0;
    for (size_t k = 0; k < nValueReferences; k++) {
        const fmi3ValueReference reference = valueReferences[k];
        if (reference < VR_FIRST || reference - VR_FIRST >= VARIABLE_COUNT) {
            return refuse_call(component, __func__, "no settable Float64 variable has this value reference");
        }
        const size_t count = fleet_value_count(&component->fleet, reference - VR_FIRST);
        if (count > nValues - position) {
            return refuse_call(component, __func__, "nValues is smaller than the variables' sizes");
        }
        const size_t variable = reference - VR_FIRST;
        const char *refusal = fleet_refusal(&component->fleet, variable, values + position, count, message);
        if (refusal != NULL) {
            return refuse(component, refusal);
        }
        position += count;
    }
    if (position != nValues) {
        return refuse_call(component, __func__, "nValues is larger than the variables' sizes");
    }
    position = 0;
    for (size_t k = 0; k < nValueReferences; k++) {
        const size_t variable = valueReferences[k] - VR_FIRST;
        const size_t count = fleet_value_count(&component->fleet, variable);
        memcpy(component->fleet.rows[variable], values + position, count * sizeof *values);
        position += count;
    }
    return fmi3OK;
}

/* ---- state ---- */

fmi3Status fmi3GetFMUState(fmi3Instance instance, fmi3FMUState *FMUState)
{
    const Component *component = instance;
    if (component == NULL || FMUState == NULL) {
        return fmi3Error;
    }
    *FMUState = fleet_save(&component->fleet, *FMUState);
    return *FMUState != NULL ? fmi3OK : refuse_call(component, __func__, "out of memory");
}

fmi3Status fmi3SetFMUState(fmi3Instance instance, fmi3FMUState FMUState)
{
    Component *component = instance;
    const SavedState *state = FMUState;
    if (component == NULL) {
        return fmi3Error;
    }
    if (state == NULL || !fleet_restore(&component->fleet, state)) {
        return refuse_call(component, __func__, "not a state of this model with this n");
    }
    return fmi3OK;
}

fmi3Status fmi3FreeFMUState(fmi3Instance instance, fmi3FMUState *FMUState)
{
    (void)instance;
    if (FMUState != NULL) {
        free(*FMUState);
        *FMUState = NULL;
    }
    return fmi3OK;
}

fmi3Status fmi3SerializedFMUStateSize(fmi3Instance instance, fmi3FMUState FMUState, size_t *size)
{
    if (instance == NULL || FMUState == NULL) {
        return fmi3Error;
    }
    *size = ((const SavedState *)FMUState)->size;
    return fmi3OK;
}

fmi3Status fmi3SerializeFMUState(fmi3Instance instance, fmi3FMUState FMUState, fmi3Byte serializedState[], size_t size)
{
    const Component *component = instance;
    const SavedState *state = FMUState;
    if (component == NULL) {
        return fmi3Error;
    }
    if (state == NULL || size < state->size) {
        return refuse_call(component, __func__, "the buffer is smaller than fmi3SerializedFMUStateSize says");
    }
    memcpy(serializedState, state->bytes, state->size);
    return fmi3OK;
}

fmi3Status fmi3DeserializeFMUState(fmi3Instance instance, const fmi3Byte serializedState[], size_t size,
                                   fmi3FMUState *FMUState)
{
    const Component *component = instance;
    if (component == NULL || FMUState == NULL) {
        return fmi3Error;
    }
    SavedState *state = saved_state_allocate(size);
    if (state == NULL) {
        return refuse_call(component, __func__, "out of memory");
    }
    memcpy(state->bytes, serializedState, size);
    free(*FMUState);
    *FMUState = state;
    return fmi3OK;
}

/* The rest of the interface, refused by name. */
static fmi3Status unsupported(fmi3Instance instance, const char *function)
{
    return instance == NULL ? fmi3Error : refuse_call(instance, function, "not supported by this FMU");
}

#include "fmi3_unsupported.h"
