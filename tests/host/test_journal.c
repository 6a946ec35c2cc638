// SPDX-License-Identifier: Apache-2.0
/* The journal: killed at any byte, damaged, shared by threads, locked against a second writer. */
#include "host/scratch.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "search/journal.h"

static const char HEADER[] = "{\"schema\":\"test\",\"seed\":1}";
static const char *const RECORDS[] = {"{\"index\":0}", "{\"index\":1,\"note\":\"a \\\" b\"}",
                                      "{\"index\":2}"};
enum { RECORD_COUNT = 3 };

static struct journal *open_existing(const char *path)
{
    struct journal *journal = NULL;
    struct error err;
    check_ok(journal_open(path, &journal, &err), &err);
    return journal;
}

/* A journal with all records, closed. Returns its bytes; free() them. */
static char *make(const char *path, size_t *size)
{
    struct journal *journal = NULL;
    struct error err;
    check_ok(journal_create(path, HEADER, &journal, &err), &err);
    assert_string_equal(journal_header(journal), HEADER);
    assert_int_equal(journal_count(journal), 0);
    for (int i = 0; i < RECORD_COUNT; i++)
        check_ok(journal_append(journal, RECORDS[i], &err), &err);
    journal_close(journal);
    return scratch_read(path, size);
}

/* The journal holds the header and the first `want` records. */
static void check_records(const struct journal *journal, size_t want)
{
    assert_non_null(journal);
    assert_string_equal(journal_header(journal), HEADER);
    assert_int_equal(journal_count(journal), want);
    for (size_t i = 0; i < want; i++)
        assert_string_equal(journal_record(journal, i), RECORDS[i]);
}

static size_t line_start(const char *text, size_t line)
{
    const char *at = text;
    for (; line > 0; line--)
        at = strchr(at, '\n') + 1;
    return (size_t)(at - text);
}

static void records_come_back_in_order(void **state)
{
    size_t size;
    char *text = make("j", &size);
    (void)state;
    assert_int_equal(line_start(text, RECORD_COUNT + 1), size);
    free(text);
    struct journal *journal = open_existing("j");
    check_records(journal, RECORD_COUNT);
    journal_close(journal);
    journal_close(NULL);
}

static void lines_have_the_documented_form(void **state)
{
    size_t size;
    char *text = make("j", &size);
    (void)state;
    text[line_start(text, 2) - 1] = '\0';
    /* CRC-32 of {"index":0}, by another implementation */
    assert_string_equal(text + line_start(text, 1),
                        "{\"crc\":\"f4da5350\",\"record\":{\"index\":0}}");
    free(text);
}

/* What was begun when the writer died is cut off, what was finished stays, and the next record
 * follows it. */
static void a_kill_at_any_byte_loses_at_most_the_last_line(void **state)
{
    size_t size;
    char *text = make("j", &size);
    const size_t last = line_start(text, RECORD_COUNT);
    struct error err;
    (void)state;
    for (size_t cut = last; cut < size; cut++) {
        scratch_write("j", text, cut);
        struct journal *journal = open_existing("j");
        check_records(journal, RECORD_COUNT - 1);
        check_ok(journal_append(journal, RECORDS[2], &err), &err);
        journal_close(journal);
        size_t now;
        char *again = scratch_read("j", &now);
        assert_int_equal(now, size);
        assert_memory_equal(again, text, size);
        free(again);
    }
    free(text);
}

static void a_damaged_last_line_is_cut_too(void **state)
{
    size_t size;
    char *text = make("j", &size);
    const size_t last = line_start(text, RECORD_COUNT);
    (void)state;
    for (size_t at = last; at + 1 < size; at++) { /* all but the newline */
        text[at] ^= 1;
        scratch_write("j", text, size);
        text[at] ^= 1;
        struct journal *journal = open_existing("j");
        check_records(journal, RECORD_COUNT - 1);
        journal_close(journal);
        free(scratch_read("j", &size));
        assert_int_equal(size, last);
        size = line_start(text, RECORD_COUNT + 1);
    }
    free(text);
}

static void damage_with_good_lines_behind_is_an_error(void **state)
{
    size_t size;
    char *text = make("j", &size);
    (void)state;
    for (size_t line = 0; line < RECORD_COUNT; line++)
        for (size_t at = line_start(text, line); at < line_start(text, line + 1); at += 7) {
            static const struct journal *const untouched = NULL;
            struct journal *journal = (struct journal *)untouched;
            struct error err;
            char want[160];
            text[at] ^= 1;
            scratch_write("j", text, size);
            text[at] ^= 1;
            snprintf(want, sizeof want,
                     "j: line %zu is damaged, with good lines behind it; restore the file, or "
                     "start over with --force",
                     line + 1);
            check_failed(journal_open("j", &journal, &err), STATUS_INPUT, &err, want);
            assert_null(journal);
            size_t now;
            free(scratch_read("j", &now));
            assert_int_equal(now, size); /* left as it was */
        }
    free(text);
}

static void a_file_without_a_header_is_nothing_to_go_on_with(void **state)
{
    size_t size;
    char *text = make("j", &size);
    (void)state;
    for (size_t cut = 0; cut < line_start(text, 1); cut += 5) {
        scratch_write("j", text, cut);
        assert_null(open_existing("j"));
    }
    scratch_write("j", "something else\nof two lines\n", 28);
    assert_null(open_existing("j"));
    free(text);
}

