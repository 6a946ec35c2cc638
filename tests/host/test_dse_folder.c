// SPDX-License-Identifier: Apache-2.0
/* What an earlier search left is moved aside, whole, and never lost. */
#include "host/scratch.h"

#include <sys/stat.h>

#include "search/dse_folder.h"
#include "search/journal.h"

static void make_journal(const char *path)
{
    struct journal *journal = NULL;
    struct error err;
    check_ok(journal_create(path, "{}", &journal, &err), &err);
    journal_close(journal);
}

static void make_run(const char *text)
{
    (void)mkdir("run", 0777);
    (void)mkdir("run/quant", 0777);
    make_journal("run/journal.jsonl");
    scratch_write("run/results.json", text, strlen(text));
    scratch_write("run/quant/8-8.mpq", text, strlen(text));
    scratch_write("run/notes.txt", "mine", 4);
}

static void check_text(const char *path, const char *want)
{
    char *got = scratch_read(path, NULL);
    assert_string_equal(got, want);
    free(got);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void earlier_runs_get_folders_of_their_own(void **state)
{
    struct error err;
    (void)state;
    make_run("first");
    check_ok(dse_folder_set_aside("run", &err), &err);
    assert_false(exists("run/journal.jsonl"));
    assert_false(exists("run/results.json"));
    assert_false(exists("run/quant"));
    check_text("run/notes.txt", "mine");
    make_run("second");
    check_ok(dse_folder_set_aside("run", &err), &err);
    check_text("run/previous-1/results.json", "first");
    check_text("run/previous-1/quant/8-8.mpq", "first");
    check_text("run/previous-2/results.json", "second");
    assert_true(exists("run/previous-2/journal.jsonl"));
}

static void a_folder_without_a_run_is_left_alone(void **state)
{
    struct error err;
    (void)state;
    assert_int_equal(mkdir("empty", 0777), 0);
    check_ok(dse_folder_set_aside("empty", &err), &err);
    check_ok(dse_folder_set_aside("none", &err), &err);
    assert_int_equal(rmdir("empty"), 0);
}

static void a_run_that_is_being_written_stays(void **state)
{
    struct error err;
    struct journal *writer = NULL;
    (void)state;
    make_run("third");
    check_ok(journal_open("run/journal.jsonl", &writer, &err), &err);
    check_failed(dse_folder_set_aside("run", &err), STATUS_IO, &err,
                 "run/journal.jsonl: another search is writing it; wait for its end or stop it");
    check_text("run/results.json", "third");
    assert_false(exists("run/previous-3"));
    journal_close(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(earlier_runs_get_folders_of_their_own),
        cmocka_unit_test(a_folder_without_a_run_is_left_alone),
        cmocka_unit_test(a_run_that_is_being_written_stays),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
