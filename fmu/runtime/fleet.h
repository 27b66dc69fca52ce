/* A fleet: n devices of one model, stored variable by variable (struct of arrays).
 *
 * A device model implements the three functions below and sees nothing of FMI.
 * The FMI wrappers see the Fleet and nothing of the model's physics.
 * model_table.h and model_table.c are generated from the model's variables.toml.
 */
#ifndef FLEET_H
#define FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { CAUSALITY_PARAMETER, CAUSALITY_INPUT, CAUSALITY_OUTPUT, CAUSALITY_LOCAL } Causality;

typedef struct {
    const char *name;
    Causality causality;
    size_t rows; /* values per device: 1, or the length of a profile inside the device */
    double start;
    double min;
    double max;
} Variable;

#include "model_table.h" /* MODEL_IDENTIFIER, MODEL_KERNEL, INSTANTIATION_TOKEN, VARIABLE_COUNT, CELLS_PER_DEVICE, Devices */

extern const Variable VARIABLES[VARIABLE_COUNT];
extern const size_t CELL_VARIABLE[CELLS_PER_DEVICE]; /* variable that owns each cell of one device */

/* A rule between parameters that one device breaks. */
typedef struct {
    const char *variable;
    size_t device;
    const char *rule;
} Violation;

/* ---- implemented by each model ---- */

/* True when the parameters agree with each other; otherwise fills the violation. */
bool model_check(const Devices *d, size_t n, Violation *violation);

/* Set states and outputs from parameters and inputs, before the first step. */
void model_start(const Devices *d, size_t n);

/* Advance every device by step_s seconds with constant inputs. */
void model_step(const Devices *d, size_t n, double step_s);

/* ---- implemented by kernel_avx2.c ---- */

typedef void ModelStep(const Devices *d, size_t n, double step_s);

/* model_step, compiled for the best instructions this processor has; the results are the same bit for bit. */
ModelStep *fastest_model_step(void);

/* ---- implemented by fleet.c ---- */

typedef enum {
    MODE_INSTANTIATED = 1,
    MODE_CONFIGURATION = 2,
    MODE_INITIALIZATION = 4,
    MODE_STEP = 8,
    MODE_TERMINATED = 16
} Mode;

typedef struct {
    uint64_t n;
    double time_s;
    Mode mode;
    ModelStep *step;
    void *memory;
    double *values;                /* begins on a cache line; variable after variable, for one device without gaps */
    size_t cells;                  /* doubles there */
    double *rows[VARIABLE_COUNT];  /* first value of each variable */
} Fleet;

enum { MESSAGE_SIZE = 256 };

/* Make room for n devices and give every variable its start value; false if n is 0, too large or memory is out. */
bool fleet_resize(Fleet *fleet, uint64_t n);
void fleet_free(Fleet *fleet);

size_t fleet_value_count(const Fleet *fleet, size_t variable);

/* Null when these values may be set now, else a message naming variable, device, value and allowed range. */
const char *fleet_refusal(const Fleet *fleet, size_t variable, const double *values, size_t count,
                          char message[MESSAGE_SIZE]);

/* Null when the parameters agree with each other, else a message. */
const char *fleet_contradiction(const Fleet *fleet, char message[MESSAGE_SIZE]);

void fleet_start(Fleet *fleet);
void fleet_step(Fleet *fleet, double step_s);

/* The complete state as bytes: a header (build token, n, time, mode) and all values. */
typedef struct {
    size_t size;
    char bytes[];
} SavedState;

/* Room for a state of that many bytes, or null. Free it with free(). */
SavedState *saved_state_allocate(size_t size);

/* Save into `reuse` if it fits, else into new memory (freeing `reuse`); null if memory is out. */
SavedState *fleet_save(const Fleet *fleet, SavedState *reuse);

/* False, and nothing changed, unless the state was saved by this model and build with the same n. */
bool fleet_restore(Fleet *fleet, const SavedState *state);

#endif
