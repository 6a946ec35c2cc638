// SPDX-License-Identifier: Apache-2.0
/* Statuses and their texts. */
#include "host/scratch.h"

static void text_is_formatted_and_status_handed_on(void **state)
{
    struct error err;
    (void)state;
    check_failed(error_set(&err, STATUS_IO, "%s: byte %d", "a.bin", 7), STATUS_IO, &err,
                 "a.bin: byte 7");
}

static void wrapping_puts_a_prefix_before_the_text(void **state)
{
    struct error err;
    (void)state;
    enum status status = error_set(&err, STATUS_LINK, "no answer");
    status = error_wrap(&err, status, "candidate %s", "8-4-2");
    check_failed(status, STATUS_LINK, &err, "candidate 8-4-2: no answer");
}

static void long_texts_are_cut_not_overrun(void **state)
{
    struct error err;
    char letters[600];
    (void)state;
    memset(letters, 'x', sizeof letters - 1);
    letters[sizeof letters - 1] = '\0';
    assert_int_equal(error_set(&err, STATUS_INPUT, "%s", letters), STATUS_INPUT);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(error_wrap(&err, STATUS_INPUT, "y"), STATUS_INPUT);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "y: xxx", 6);
    assert_int_equal(error_set(&err, STATUS_INPUT, "cause"), STATUS_INPUT);
    assert_int_equal(error_wrap(&err, STATUS_INPUT, "%.500s", letters), STATUS_INPUT);
    assert_int_equal(strlen(err.text), 500 + strlen(": cause"));
    check_contains(err.text, "xxx: cause");
    assert_int_equal(error_wrap(&err, STATUS_INPUT, "%.505s", letters), STATUS_INPUT);
    assert_string_equal(err.text + 505, ": xxxx");
}

static void exit_codes_are_the_documented_ones(void **state)
{
    static const struct {
        enum status status;
        int code;
    } table[] = {
        {STATUS_OK, 0},   {STATUS_USAGE, 2},    {STATUS_INPUT, 1},       {STATUS_IO, 1},
        {STATUS_LINK, 1}, {STATUS_MISMATCH, 3}, {STATUS_CANCELLED, 130}, {STATUS_NO_MEMORY, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(status_exit_code(table[i].status), table[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_formatted_and_status_handed_on),
        cmocka_unit_test(wrapping_puts_a_prefix_before_the_text),
        cmocka_unit_test(long_texts_are_cut_not_overrun),
        cmocka_unit_test(exit_codes_are_the_documented_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
