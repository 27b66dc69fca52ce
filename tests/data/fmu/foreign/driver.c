/* Runs the library of an FMU by a plan and prints what it answers, bit by bit: `driver LIBRARY PLAN`.
 *
 * Small enough to be compiled for any platform, so that the binaries of an FMU can be compared between platforms.
 * A plan is words: `2` or `3` (version of FMI), the token, and for 3 the reference of n and its value; then any of
 *   set K N  K references, N values        get K N  K references        begin        step TIME SIZE
 * Numbers that are values or times are the 64 bits of a double in hexadecimal. Every call prints its status.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fmi2Functions.h"
#include "fmi3Functions.h"

#ifdef _WIN32
#include <windows.h>
static void *opened(const char *path) { return (void *)LoadLibraryA(path); }
static void *symbol(void *library, const char *name) { return (void *)GetProcAddress((HMODULE)library, name); }
#else
#include <dlfcn.h>
static void *opened(const char *path) { return dlopen(path, RTLD_NOW); }
static void *symbol(void *library, const char *name) { return dlsym(library, name); }
#endif

enum { MOST = 4096 };

static void *library;
static FILE *plan;

static void *need(const char *name)
{
    void *found = symbol(library, name);
    if (!found) {
        printf("no function %s\n", name);
        exit(3);
    }
    return found;
}
#define CALL(name) ((name##TYPE *)need(#name))

static void stop(const char *why)
{
    printf("%s\n", why);
    exit(2);
}

static size_t whole(void)
{
    size_t value;
    if (fscanf(plan, "%zu", &value) != 1) {
        stop("the plan lacks a number");
    }
    return value;
}

static double number(void)
{
    uint64_t bits;
    double value;
    if (fscanf(plan, "%" SCNx64, &bits) != 1) {
        stop("the plan lacks a value");
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void log2_(fmi2ComponentEnvironment e, fmi2String i, fmi2Status s, fmi2String c, fmi2String text, ...)
{
    (void)e, (void)i, (void)c;
    printf("log %d %s\n", (int)s, text);
}

static void log3_(fmi3InstanceEnvironment e, fmi3Status s, fmi3String c, fmi3String text)
{
    (void)e, (void)c;
    printf("log %d %s\n", (int)s, text);
}

int main(int count, char **arguments)
{
    static char word[256], token[256];
    static unsigned references[MOST];
    static double values[MOST];
    if (count != 3 || !(library = opened(arguments[1])) || !(plan = fopen(arguments[2], "r"))) {
        stop("usage: driver LIBRARY PLAN; one of them cannot be opened");
    }
    const size_t version = whole();
    if (fscanf(plan, "%255s", token) != 1) {
        stop("the plan lacks a token");
    }
    static const fmi2CallbackFunctions callbacks = {log2_, calloc, free, NULL, NULL};
    void *fmu = version == 2
        ? CALL(fmi2Instantiate)("foreign", fmi2CoSimulation, token, "", &callbacks, fmi2False, fmi2False)
        : CALL(fmi3InstantiateCoSimulation)("foreign", token, "", false, false, false, false, NULL, 0, NULL, log3_, NULL);
    if (!fmu) {
        stop("not instantiated");
    }
    if (version == 3) {
        const fmi3ValueReference reference = (fmi3ValueReference)whole();
        const fmi3UInt64 n = whole();
        printf("n %d", (int)CALL(fmi3EnterConfigurationMode)(fmu));
        printf(" %d", (int)CALL(fmi3SetUInt64)(fmu, &reference, 1, &n, 1));
        printf(" %d\n", (int)CALL(fmi3ExitConfigurationMode)(fmu));
    } else {
        printf("setup %d\n", (int)CALL(fmi2SetupExperiment)(fmu, fmi2False, 0.0, 0.0, fmi2False, 0.0));
    }
    while (fscanf(plan, "%255s", word) == 1) {
        int status = 0, last = 0;
        if (!strcmp(word, "begin") && version == 2) {
            status = CALL(fmi2EnterInitializationMode)(fmu);
            last = CALL(fmi2ExitInitializationMode)(fmu);
        } else if (!strcmp(word, "begin")) {
            status = CALL(fmi3EnterInitializationMode)(fmu, false, 0.0, 0.0, false, 0.0);
            last = CALL(fmi3ExitInitializationMode)(fmu);
        } else if (!strcmp(word, "step")) {
            const double time = number(), size = number();
            fmi3Boolean event = false, end = false, early = false;
            double reached = time;
            status = version == 2 ? (int)CALL(fmi2DoStep)(fmu, time, size, fmi2True)
                                  : (int)CALL(fmi3DoStep)(fmu, time, size, true, &event, &end, &early, &reached);
        } else {
            const int setting = !strcmp(word, "set");
            const size_t k = whole(), n = whole();
            if (k > MOST || n > MOST) {
                stop("the plan asks for too many values at once");
            }
            for (size_t j = 0; j < k; j++) {
                references[j] = (unsigned)whole();
            }
            for (size_t j = 0; j < n; j++) {
                values[j] = setting ? number() : 0.0;
            }
            status = version == 2 ? (int)(setting ? CALL(fmi2SetReal)(fmu, references, k, values)
                                                  : CALL(fmi2GetReal)(fmu, references, k, values))
                                  : (int)(setting ? CALL(fmi3SetFloat64)(fmu, references, k, values, n)
                                                  : CALL(fmi3GetFloat64)(fmu, references, k, values, n));
            for (size_t j = 0; j < n && !setting; j++) {
                uint64_t bits;
                memcpy(&bits, &values[j], sizeof bits);
                printf("%016" PRIx64 " ", bits);
            }
        }
        printf("%s %d %d\n", word, status, last);
    }
    return 0;
}
