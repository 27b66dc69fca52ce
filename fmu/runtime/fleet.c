#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t LARGEST_FLEET = 1u << 26;
enum { CACHE_LINE = 64, CELLS_PER_LINE = CACHE_LINE / sizeof(double), SHORT_ROW = 512 };
static const char STATE_MAGIC[8] = "HGFLEET";

typedef struct {
    char magic[8];
    char token[40];
    uint64_t n;
    double time_s;
    int64_t mode;
} StateHeader;

size_t fleet_value_count(const Fleet *fleet, size_t variable)
{
    return VARIABLES[variable].rows * (size_t)fleet->n;
}

/* Cells from one variable to the next. Long rows are an odd number of cache lines apart: a step reads one cell of some
 * fifty rows at a time, and a power of two between them would send all fifty to the same few places in the cache. */
static size_t spacing(size_t count)
{
    if (count < SHORT_ROW) {
        return count;
    }
    const size_t lines = (count + CELLS_PER_LINE - 1) / CELLS_PER_LINE;
    return (lines | 1) * CELLS_PER_LINE;
}

bool fleet_resize(Fleet *fleet, uint64_t n)
{
    if (n == 0 || n > LARGEST_FLEET) {
        return false;
    }
    size_t total = 0;
    for (size_t k = 0; k < VARIABLE_COUNT; k++) {
        total += spacing(VARIABLES[k].rows * (size_t)n);
    }
    void *memory = calloc(total * sizeof(double) + CACHE_LINE, 1); /* zeros: what lies between rows is saved too */
    if (memory == NULL) {
        return false;
    }
    free(fleet->memory);
    fleet->memory = memory;
    fleet->values = (double *)(((uintptr_t)memory + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    fleet->cells = total;
    fleet->n = n;
    fleet->step = fastest_model_step();
    double *row = fleet->values;
    for (size_t k = 0; k < VARIABLE_COUNT; k++) {
        const size_t count = fleet_value_count(fleet, k);
        fleet->rows[k] = row;
        for (size_t i = 0; i < count; i++) {
            row[i] = VARIABLES[k].start;
        }
        row += spacing(count);
    }
    return true;
}

void fleet_free(Fleet *fleet)
{
    free(fleet->memory);
    fleet->memory = NULL;
    fleet->values = NULL;
}

/* Devices is generated with one pointer per variable, in the order of VARIABLES. */
static Devices fleet_devices(const Fleet *fleet)
{
    Devices devices;
    _Static_assert(sizeof devices == sizeof fleet->rows, "one pointer per variable");
    memcpy(&devices, fleet->rows, sizeof devices);
    return devices;
}

static bool settable(const Fleet *fleet, Causality causality)
{
    switch (causality) {
    case CAUSALITY_PARAMETER:
        return (fleet->mode & (MODE_INSTANTIATED | MODE_INITIALIZATION)) != 0;
    case CAUSALITY_INPUT:
        return (fleet->mode & (MODE_INSTANTIATED | MODE_INITIALIZATION | MODE_STEP)) != 0;
    default:
        return false;
    }
}

/* Whether low <= value <= high for all; false for NaN. No early end: the compiler can compare several at a time. */
static bool all_inside(const double *values, size_t count, double low, double high)
{
    int64_t outside = 0;
    for (size_t i = 0; i < count; i++) {
        outside |= values[i] >= low ? 0 : 1;
        outside |= values[i] <= high ? 0 : 1;
    }
    return outside == 0;
}

const char *fleet_refusal(const Fleet *fleet, size_t variable, const double *values, size_t count,
                          char message[MESSAGE_SIZE])
{
    const Variable *v = &VARIABLES[variable];
    if (!settable(fleet, v->causality)) {
        const char *why = "cannot be set in the present state";
        if (v->causality == CAUSALITY_OUTPUT || v->causality == CAUSALITY_LOCAL) {
            why = "only parameters and inputs can be set";
        } else if (v->causality == CAUSALITY_PARAMETER && fleet->mode == MODE_STEP) {
            why = "parameters are fixed after initialization";
        }
        snprintf(message, MESSAGE_SIZE, "%s: %s", v->name, why);
        return message;
    }
    if (all_inside(values, count, v->min, v->max)) {
        return NULL;
    }
    size_t i = 0;
    while (values[i] >= v->min && values[i] <= v->max) {
        i++;
    }
    snprintf(message, MESSAGE_SIZE, "%s[%zu]: %g is outside %g to %g", v->name, i, values[i], v->min, v->max);
    return message;
}

const char *fleet_contradiction(const Fleet *fleet, char message[MESSAGE_SIZE])
{
    const Devices devices = fleet_devices(fleet);
    Violation violation;
    if (model_check(&devices, (size_t)fleet->n, &violation)) {
        return NULL;
    }
    snprintf(message, MESSAGE_SIZE, "%s[%zu]: %s", violation.variable, violation.device, violation.rule);
    return message;
}

void fleet_start(Fleet *fleet)
{
    const Devices devices = fleet_devices(fleet);
    model_start(&devices, (size_t)fleet->n);
}

void fleet_step(Fleet *fleet, double step_s)
{
    const Devices devices = fleet_devices(fleet);
    fleet->step(&devices, (size_t)fleet->n, step_s);
    fleet->time_s += step_s;
}

static size_t state_size(const Fleet *fleet)
{
    return sizeof(StateHeader) + fleet->cells * sizeof(double);
}

SavedState *saved_state_allocate(size_t size)
{
    SavedState *state = malloc(sizeof *state + size);
    if (state != NULL) {
        state->size = size;
    }
    return state;
}

SavedState *fleet_save(const Fleet *fleet, SavedState *reuse)
{
    const size_t size = state_size(fleet);
    SavedState *state = reuse;
    if (state == NULL || state->size != size) {
        free(state);
        state = saved_state_allocate(size);
    }
    if (state == NULL) {
        return NULL;
    }
    StateHeader header;
    memset(&header, 0, sizeof header);
    memcpy(header.magic, STATE_MAGIC, sizeof header.magic);
    snprintf(header.token, sizeof header.token, "%s", INSTANTIATION_TOKEN);
    header.n = fleet->n;
    header.time_s = fleet->time_s;
    header.mode = fleet->mode;
    memcpy(state->bytes, &header, sizeof header);
    memcpy(state->bytes + sizeof header, fleet->values, size - sizeof header);
    return state;
}

bool fleet_restore(Fleet *fleet, const SavedState *state)
{
    StateHeader header;
    if (state->size != state_size(fleet)) {
        return false;
    }
    memcpy(&header, state->bytes, sizeof header);
    if (memcmp(header.magic, STATE_MAGIC, sizeof header.magic) != 0) {
        return false;
    }
    if (strncmp(header.token, INSTANTIATION_TOKEN, sizeof header.token) != 0 || header.n != fleet->n) {
        return false;
    }
    fleet->time_s = header.time_s;
    fleet->mode = (Mode)header.mode;
    memcpy(fleet->values, state->bytes + sizeof header, state->size - sizeof header);
    return true;
}
