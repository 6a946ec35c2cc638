// SPDX-License-Identifier: Apache-2.0
/* The host's emulation of the neural instructions against their oracle, one instruction at a
 * time. */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/nn_model.h"
#include "model/test_random.h"
#include "nn_insn.h"

enum { RANDOM_INSTRUCTIONS = 200000, MODES = 8 };

/* Words that carry far: ends of bytes, nibbles and bit pairs, and of the accumulator. */
static const uint32_t edge_words[] = {0,          0xffffffff, 0x80808080, 0x7f7f7f7f,
                                      0x88888888, 0x77777777, 0xaaaaaaaa, 0x55555555,
                                      0x01010101, 0x80000000, 0x000000ff, 0xff000000};
enum { EDGE_WORDS = sizeof edge_words / sizeof edge_words[0] };

static uint32_t shifts_of(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return a << 27 | b << 20 | c << 13 | d << 6;
}

static uint32_t any_word(struct test_random *random)
{
    return test_random_between(random, 0, 3)
               ? test_random_next(random)
               : edge_words[test_random_between(random, 0, EDGE_WORDS - 1)];
}

static void init(struct nn_model *nn, uint32_t rs1, uint32_t rs2)
{
    nn_model_init(nn, rs1, rs2);
    neur_init(rs1, rs2);
}

static void mac(struct nn_model *nn, unsigned which, uint32_t rs1, uint32_t rs2)
{
    nn_model_mac(nn, rs1, rs2);
    if (which % 3 == 0)
        nn_mac_8b(rs1, rs2);
    else if (which % 3 == 1)
        nn_mac_4b(rs1, rs2);
    else
        nn_mac_2b(rs1, rs2);
}

static void check_res(const struct nn_model *nn, uint32_t rs1, uint32_t rs2)
{
    const uint32_t want = nn_model_res(nn, rs1, rs2), got = neur_res(rs1, rs2);

    if (got != want)
        print_error("acc %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32 ", rs1 %08" PRIx32
                    ", rs2 %08" PRIx32 ": got %08" PRIx32 ", want %08" PRIx32 "\n",
                    nn->acc[0], nn->acc[1], nn->acc[2], nn->acc[3], rs1, rs2, got, want);
    assert_int_equal(got, want);
}

/* The accumulators, by way of results: multiplier 1, each byte shifted to the bottom. */
static void check_state(const struct nn_model *nn)
{
    for (unsigned shift = 0; shift < 32; shift += 5) {
        check_res(nn, 0x01010101, shifts_of(shift, shift, shift, shift));
        check_res(nn, 0x01010101, shifts_of(shift, shift, shift, shift) | 1);
    }
}

static void random_programs_equal_the_oracle(void **state)
{
    struct test_random random = {1};
    struct nn_model nn;

    (void)state;
    init(&nn, 0, 0);
    for (unsigned i = 0; i < RANDOM_INSTRUCTIONS; i++) {
        const int kind = test_random_between(&random, 0, 15);

        if (kind == 0)
            init(&nn, any_word(&random), any_word(&random));
        else if (kind < 12)
            mac(&nn, (unsigned)kind, any_word(&random), any_word(&random));
        else
            check_res(&nn, any_word(&random), any_word(&random));
    }
}

static void every_mode_multiplies_every_edge_word(void **state)
{
    struct nn_model nn;

    (void)state;
    for (uint32_t mode = 0; mode < MODES; mode++) {
        for (unsigned i = 0; i < EDGE_WORDS; i++) {
            for (unsigned j = 0; j < EDGE_WORDS; j++) {
                init(&nn, edge_words[i], shifts_of(i, j, 31 - i, 31 - j) | mode);
                check_state(&nn);
                for (unsigned step = 0; step < 5; step++) {
                    mac(&nn, step, edge_words[i], edge_words[j]);
                    check_state(&nn);
                }
            }
        }
    }
}

static void biases_take_every_shift(void **state)
{
    struct nn_model nn;

    (void)state;
    for (unsigned bias = 0; bias < 256; bias++) {
        for (unsigned shift = 0; shift < 32; shift++) {
            init(&nn, bias * 0x01010101, shifts_of(shift, 31 - shift, shift / 2, shift ^ 1));
            check_state(&nn);
        }
    }
}

static void results_round_and_clamp_at_every_shift(void **state)
{
    struct test_random random = {2};
    struct nn_model nn;

    (void)state;
    for (unsigned shift = 0; shift < 32; shift++) {
        for (unsigned multiplier = 0; multiplier < 256; multiplier++) {
            init(&nn, any_word(&random), any_word(&random));
            mac(&nn, shift, any_word(&random), any_word(&random));
            check_res(&nn, multiplier * 0x01010101, shifts_of(shift, shift, shift, shift));
            check_res(&nn, multiplier * 0x01010101, shifts_of(shift, shift, shift, shift) | 1);
        }
    }
}

static void bits_without_meaning_are_ignored(void **state)
{
    const uint32_t init_bits = shifts_of(31, 31, 31, 31) | 7, res_bits = init_bits & ~6u;
    struct test_random random = {3};
    struct nn_model nn;
    uint32_t plain;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        const uint32_t biases = any_word(&random), rs2 = any_word(&random);

        neur_init(biases, rs2 & init_bits);
        plain = neur_res(0x80808080, rs2 & res_bits);
        init(&nn, biases, rs2);
        check_res(&nn, 0x80808080, rs2);
        assert_int_equal(neur_res(0x80808080, rs2), plain);
    }
}

static void results_leave_the_state_alone(void **state)
{
    struct test_random random = {4};
    struct nn_model nn;

    (void)state;
    init(&nn, 0x11223344, shifts_of(3, 2, 1, 0));
    for (unsigned i = 0; i < 1000; i++) {
        const uint32_t rs1 = any_word(&random), rs2 = any_word(&random);

        assert_int_equal(neur_res(rs1, rs2), neur_res(rs1, rs2));
        mac(&nn, i, any_word(&random), any_word(&random));
        check_state(&nn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_equal_the_oracle),
        cmocka_unit_test(every_mode_multiplies_every_edge_word),
        cmocka_unit_test(biases_take_every_shift),
        cmocka_unit_test(results_round_and_clamp_at_every_shift),
        cmocka_unit_test(bits_without_meaning_are_ignored),
        cmocka_unit_test(results_leave_the_state_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
