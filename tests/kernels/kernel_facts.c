// SPDX-License-Identifier: Apache-2.0
/* Random cases for the kernel tests. */
#include "kernel_facts.h"

const int widths[] = {8, 4, 2};

bool coin(struct test_random *random)
{
    return test_random_between(random, 0, 1);
}

enum case_contents any_contents(struct test_random *random)
{
    return (enum case_contents)test_random_between(random, 0, CONTENTS_COUNT - 1);
}

struct ref_window any_window(struct test_random *random, int kernel_max, bool padded)
{
    struct ref_window w = {.kernel_h = test_random_between(random, 1, kernel_max),
                           .kernel_w = test_random_between(random, 1, kernel_max),
                           .stride_h = test_random_between(random, 1, 3),
                           .stride_w = test_random_between(random, 1, 3)};

    if (padded) {
        w.pad_top = test_random_between(random, 0, w.kernel_h - 1);
        w.pad_left = test_random_between(random, 0, w.kernel_w - 1);
        w.pad_bottom = test_random_between(random, 0, w.kernel_h - 1);
        w.pad_right = test_random_between(random, 0, w.kernel_w - 1);
    }
    return w;
}

bool any_cases(struct test_random *random, struct kernel_case test, int count)
{
    while (count > 0) {
        test.in_signed = coin(random);
        test.relu = coin(random) && test.bits;
        test.contents = any_contents(random);
        test.height = test_random_between(random, 1, 9);
        test.width = test_random_between(random, 1, 9);
        test.channels = test_random_between(random, 1, 9);
        test.out_channels = test_random_between(random, 1, 9);
        if (test.op == OP_CONV2D || test.op == OP_MAXPOOL || test.op == OP_AVGPOOL)
            test.window = any_window(random, 7, test.op != OP_AVGPOOL && coin(random));
        if (!kernel_case_fits(&test))
            continue;
        if (!kernel_case_run(&test, random))
            return false;
        count--;
    }
    return true;
}

bool all_widths(struct kernel_case test, struct test_random *random)
{
    for (unsigned i = 0; i < 12; i++) {
        test.bits = widths[i % 3];
        test.in_signed = i / 3 % 2;
        test.relu = i / 6 % 2;
        if (!kernel_case_run(&test, random))
            return false;
    }
    return true;
}
