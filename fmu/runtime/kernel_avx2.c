/* The model's kernel once more, for processors with AVX2: a loop over devices then works on four at a time, not two.
 * AVX2 rounds like the instructions that every x86-64 processor has, and it contains no fused multiply-add: the results
 * are the same bit for bit. Elsewhere (other processors, other compilers) the kernel as it stands is all there is.
 */
#include "fleet.h"

/* The system's headers come first, so that only the kernel is compiled for AVX2. */
#include <math.h>
#include <string.h>

#if defined(__x86_64__) && (defined(__clang__) || defined(__GNUC__))

#include <cpuid.h>

/* AVX2 in the processor, and an operating system that keeps the wider registers. */
static bool processor_has_avx2(void)
{
    const unsigned xmm_and_ymm = 0x6;
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0) {
        return false;
    }
    unsigned enabled, high;
    __asm__("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
    if ((enabled & xmm_and_ymm) != xmm_and_ymm) {
        return false;
    }
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2) != 0;
}

ModelStep model_step_avx2;

#define model_check model_check_avx2
#define model_start model_start_avx2
#define model_step model_step_avx2
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#include MODEL_KERNEL
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef model_step

ModelStep *fastest_model_step(void)
{
    return processor_has_avx2() ? model_step_avx2 : model_step;
}

#else

ModelStep *fastest_model_step(void)
{
    return model_step;
}

#endif
