// SPDX-License-Identifier: Apache-2.0
/* What the kernel tests share: random cases, and the facts about grouped layers, additions and code that is made. */
#ifndef MPQ_KERNEL_FACTS_H
#define MPQ_KERNEL_FACTS_H

#include "kernel_case.h"

/* Of the random cases, and of the steps through the systematic ones: fewer on the core. */
#ifdef __riscv
enum { RANDOM_CASES = 6, EDGE_STEP = 7, LONG_STEP = 31 };
#else
enum { RANDOM_CASES = 2000, EDGE_STEP = 1, LONG_STEP = 1 };
#endif

extern const int widths[3];

bool coin(struct test_random *random);
enum case_contents any_contents(struct test_random *random);
struct ref_window any_window(struct test_random *random, int kernel_max, bool padded);

/* Random cases of an operation; those that have no output are drawn again. */
bool any_cases(struct test_random *random, struct kernel_case test, int count);

/* The same case at every width and activation sign, with and without ReLU. */
bool all_widths(struct kernel_case test, struct test_random *random);

/* Facts (grouped_facts.c). */
bool conv2d_groups(struct test_random *random);
bool conv2d_groups_random(struct test_random *random);
bool depthwise_kernels(struct test_random *random);
bool depthwise_rows(struct test_random *random);
bool depthwise_bands(struct test_random *random);
bool depthwise_random(struct test_random *random);
bool depthwise_extremes(struct test_random *random);
bool add_signs(struct test_random *random);

/* Facts (jit_facts.c). */
bool conv2d_tiles(struct test_random *random);
bool conv2d_unrolled(struct test_random *random);
bool conv2d_far_offsets(struct test_random *random);
bool conv2d_planes(struct test_random *random);
bool conv2d_plane_bands(struct test_random *random);
bool conv2d_planes_random(struct test_random *random);
bool conv2d_rows(struct test_random *random);
bool conv2d_rows_random(struct test_random *random);
bool depthwise_low_planes(struct test_random *random);
bool depthwise_row_loops(struct test_random *random);
bool depthwise_wide_rows(struct test_random *random);
bool pool_neighbours(struct test_random *random);

#endif
