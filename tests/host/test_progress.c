// SPDX-License-Identifier: Apache-2.0
/* Progress in virtual time: plain lines, a bar on a terminal, JSON events, nothing; and Ctrl-C. */
#include "host/terminal.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <cjson/cJSON.h>

#include "base/progress.h"

static int64_t now_ms = 5000;

/* The clock of progress.c; the name is libc's. */
int clock_gettime(clockid_t id, struct timespec *out)
{
    (void)id;
    out->tv_sec = now_ms / 1000;
    out->tv_nsec = now_ms % 1000 * 1000000;
    return 0;
}

/* stderr goes into fd until it is given back. */
static int take_stderr(int fd)
{
    fflush(stderr);
    const int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    return saved;
}

static void give_stderr_back(int saved)
{
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

/* 20 units of 1 s each, the first of them by an earlier run. */
static void work(enum progress_mode mode, size_t earlier)
{
    struct progress *progress = progress_start(mode, "search", 20);
    assert_non_null(progress);
    if (earlier)
        progress_go_on(progress, earlier, "goes on");
    for (size_t done = earlier + 1; done <= 20; done++) {
        now_ms += 1000;
        progress_update(progress, done, done == 20 ? "last" : "note");
        progress_update(progress, done / 2, NULL); /* never goes back */
    }
    progress_finish(progress, NULL);
}

/* What work() says to a file. */
static char *said(enum progress_mode mode, size_t earlier)
{
    const int fd = open("said.txt", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    const int saved = take_stderr(fd);
    work(mode, earlier);
    give_stderr_back(saved);
    close(fd);
    return scratch_read("said.txt", NULL);
}

static void elsewhere_than_on_a_terminal_a_plain_line_comes_now_and_then(void **state)
{
    (void)state;
    char *text = said(PROGRESS_AUTO, 0);
    assert_string_equal(text, "search: 5/20 (25 %), 5 s, 15 s left, note\n"
                              "search: 10/20 (50 %), 10 s, 10 s left, note\n"
                              "search: 15/20 (75 %), 15 s, 5 s left, note\n"
                              "search: 20/20 (100 %), 20 s, last\n"
                              "search: 20/20 (100 %), 20 s, last\n");
    free(text);
}

/* What an earlier run has done says nothing about the speed of this one. */
static void work_that_goes_on_is_estimated_by_its_own_speed(void **state)
{
    (void)state;
    char *text = said(PROGRESS_AUTO, 12);
    assert_string_equal(text, "search: 12/20 (60 %), 0 s, goes on\n"
                              "search: 17/20 (85 %), 5 s, 3 s left, note\n"
                              "search: 20/20 (100 %), 8 s, last\n");
    free(text);
}

static void quiet_says_nothing(void **state)
{
    (void)state;
    char *text = said(PROGRESS_QUIET, 0);
    assert_string_equal(text, "");
    free(text);
}

static double number(const cJSON *event, const char *field)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(event, field);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void json_is_one_event_a_line(void **state)
{
    size_t count = 0;
    double done = 0;
    char *rest = NULL, *text = said(PROGRESS_JSON, 0);
    (void)state;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        cJSON *event = cJSON_ParseWithOpts(line, NULL, 1);
        if (!event)
            fail_msg("not JSON: %s", line);
        const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "event"));
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "label")),
                            "search");
        assert_string_equal(kind, count == 0 ? "start" : done < 20 ? "progress" : kind);
        assert_true(number(event, "done") >= done);
        done = number(event, "done");
        assert_int_equal((int)number(event, "total"), 20);
        if (done > 0 && done < 20)
            assert_int_equal((int)(number(event, "left_s") + 0.5), 20 - (int)done);
        count++;
        cJSON_Delete(event);
    }
    assert_int_equal((int)done, 20);
    assert_in_range(count, 20, 42);
    free(text);
}

static void json_escapes_texts(void **state)
{
    static const char label[] = "a \"b\" \\ \n\t", note[] = "\x01\xc3\xa9";
    (void)state;
    const int fd = open("said.txt", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const int saved = take_stderr(fd);
    struct progress *progress = progress_start(PROGRESS_JSON, label, 0);
    progress_finish(progress, note);
    give_stderr_back(saved);
    close(fd);
    char *text = scratch_read("said.txt", NULL);
    cJSON *end = cJSON_Parse(strchr(text, '\n') + 1);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(end, "label")),
                        label);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(end, "note")), note);
    cJSON_Delete(end);
    free(text);
}

