/* Small helpers that every device model shares. SI units, except energy registers in Wh. */
#ifndef PHYSICS_H
#define PHYSICS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const double SECONDS_PER_HOUR = 3600.0;
static const double SECONDS_PER_MINUTE = 60.0;

/* Longest time over which a device's controls and temperatures are held constant. */
static const double LONGEST_SUBSTEP_S = 60.0;

/* Devices go through all parts of a step in blocks that stay in the first-level cache. */
enum { BLOCK = 128 };

/* Before a loop over devices: what one device writes no other reads, so the compiler may take several at a time. */
#if defined(__clang__)
#define ACROSS_DEVICES _Pragma("clang loop vectorize(assume_safety) interleave(disable)")
#elif defined(__GNUC__)
#define ACROSS_DEVICES _Pragma("GCC ivdep")
#else
#define ACROSS_DEVICES
#endif

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

/* What `condition ? yes : no` means, but always a choice between two known values: a loop over devices that branches, or
 * reads one variable only sometimes, cannot take several devices at a time. */
static inline double choose(bool condition, double yes, double no)
{
    return condition ? yes : no;
}

static inline double clamp(double x, double low, double high)
{
    return least(most(x, low), high);
}

/* Straight line through (x1, y1) and (x2, y2), held constant outside x1 to x2; needs x1 < x2. */
static inline double ramp(double x, double x1, double y1, double x2, double y2)
{
    const double between = y1 + (x - x1) * (y2 - y1) / (x2 - x1);
    return choose(x <= x1, y1, choose(x >= x2, y2, between));
}

/* e^x for x <= 0, within 1e-14 of it. The C library's exp takes one value at a time, and its last bit is not the same on
 * all systems. x = k ln 2 + 8 r with whole k: the Taylor series of e^r, three times squared, times 2^k. */
static inline double exponential(double x)
{
    const double lowest = -700.0; /* e^x is next to nothing here, and nothing at all below */
    const double ln_2_high = 0x1.62e42fee00000p-1, ln_2_low = 0x1.a39ef35793c76p-33;
    const double log2_e = 0x1.71547652b82fep+0;
    const double to_whole = 0x1.8p52; /* so large that adding it rounds to whole numbers, which its last bits then show */
    const double inside = most(x, lowest);
    const double shifted = inside * log2_e + to_whole;
    const double k = shifted - to_whole;
    const double r = 0.125 * ((inside - k * ln_2_high) - k * ln_2_low);
    const double r2 = r * r;
    const double low = (1.0 + r) + r2 * (1.0 / 2.0 + r * (1.0 / 6.0));
    const double high = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5040.0));
    double power = low + r2 * r2 * high;
    power *= power;
    power *= power;
    power *= power;
    uint64_t bits;
    double two_to_k;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52; /* the exponent of a double, biased by 1023 */
    memcpy(&two_to_k, &bits, sizeof bits);
    return choose(x < lowest, 0.0, power * two_to_k);
}

#endif
