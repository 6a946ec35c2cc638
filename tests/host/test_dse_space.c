// SPDX-License-Identifier: Apache-2.0
/* The numbering of candidates and the stretches that workers take. */
#include "host/scratch.h"

#include "dse.h"

static void count_is_widths_to_the_power_of_layers(void **state)
{
    (void)state;
    assert_int_equal(dse_space_count(&(struct dse_space){5, {8, 4, 2}, 3}), 243);
    assert_int_equal(dse_space_count(&(struct dse_space){10, {8, 4}, 2}), 1024);
    assert_int_equal(dse_space_count(&(struct dse_space){128, {4}, 1}), 1);
    assert_true(dse_space_count(&(struct dse_space){128, {8, 4, 2}, 3}) == SIZE_MAX);
    assert_true(dse_space_count(&(struct dse_space){63, {8, 4}, 2}) == (size_t)1 << 63);
    assert_true(dse_space_count(&(struct dse_space){64, {8, 4}, 2}) == SIZE_MAX);
}

/* Against counting with carry. */
static void numbers_are_lexicographic_in_the_order_of_the_widths(void **state)
{
    const struct dse_space space = {4, {4, 8, 2}, 3};
    int places[4] = {0}, bits[4];
    (void)state;
    for (size_t i = 0; i < dse_space_count(&space); i++) {
        dse_space_bits(&space, i, bits);
        for (int layer = 0; layer < 4; layer++)
            assert_int_equal(bits[layer], space.widths[places[layer]]);
        for (int layer = 3; layer >= 0 && ++places[layer] == 3; layer--)
            places[layer] = 0;
    }
}

static void stretches_are_powers_that_leave_several_for_each_job(void **state)
{
    (void)state;
    for (int widths = 1; widths <= 3; widths++)
        for (size_t jobs = 1; jobs <= 16; jobs++)
            for (size_t pending = 1; pending < 3000; pending += 7) {
                const struct dse_space space = {7, {8, 4, 2}, widths};
                const size_t stretch = dse_space_stretch(&space, pending, jobs);
                size_t power = 1;
                while (widths > 1 && power < stretch)
                    power *= (size_t)widths;
                assert_int_equal(power, stretch);
                assert_true(stretch == 1 || pending / stretch >= 8 * jobs);
                const size_t wider = stretch * (size_t)widths;
                assert_true(widths == 1 || pending / wider < 8 * jobs);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(count_is_widths_to_the_power_of_layers),
        cmocka_unit_test(numbers_are_lexicographic_in_the_order_of_the_widths),
        cmocka_unit_test(stretches_are_powers_that_leave_several_for_each_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
