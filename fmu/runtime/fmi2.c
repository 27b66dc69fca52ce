/* FMI 2.0 co-simulation interface: a fleet of one device. Value references number the cells of the device, so that
 * a profile of several rows becomes several scalar variables.
 * A refused call changes nothing and logs why; the instance stays usable.
 */
#include "fmi2Functions.h"

#include "fleet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Fleet fleet;
    fmi2ComponentEnvironment environment;
    fmi2CallbackLogger log;
    char *name;
} Component;

static fmi2Status refuse(const Component *component, const char *reason)
{
    if (component->log != NULL) {
        /* The reason itself is the format, because many importers do not fill formats in: it holds our own words,
         * names and numbers only, never a percent sign. */
        component->log(component->environment, component->name, fmi2Error, "logStatusError", reason);
    }
    return fmi2Error;
}

static fmi2Status refuse_call(const Component *component, const char *function, const char *reason)
{
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "%s: %s", function, reason);
    return refuse(component, message);
}

/* ---- inquiry, creation and destruction ---- */

const char *fmi2GetTypesPlatform(void)
{
    return fmi2TypesPlatform;
}

const char *fmi2GetVersion(void)
{
    return fmi2Version;
}

fmi2Status fmi2SetDebugLogging(fmi2Component c, fmi2Boolean loggingOn, size_t nCategories,
                               const fmi2String categories[])
{
    (void)loggingOn, (void)nCategories, (void)categories; /* errors are always logged, nothing else ever */
    return c == NULL ? fmi2Error : fmi2OK;
}

static void free_component(Component *component)
{
    fleet_free(&component->fleet);
    free(component->name);
    free(component);
}

fmi2Component fmi2Instantiate(fmi2String instanceName, fmi2Type fmuType, fmi2String fmuGUID,
                              fmi2String fmuResourceLocation, const fmi2CallbackFunctions *functions,
                              fmi2Boolean visible, fmi2Boolean loggingOn)
{
    (void)fmuResourceLocation, (void)visible, (void)loggingOn;
    Component *component = calloc(1, sizeof *component);
    if (component == NULL) {
        return NULL;
    }
    const char *name = instanceName != NULL ? instanceName : MODEL_IDENTIFIER;
    component->name = malloc(strlen(name) + 1);
    if (functions != NULL) {
        component->environment = functions->componentEnvironment;
        component->log = functions->logger;
    }
    component->fleet.mode = MODE_INSTANTIATED;
    const char *problem = NULL;
    if (component->name == NULL) {
        problem = "out of memory";
    } else {
        strcpy(component->name, name);
    }
    if (fmuType != fmi2CoSimulation) {
        problem = "only co-simulation is supported";
    } else if (fmuGUID == NULL || strcmp(fmuGUID, INSTANTIATION_TOKEN) != 0) {
        problem = "the guid is not the one in modelDescription.xml";
    } else if (!fleet_resize(&component->fleet, 1)) {
        problem = "out of memory";
    }
    if (problem != NULL) {
        refuse_call(component, __func__, problem);
        free_component(component);
        return NULL;
    }
    return component;
}

void fmi2FreeInstance(fmi2Component c)
{
    if (c != NULL) {
        free_component(c);
    }
}

/* ---- life cycle ---- */

static fmi2Status change_mode(fmi2Component c, int from, Mode to, const char *function)
{
    Component *component = c;
    if (component == NULL) {
        return fmi2Error;
    }
    if ((component->fleet.mode & from) == 0) {
        return refuse_call(component, function, "not allowed in the present state");
    }
    component->fleet.mode = to;
    return fmi2OK;
}

fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean toleranceDefined, fmi2Real tolerance, fmi2Real startTime,
                               fmi2Boolean stopTimeDefined, fmi2Real stopTime)
{
    (void)toleranceDefined, (void)tolerance, (void)stopTimeDefined, (void)stopTime;
    const fmi2Status status = change_mode(c, MODE_INSTANTIATED, MODE_INSTANTIATED, __func__);
    if (status == fmi2OK) {
        ((Component *)c)->fleet.time_s = startTime;
    }
    return status;
}

fmi2Status fmi2EnterInitializationMode(fmi2Component c)
{
    return change_mode(c, MODE_INSTANTIATED, MODE_INITIALIZATION, __func__);
}

fmi2Status fmi2ExitInitializationMode(fmi2Component c)
{
    Component *component = c;
    char message[MESSAGE_SIZE];
    if (component == NULL) {
        return fmi2Error;
    }
    if (component->fleet.mode == MODE_INITIALIZATION) {
        const char *contradiction = fleet_contradiction(&component->fleet, message);
        if (contradiction != NULL) {
            return refuse(component, contradiction);
        }
        fleet_start(&component->fleet);
    }
    return change_mode(c, MODE_INITIALIZATION, MODE_STEP, __func__);
}

fmi2Status fmi2Terminate(fmi2Component c)
{
    return change_mode(c, MODE_STEP, MODE_TERMINATED, __func__);
}

