// SPDX-License-Identifier: Apache-2.0
/* Command lines: options in all their forms, complaints, help. */
#include "host/scratch.h"

#include <math.h>

#include "cmd/args.h"

static const struct arg_command COMMAND = {
    .name = "play",
    .positional = "FIRST SECOND",
    .summary = "Plays.",
    .details = "In detail.",
    .examples = "mpq play a b\nmpq play a b --fast",
};

struct parsed {
    bool fast, help;
    const char *output, *positionals[2];
    size_t jobs;
    double drop;
    enum status status;
    struct error err;
};

/* Parses words, which end with NULL, behind the command's name. */
static struct parsed parse(const char *const *words)
{
    static const char name[] = "play";
    struct parsed p = {.jobs = 7, .drop = -1};
    const struct arg_option options[] = {
        {"--fast", NULL, ARG_FLAG, &p.fast, "hurry"},
        {"-o,--output", "FILE", ARG_STRING, &p.output, "where to"},
        {"-j,--jobs", "N", ARG_SIZE, &p.jobs, "how many (default 7)"},
        {"--max-acc-drop", "X", ARG_DOUBLE, &p.drop, "points"},
    };
    char *argv[16] = {(char *)name};
    int argc = 1;
    for (; *words && argc < 15; words++)
        argv[argc++] = (char *)*words;
    p.status = args_parse(argc, argv, &COMMAND, options, 4, p.positionals, 2, &p.help, &p.err);
    return p;
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void every_form_of_an_option_is_taken(void **state)
{
    (void)state;
    static const char *const forms[][5] = {
        {"a", "b", "-o", "x"},          {"-ox", "a", "b", NULL},     {"a", "-o=x", "b", NULL},
        {"--output=x", "a", "b", NULL}, {"a", "--output", "x", "b"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct parsed p = parse(forms[i]);
        check_ok(p.status, &p.err);
        assert_string_equal(p.output, "x");
        assert_string_equal(p.positionals[0], "a");
        assert_string_equal(p.positionals[1], "b");
    }
}

static void values_have_their_types_and_defaults_stay(void **state)
{
    (void)state;
    struct parsed p = PARSE("a", "b", "--fast", "--jobs", "12", "--max-acc-drop", "-0.25");
    check_ok(p.status, &p.err);
    assert_true(p.fast);
    assert_int_equal(p.jobs, 12);
    assert_true(fabs(p.drop + 0.25) < 1e-12);
    p = PARSE("a", "b");
    check_ok(p.status, &p.err);
    assert_false(p.fast);
    assert_null(p.output);
    assert_int_equal(p.jobs, 7);
}

static void words_behind_two_dashes_are_positionals(void **state)
{
    (void)state;
    const struct parsed p = PARSE("--", "--fast", "--help");
    check_ok(p.status, &p.err);
    assert_string_equal(p.positionals[0], "--fast");
    assert_string_equal(p.positionals[1], "--help");
    assert_false(p.help);
}

static void a_single_dash_is_a_positional(void **state)
{
    (void)state;
    const struct parsed p = PARSE("-", "b");
    check_ok(p.status, &p.err);
    assert_string_equal(p.positionals[0], "-");
}

static void complaints_name_the_argument_and_what_was_wanted(void **state)
{
    static const struct {
        const char *words[6], *text;
    } table[] = {
        {{"a", "b", "--jobs", "x"}, "--jobs: want a whole number of 0 or more, got 'x'"},
        {{"a", "b", "--jobs=-1"}, "--jobs: want a whole number of 0 or more, got '-1'"},
        {{"a", "b", "--jobs=1.5"}, "--jobs: want a whole number of 0 or more, got '1.5'"},
        {{"a", "b", "-j", "99999999999999999999"},
         "--jobs: want a whole number of 0 or more, got '99999999999999999999'"},
        {{"a", "b", "--jobs="}, "--jobs: want a whole number of 0 or more, got ''"},
        {{"a", "b", "--max-acc-drop", "1e999"}, "--max-acc-drop: want a number, got '1e999'"},
        {{"a", "b", "--max-acc-drop", "nan"}, "--max-acc-drop: want a number, got 'nan'"},
        {{"a", "b", "--max-acc-drop", "1%"}, "--max-acc-drop: want a number, got '1%'"},
        {{"a", "b", "--output="}, "--output: want FILE, got an empty text"},
        {{"a", "b", "-o"}, "--output: wants a value: --output FILE"},
        {{"a", "b", "--output", "--fast"}, "--output: wants a value: --output FILE"},
        {{"a", "b", "--fast=yes"}, "--fast: takes no value, got 'yes'"},
        {{"a", "b", "--outptu=x"}, "--outptu: no such option; did you mean --output?"},
        {{"a", "b", "--max"}, "--max: no such option; did you mean --max-acc-drop?"},
        {{"a", "b", "--hepl"}, "--hepl: no such option; did you mean --help?"},
        {{"a", "b", "--colour"}, "--colour: no such option"},
        {{"a", "b", "-q"}, "-q: no such option"},
        {{"a"}, "SECOND is missing; usage: mpq play FIRST SECOND [options]"},
        {{NULL}, "FIRST is missing; usage: mpq play FIRST SECOND [options]"},
        {{"a", "b", "c"}, "'c': one argument too many; usage: mpq play FIRST SECOND [options]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct parsed p = parse(table[i].words);
        check_failed(p.status, STATUS_USAGE, &p.err, table[i].text);
    }
}

static void nearest_finds_misspellings_and_beginnings_only(void **state)
{
    static const char *const names[] = {"train", "quantize", "eval", "dse"};
    (void)state;
    assert_string_equal(args_nearest("trian", names, 4), "train");
    assert_string_equal(args_nearest("quant", names, 4), "quantize");
    assert_string_equal(args_nearest("ewal", names, 4), "eval");
    assert_null(args_nearest("simulate", names, 4));
    assert_null(args_nearest("train", names, 0));
    char word[200];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_null(args_nearest(word, names, 4));
}

/* What parse() prints with these words. */
static char *printed(const char *const *words, struct parsed *p)
{
    fflush(stdout);
    const int saved = dup(STDOUT_FILENO);
    assert_true(saved >= 0);
    assert_non_null(freopen("help.txt", "wb", stdout));
    *p = parse(words);
    fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    return scratch_read("help.txt", NULL);
}

static void help_is_made_from_the_table(void **state)
{
    static const char want[] = "usage: mpq play FIRST SECOND [options]\n"
                               "\n"
                               "Plays.\n"
                               "\n"
                               "In detail.\n"
                               "\n"
                               "options:\n"
                               "      --fast                hurry\n"
                               "  -o, --output FILE         where to\n"
                               "  -j, --jobs N              how many (default 7)\n"
                               "      --max-acc-drop X      points\n"
                               "  -h, --help                show this help\n"
                               "\n"
                               "examples:\n"
                               "  mpq play a b\n"
                               "  mpq play a b --fast\n";
    static const char *const words[] = {"--nonsense", "-h", NULL};
    struct parsed p;
    (void)state;
    char *text = printed(words, &p);
    check_ok(p.status, &p.err);
    assert_true(p.help);
    assert_string_equal(text, want);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_an_option_is_taken),
        cmocka_unit_test(values_have_their_types_and_defaults_stay),
        cmocka_unit_test(words_behind_two_dashes_are_positionals),
        cmocka_unit_test(a_single_dash_is_a_positional),
        cmocka_unit_test(complaints_name_the_argument_and_what_was_wanted),
        cmocka_unit_test(nearest_finds_misspellings_and_beginnings_only),
        cmocka_unit_test(help_is_made_from_the_table),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