static void on_a_terminal_a_bar_fills_and_fits_the_width(void **state)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 60};
    struct terminal terminal;
    char text[8192];
    size_t used = 0;
    (void)state;
    terminal_open(&terminal);
    const int slave = open(terminal.name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
    const int saved = take_stderr(slave);
    work(PROGRESS_AUTO, 0);
    give_stderr_back(saved);
    close(slave);
    for (ssize_t n; (n = read(terminal.master, text + used, sizeof text - 1 - used)) > 0;)
        used += (size_t)n;
    text[used] = '\0';
    close(terminal.master);
    check_contains(text, "search [........................]   0 %  0/20  0 s");
    check_contains(text, "search [############............]  50 %  10/20  10 s, 10 s");
    check_contains(text, "search [########################] 100 %  20/20  20 s  last");
    assert_non_null(strchr(text, '\n'));
    assert_ptr_equal(strchr(text, '\n'), text + used - 1); /* one line, ended once */
    char *rest = NULL;
    for (char *part = strtok_r(text, "\r\n", &rest); part; part = strtok_r(NULL, "\r\n", &rest))
        if (strcspn(part, "\033") >= size.ws_col)
            fail_msg("wider than %d columns: %s", size.ws_col, part);
}

static void durations_are_readable(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } table[] = {
        {400, "x: 0/1 (0 %), 0 s\n"},           {59400, "x: 0/1 (0 %), 59 s\n"},
        {60000, "x: 0/1 (0 %), 1:00 min\n"},    {754000, "x: 0/1 (0 %), 12:34 min\n"},
        {3600000, "x: 0/1 (0 %), 1:00:00 h\n"}, {360000000 + 61000, "x: 0/1 (0 %), 100:01:01 h\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const int fd = open("said.txt", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        const int saved = take_stderr(fd);
        struct progress *progress = progress_start(PROGRESS_AUTO, "x", 1);
        now_ms += table[i].ms;
        progress_finish(progress, NULL);
        give_stderr_back(saved);
        close(fd);
        char *text = scratch_read("said.txt", NULL);
        assert_string_equal(text, table[i].text);
        free(text);
    }
}

static void no_progress_is_no_trouble(void **state)
{
    (void)state;
    progress_update(NULL, 3, "x");
    progress_go_on(NULL, 3, "x");
    progress_finish(NULL, "x");
}

enum { THREADS = 4, UPDATES = 500 };

static void *update_often(void *progress)
{
    for (size_t i = 1; i <= UPDATES; i++)
        progress_update(progress, i, "from a thread");
    return NULL;
}

static void threads_may_update_together(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    struct progress *progress = progress_start(PROGRESS_QUIET, "x", UPDATES);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, update_often, progress), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    progress_finish(progress, NULL);
}

/* In processes of their own: the handler and its flag stay. */
static int end_of_child(int signals)
{
    int status = -1;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen("stopping.txt", "wb", stderr))
            _exit(9);
        interrupt_install();
        if (interrupt_requested())
            _exit(8);
        for (int i = 0; i < signals; i++)
            raise(SIGINT);
        _exit(interrupt_requested() ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void ctrl_c_is_a_wish_and_a_second_one_an_end(void **state)
{
    (void)state;
    int status = end_of_child(0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    status = end_of_child(1);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    char *text = scratch_read("stopping.txt", NULL);
    assert_string_equal(text, "\nstopping; once more to end at once\n");
    free(text);
    status = end_of_child(2);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elsewhere_than_on_a_terminal_a_plain_line_comes_now_and_then),
        cmocka_unit_test(work_that_goes_on_is_estimated_by_its_own_speed),
        cmocka_unit_test(quiet_says_nothing),
        cmocka_unit_test(json_is_one_event_a_line),
        cmocka_unit_test(json_escapes_texts),
        cmocka_unit_test(on_a_terminal_a_bar_fills_and_fits_the_width),
        cmocka_unit_test(durations_are_readable),
        cmocka_unit_test(no_progress_is_no_trouble),
        cmocka_unit_test(threads_may_update_together),
        cmocka_unit_test(ctrl_c_is_a_wish_and_a_second_one_an_end),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