static void creating_replaces_an_old_journal(void **state)
{
    size_t size;
    struct journal *journal = NULL;
    struct error err;
    (void)state;
    free(make("j", &size));
    check_ok(journal_create("j", HEADER, &journal, &err), &err);
    journal_close(journal);
    journal = open_existing("j");
    check_records(journal, 0);
    journal_close(journal);
}

static void a_second_writer_is_refused_and_harms_nothing(void **state)
{
    static const char busy[] = "j: another search is writing it; wait for its end or stop it";
    size_t size;
    struct journal *second = NULL;
    struct error err;
    (void)state;
    free(make("j", &size));
    struct journal *first = open_existing("j");
    check_failed(journal_open("j", &second, &err), STATUS_IO, &err, busy);
    assert_null(second);
    check_failed(journal_create("j", HEADER, &second, &err), STATUS_IO, &err, busy);
    assert_null(second);
    journal_close(first);
    first = open_existing("j");
    check_records(first, RECORD_COUNT);
    journal_close(first);
}

static void a_journal_moves_unless_it_is_being_written(void **state)
{
    size_t size;
    struct error err;
    (void)state;
    free(make("old", &size));
    struct journal *writer = open_existing("old");
    check_failed(journal_move("old", "new", &err), STATUS_IO, &err,
                 "old: another search is writing it; wait for its end or stop it");
    assert_int_equal(access("old", F_OK), 0);
    journal_close(writer);
    check_ok(journal_move("old", "new", &err), &err);
    assert_int_not_equal(access("old", F_OK), 0);
    struct journal *moved = open_existing("new");
    check_records(moved, RECORD_COUNT);
    journal_close(moved);
}

/* A full disk in the middle of a line: the line is taken back, so that others may follow. */
static void a_line_that_fails_half_way_is_taken_back(void **state)
{
    size_t size;
    struct rlimit old, low;
    struct error err;
    (void)state;
    free(make("j", &size));
    struct journal *journal = open_existing("j");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = (struct rlimit){.rlim_cur = size + 10, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    const enum status status = journal_append(journal, RECORDS[0], &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    check_failed(status, STATUS_IO, &err, "j: cannot write: File too large");
    check_ok(journal_append(journal, "{\"index\":3}", &err), &err);
    journal_close(journal);
    journal = open_existing("j");
    assert_int_equal(journal_count(journal), RECORD_COUNT + 1);
    assert_string_equal(journal_record(journal, RECORD_COUNT), "{\"index\":3}");
    journal_close(journal);
}

static void missing_folders_are_named(void **state)
{
    struct journal *journal = NULL;
    struct error err;
    (void)state;
    check_failed(journal_open("none/j", &journal, &err), STATUS_IO, &err,
                 "none/j: cannot open: No such file or directory");
    check_failed(journal_create("none/j", HEADER, &journal, &err), STATUS_IO, &err,
                 "none/j: cannot open: No such file or directory");
}

enum { THREADS = 4, APPENDS = 200 };

struct writer {
    struct journal *journal;
    int number;
    enum status status;
};

static void *append_many(void *argument)
{
    struct writer *writer = argument;
    char record[64];
    struct error err;
    for (int i = 0; i < APPENDS && writer->status == STATUS_OK; i++) {
        snprintf(record, sizeof record, "{\"writer\":%d,\"i\":%d}", writer->number, i);
        writer->status = journal_append(writer->journal, record, &err);
    }
    return NULL;
}

static void threads_append_whole_lines(void **state)
{
    struct journal *journal = NULL;
    struct writer writers[THREADS];
    pthread_t threads[THREADS];
    struct error err;
    int next[THREADS] = {0};
    (void)state;
    check_ok(journal_create("j", HEADER, &journal, &err), &err);
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){journal, i, STATUS_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(writers[i].status, STATUS_OK);
    }
    journal_close(journal);
    journal = open_existing("j");
    assert_int_equal(journal_count(journal), THREADS * APPENDS);
    for (size_t k = 0; k < journal_count(journal); k++) { /* each writer's own, in order */
        int number = -1, i = -1;
        assert_int_equal(
            sscanf(journal_record(journal, k), "{\"writer\":%d,\"i\":%d}", &number, &i), 2);
        assert_in_range(number, 0, THREADS - 1);
        assert_int_equal(i, next[number]++);
    }
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_in_order),
        cmocka_unit_test(lines_have_the_documented_form),
        cmocka_unit_test(a_kill_at_any_byte_loses_at_most_the_last_line),
        cmocka_unit_test(a_damaged_last_line_is_cut_too),
        cmocka_unit_test(damage_with_good_lines_behind_is_an_error),
        cmocka_unit_test(a_file_without_a_header_is_nothing_to_go_on_with),
        cmocka_unit_test(creating_replaces_an_old_journal),
        cmocka_unit_test(a_second_writer_is_refused_and_harms_nothing),
        cmocka_unit_test(a_journal_moves_unless_it_is_being_written),
        cmocka_unit_test(a_line_that_fails_half_way_is_taken_back),
        cmocka_unit_test(missing_folders_are_named),
        cmocka_unit_test(threads_append_whole_lines),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
