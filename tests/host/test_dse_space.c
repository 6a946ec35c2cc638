// SPDX-License-Identifier: Apache-2.0
/* The order of candidates, groups and restricted layers, and the stretches that workers take. */
#include "host/scratch.h"

#include "search/dse.h"

static struct dse_space make(int layers, int a, int b, int c)
{
    struct dse_space space = {.layer_count = layers,
                              .widths = {a, b, c},
                              .width_count = c   ? 3
                                             : b ? 2
                                                 : 1};
    assert_int_equal(dse_space_divide(&space, NULL, NULL), -1);
    return space;
}

static size_t count_of(int layers, int a, int b, int c)
{
    const struct dse_space space = make(layers, a, b, c);
    return dse_space_count(&space);
}

static void spaces_are_counted_without_overflow(void **state)
{
    (void)state;
    assert_int_equal(count_of(5, 8, 4, 2), 243);
    assert_int_equal(count_of(10, 8, 4, 0), 1024);
    assert_int_equal(count_of(128, 4, 0, 0), 1);
    assert_true(count_of(128, 8, 4, 2) == SIZE_MAX);
    assert_true(count_of(63, 8, 4, 0) == (size_t)1 << 63);
    assert_true(count_of(64, 8, 4, 0) == SIZE_MAX);
    const struct dse_space large = make(43, 8, 4, 2);
    assert_true(dse_space_size(&large) > 3.28e20 && dse_space_size(&large) < 3.29e20);
}

static void candidates_are_in_lexicographic_order(void **state)
{
    const struct dse_space space = make(4, 4, 8, 2);
    int places[4] = {0}, bits[4], before[4];
    (void)state;
    for (size_t i = 0; i < dse_space_count(&space); i++) {
        dse_space_bits(&space, i, bits);
        for (int layer = 0; layer < 4; layer++)
            assert_int_equal(bits[layer], space.widths[places[layer]]);
        assert_int_equal(dse_space_index(&space, bits), i);
        assert_true(i == 0 || dse_space_compare(&space, before, bits) < 0);
        memcpy(before, bits, sizeof bits);
        for (int layer = 3; layer >= 0 && ++places[layer] == 3; layer--)
            places[layer] = 0;
    }
    bits[0] = 3;
    assert_true(dse_space_index(&space, bits) == SEARCH_NO_INDEX);
}

static void large_spaces_have_no_numbers(void **state)
{
    const struct dse_space space = make(43, 8, 4, 2);
    int bits[43];
    (void)state;
    dse_space_widest(&space, bits);
    assert_true(dse_space_has(&space, bits));
    assert_true(dse_space_index(&space, bits) == SEARCH_NO_INDEX);
}

/* Layers 1 and 3 together; layer 0 not 2 bit, layer 3 not 8 bit. */
static struct dse_space grouped(void)
{
    static const int group[] = {0, 7, 0, 7};
    static const unsigned allowed[] = {1u << 8 | 1u << 4, 0, 0, 1u << 4 | 1u << 2};
    struct dse_space space = {.layer_count = 4, .widths = {8, 4, 2}, .width_count = 3};
    assert_int_equal(dse_space_divide(&space, group, allowed), -1);
    return space;
}

static void layers_of_a_group_share_a_width_that_all_may_have(void **state)
{
    const struct dse_space space = grouped();
    int bits[4];
    (void)state;
    assert_int_equal(space.group_count, 3);
    assert_int_equal(dse_space_count(&space), 2 * 2 * 3);
    for (size_t i = 0; i < 12; i++) {
        dse_space_bits(&space, i, bits);
        assert_int_equal(bits[1], bits[3]);
        assert_true(bits[0] != 2 && bits[1] != 8);
        assert_int_equal(dse_space_index(&space, bits), i);
    }
    dse_space_widest(&space, bits);
    const int widest[] = {8, 4, 8, 4}, parted[] = {8, 4, 8, 2}, refused[] = {2, 4, 8, 4};
    assert_memory_equal(bits, widest, sizeof widest);
    assert_false(dse_space_has(&space, parted));
    assert_false(dse_space_has(&space, refused));
}

static void a_group_without_a_common_width_is_told(void **state)
{
    static const int group[] = {0, 1, 0, 1};
    static const unsigned allowed[] = {0, 1u << 8, 0, 1u << 2};
    struct dse_space space = {.layer_count = 4, .widths = {8, 4, 2}, .width_count = 3};
    (void)state;
    assert_int_equal(dse_space_divide(&space, group, allowed), 1);
}

static void stretches_leave_several_for_each_job(void **state)
{
    (void)state;
    for (int widths = 1; widths <= 3; widths++) {
        const struct dse_space space = make(7, 8, widths > 1 ? 4 : 0, widths > 2 ? 2 : 0);
        for (size_t jobs = 1; jobs <= 9; jobs++) {
            for (size_t pending = 0; pending < 3000; pending += 7) {
                const int leading = dse_space_stretch(&space, pending, jobs);
                size_t stretch = 1;
                for (int g = leading; g < 7; g++)
                    stretch *= (size_t)widths;
                assert_in_range(leading, 0, 7);
                assert_true(stretch == 1 || pending / stretch >= 8 * jobs);
                assert_true(leading == 0 || pending / (stretch * (size_t)widths) < 8 * jobs);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spaces_are_counted_without_overflow),
        cmocka_unit_test(candidates_are_in_lexicographic_order),
        cmocka_unit_test(large_spaces_have_no_numbers),
        cmocka_unit_test(layers_of_a_group_share_a_width_that_all_may_have),
        cmocka_unit_test(a_group_without_a_common_width_is_told),
        cmocka_unit_test(stretches_leave_several_for_each_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
