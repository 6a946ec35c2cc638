// SPDX-License-Identifier: Apache-2.0
/* One comparison of a kernel with the oracle, on host and core: random contents for a given layer,
 * plain arrays to the oracle, packed words to the kernels of both tiers, guard bytes round every
 * block. */
#ifndef MPQ_KERNEL_CASE_H
#define MPQ_KERNEL_CASE_H

#include <stdbool.h>
#include <stdint.h>
#include "model/ref_layers.h"
#include "model/test_random.h"

/* What the contents of a case are drawn from. */
enum case_contents {
    CONTENTS_RANDOM,   /* everything anywhere in its range */
    CONTENTS_TYPICAL,  /* shifts and biases that leave most results unclamped */
    CONTENTS_EXTREMES, /* only the ends of the ranges */
    CONTENTS_LOWEST,   /* weights and activations at their lowest */
    CONTENTS_HIGHEST,
    CONTENTS_COUNT
};

struct kernel_case {
    enum model_op op;
    int bits; /* 8, 4, 2; 0 without weights */
    bool in_signed, relu;
    bool in_place;               /* ADD: out lies in place of in2 */
    bool in2_signed;             /* ADD only */
    int height, width, channels; /* input */
    int out_channels;            /* convolution and FC only */
    int groups;                  /* convolution only; 0 means 1 */
    struct ref_window window;
    enum case_contents contents;
};

/* Runs the case; false: a line on standard output says what differs. random: contents. */
bool kernel_case_run(const struct kernel_case *test, struct test_random *random);

/* Whether the case has an output and fits the test's memory; run refuses others by returning
 * false. */
bool kernel_case_fits(const struct kernel_case *test);

/* How many kernels were compared so far, and output bytes. */
unsigned kernel_case_runs(void);
uint32_t kernel_case_bytes(void);

#endif
