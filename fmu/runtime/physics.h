/* Small helpers that every device model shares. SI units, except energy registers in Wh. */
#ifndef PHYSICS_H
#define PHYSICS_H

#include <math.h>
#include <stddef.h>

static const double SECONDS_PER_HOUR = 3600.0;
static const double SECONDS_PER_MINUTE = 60.0;

/* Longest time over which a device's controls and temperatures are held constant. */
static const double LONGEST_SUBSTEP_S = 60.0;

typedef struct {
    int count;
    double length_s;
} Substeps;

/* Equal parts of a step, none longer than LONGEST_SUBSTEP_S: one 900-s step walks the path of fifteen 60-s steps. */
static inline Substeps substeps(double step_s)
{
    const double rounding = 1e-9;
    const int count = (int)ceil(step_s / LONGEST_SUBSTEP_S - rounding);
    Substeps result;
    result.count = count < 1 ? 1 : count;
    result.length_s = step_s / result.count;
    return result;
}

static inline double least(double a, double b)
{
    return a < b ? a : b;
}

static inline double most(double a, double b)
{
    return a > b ? a : b;
}

static inline double clamp(double x, double low, double high)
{
    return least(most(x, low), high);
}

/* Straight line through (x1, y1) and (x2, y2), held constant outside x1 to x2; needs x1 < x2. */
static inline double ramp(double x, double x1, double y1, double x2, double y2)
{
    if (x <= x1) {
        return y1;
    }
    if (x >= x2) {
        return y2;
    }
    return y1 + (x - x1) * (y2 - y1) / (x2 - x1);
}

#endif