fmi2Status fmi2Reset(fmi2Component c)
{
    Component *component = c;
    if (component == NULL) {
        return fmi2Error;
    }
    if (!fleet_resize(&component->fleet, 1)) {
        return refuse_call(component, __func__, "out of memory");
    }
    component->fleet.time_s = 0.0;
    component->fleet.mode = MODE_INSTANTIATED;
    return fmi2OK;
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real currentCommunicationPoint, fmi2Real communicationStepSize,
                      fmi2Boolean noSetFMUStatePriorToCurrentPoint)
{
    (void)noSetFMUStatePriorToCurrentPoint;
    Component *component = c;
    if (component == NULL) {
        return fmi2Error;
    }
    if (component->fleet.mode != MODE_STEP) {
        return refuse_call(component, __func__, "not allowed in the present state");
    }
    if (!isfinite(currentCommunicationPoint) || !isfinite(communicationStepSize) || communicationStepSize <= 0.0) {
        return refuse_call(component, __func__, "the time must be finite and the step positive");
    }
    component->fleet.time_s = currentCommunicationPoint;
    fleet_step(&component->fleet, communicationStepSize);
    return fmi2OK;
}

fmi2Status fmi2GetRealStatus(fmi2Component c, const fmi2StatusKind s, fmi2Real *value)
{
    const Component *component = c;
    if (component == NULL || s != fmi2LastSuccessfulTime) {
        return fmi2Discard;
    }
    *value = component->fleet.time_s;
    return fmi2OK;
}

/* ---- variables ---- */

fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Real value[])
{
    Component *component = c;
    if (component == NULL) {
        return fmi2Error;
    }
    if (component->fleet.mode == MODE_INITIALIZATION) {
        fleet_start(&component->fleet); /* outputs follow the parameters set so far */
    }
    for (size_t k = 0; k < nvr; k++) {
        if (vr[k] >= CELLS_PER_DEVICE) {
            return refuse_call(component, __func__, "no Real variable has this value reference");
        }
        value[k] = component->fleet.values[vr[k]];
    }
    return fmi2OK;
}

fmi2Status fmi2SetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Real value[])
{
    Component *component = c;
    char message[MESSAGE_SIZE];
    if (component == NULL) {
        return fmi2Error;
    }
    /* First look at everything, then write: a refused call must not leave half of its values behind. */
    for (size_t k = 0; k < nvr; k++) {
        if (vr[k] >= CELLS_PER_DEVICE) {
            return refuse_call(component, __func__, "no Real variable has this value reference");
        }
        const char *refusal = fleet_refusal(&component->fleet, CELL_VARIABLE[vr[k]], &value[k], 1, message);
        if (refusal != NULL) {
            return refuse(component, refusal);
        }
    }
    for (size_t k = 0; k < nvr; k++) {
        component->fleet.values[vr[k]] = value[k];
    }
    return fmi2OK;
}

/* ---- state ---- */

fmi2Status fmi2GetFMUstate(fmi2Component c, fmi2FMUstate *FMUstate)
{
    const Component *component = c;
    if (component == NULL || FMUstate == NULL) {
        return fmi2Error;
    }
    *FMUstate = fleet_save(&component->fleet, *FMUstate);
    return *FMUstate != NULL ? fmi2OK : refuse_call(component, __func__, "out of memory");
}

fmi2Status fmi2SetFMUstate(fmi2Component c, fmi2FMUstate FMUstate)
{
    Component *component = c;
    const SavedState *state = FMUstate;
    if (component == NULL) {
        return fmi2Error;
    }
    if (state == NULL || !fleet_restore(&component->fleet, state)) {
        return refuse_call(component, __func__, "not a state of this model");
    }
    return fmi2OK;
}

fmi2Status fmi2FreeFMUstate(fmi2Component c, fmi2FMUstate *FMUstate)
{
    (void)c;
    if (FMUstate != NULL) {
        free(*FMUstate);
        *FMUstate = NULL;
    }
    return fmi2OK;
}

fmi2Status fmi2SerializedFMUstateSize(fmi2Component c, fmi2FMUstate FMUstate, size_t *size)
{
    if (c == NULL || FMUstate == NULL) {
        return fmi2Error;
    }
    *size = ((const SavedState *)FMUstate)->size;
    return fmi2OK;
}

fmi2Status fmi2SerializeFMUstate(fmi2Component c, fmi2FMUstate FMUstate, fmi2Byte serializedState[], size_t size)
{
    const Component *component = c;
    const SavedState *state = FMUstate;
    if (component == NULL) {
        return fmi2Error;
    }
    if (state == NULL || size < state->size) {
        return refuse_call(component, __func__, "the buffer is smaller than fmi2SerializedFMUstateSize says");
    }
    memcpy(serializedState, state->bytes, state->size);
    return fmi2OK;
}

fmi2Status fmi2DeSerializeFMUstate(fmi2Component c, const fmi2Byte serializedState[], size_t size,
                                   fmi2FMUstate *FMUstate)
{
    const Component *component = c;
    if (component == NULL || FMUstate == NULL) {
        return fmi2Error;
    }
    SavedState *state = saved_state_allocate(size);
    if (state == NULL) {
        return refuse_call(component, __func__, "out of memory");
    }
    memcpy(state->bytes, serializedState, size);
    free(*FMUstate);
    *FMUstate = state;
    return fmi2OK;
}

/* The rest of the interface, refused by name. */
static fmi2Status unsupported(fmi2Component c, const char *function)
{
    return c == NULL ? fmi2Error : refuse_call(c, function, "not supported by this FMU");
}

#include "fmi2_unsupported.h"
