// SPDX-License-Identifier: Apache-2.0
/* The host's half of the protocol against a core on a bad line, in virtual time. */
#include "host/fake_core.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/progress.h"
#include "model_format.h"
#include "target/session.h"

enum { DATA_BYTES = 24000, PATIENCE_MS = 10000 };

static struct fake_core core;
static struct session session;
static uint8_t data[DATA_BYTES];

static int begin(void **state)
{
    struct rng rng;
    (void)state;
    rng_init(&rng, 1, 0);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)rng_below(&rng, 4) ? (uint8_t)rng_next(&rng) : 0;
    fake_core_init(&core);
    session_init(&session, &core.link);
    return 0;
}

static void hello(void)
{
    struct target_info info;
    struct error err;
    check_ok(session_hello(&session, &info, &err), &err);
}

static enum status write_and_drain(size_t size, struct error *err)
{
    const enum status status = session_write(&session, SPACE_MODEL, 100, data, size, err);
    return status ? status : session_drain(&session, err);
}

static enum status read_back(size_t count, struct session_answer *answer, struct error *err)
{
    uint8_t payload[10] = {SPACE_MODEL};
    put_u32(payload + 4, 100);
    put_u16(payload + 8, (uint16_t)count);
    const struct session_request request = {
        .type = PROTO_READ, .payload = payload, .size = sizeof payload, .work_ms = core.compute_ms};
    return session_demand(&session, &request, answer, err);
}

/* Writes all data, reads some back; everything arrived once and in order. */
static void check_transfer(void)
{
    struct session_answer answer;
    struct error err;
    check_ok(write_and_drain(DATA_BYTES, &err), &err);
    assert_memory_equal(core.memory + 100, data, DATA_BYTES);
    check_ok(read_back(1000, &answer, &err), &err);
    assert_int_equal(answer.size, 1000);
    assert_memory_equal(answer.data, data, 1000);
    assert_int_equal(core.reads, 1);
}

static void hello_tells_about_the_core(void **state)
{
    struct target_info info;
    struct error err;
    (void)state;
    check_ok(session_hello(&session, &info, &err), &err);
    assert_int_equal(info.protocol_version, PROTO_VERSION);
    assert_int_equal(info.window, 8);
    assert_int_equal(info.tiers, 3);
    assert_int_equal(info.clock_hz, 50000000);
    assert_int_equal(info.ram_bytes, 1 << 20);
    assert_int_equal(info.model_area_bytes, FAKE_MEMORY_BYTES);
    assert_string_equal(info.firmware, "fake 1.2.3.4");
    assert_true(session.open);
}

static void writes_fill_the_window_and_no_more(void **state)
{
    static const unsigned windows[] = {1, 3, 16, 200};
    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        begin(NULL);
        core.window = windows[i];
        hello();
        check_transfer();
        assert_int_equal(core.most_unanswered,
                         windows[i] < PROTO_WINDOW_MAX ? windows[i] : PROTO_WINDOW_MAX);
        assert_int_equal(session.statistics.frames_resent, 0);
        assert_int_equal(core.writes, (DATA_BYTES + PROTO_DATA_MAX - 1) / PROTO_DATA_MAX);
    }
}

static enum fate one_to_core(struct fake_core *c, enum way way, unsigned number)
{
    return way == TO_CORE && number == c->target ? c->target_fate : FATE_ARRIVES;
}

static enum fate one_to_host(struct fake_core *c, enum way way, unsigned number)
{
    return way == TO_HOST && number == c->target ? c->target_fate : FATE_ARRIVES;
}

static void one_frame_in_trouble_costs_little(void **state)
{
    (void)state;
    for (int fate = FATE_LOST; fate <= FATE_LATE; fate++)
        for (int to_host = 0; to_host <= 1; to_host++)
            for (unsigned n = 0; n < 30; n++) {
                begin(NULL);
                core.fate = to_host ? one_to_host : one_to_core;
                core.target = n;
                core.target_fate = (enum fate)fate;
                const int64_t start_ms = fake_now_ms();
                hello();
                check_transfer();
                if (fake_now_ms() - start_ms > 3000)
                    fail_msg("fate %d, to host %d, frame %u: took %ld ms", fate, to_host, n,
                             (long)(fake_now_ms() - start_ms));
            }
}

static void a_later_answer_stands_for_a_lost_one(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 20; n++) { /* answers to WRITEs */
        begin(NULL);
        core.fate = one_to_host;
        core.target = n;
        core.target_fate = FATE_LOST;
        hello();
        check_transfer();
        assert_int_equal(session.statistics.frames_resent, 0);
    }
}

static enum fate many(struct fake_core *c, enum way way, unsigned number)
{
    (void)way;
    (void)number;
    return rng_below(&c->rng, c->target) ? FATE_ARRIVES
                                         : (enum fate)(1 + rng_below(&c->rng, FATE_LATE));
}

static void a_bad_line_delivers_all_in_the_end(void **state)
{
    uint64_t resent = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        begin(NULL);
        core.fate = many;
        core.target = 4 + (unsigned)seed % 30; /* one frame in so many */
        rng_init(&core.rng, seed, 0);
        hello();
        check_transfer();
        resent += session.statistics.frames_resent;
    }
    assert_true(resent > 100);
}

static enum fate all_damaged_to_core(struct fake_core *c, enum way way, unsigned number)
{
    return way == TO_CORE && number >= c->target ? FATE_DAMAGED : FATE_ARRIVES;
}

static void frames_shrink_on_a_noisy_line_and_grow_on_a_good_one(void **state)
{
    struct error err;
    (void)state;
    hello();
    assert_int_equal(session.chunk_bytes, PROTO_DATA_MAX);
    core.fate = one_to_core;
    core.target = core.frames[TO_CORE];
    core.target_fate = FATE_DAMAGED;
    check_ok(write_and_drain(2000, &err), &err);
    assert_true(session.chunk_bytes < PROTO_DATA_MAX);
    check_ok(write_and_drain(DATA_BYTES, &err), &err);
    check_ok(write_and_drain(DATA_BYTES, &err), &err);
    assert_int_equal(session.chunk_bytes, PROTO_DATA_MAX);
    assert_memory_equal(core.memory + 100, data, DATA_BYTES);
}

static void few_frames_are_on_their_way_where_the_smallest_come_damaged(void **state)
{
    struct error err;
    (void)state;
    hello();
    session.chunk_bytes = 64;
    core.most_unanswered = 0;
    check_ok(write_and_drain(10 * 64, &err), &err);
    assert_int_equal(core.most_unanswered, 4);
    session.chunk_bytes = 128;
    check_ok(write_and_drain(10 * 128, &err), &err);
    assert_int_equal(core.most_unanswered, 8);
}

/* Pause before a repetition grows with the latency: it must not come of lost frames. */
static void lost_frames_on_a_noisy_line_do_not_count_as_latency(void **state)
{
    struct error err;
    (void)state;
    hello();
    core.fate = one_to_core;
    core.target = core.frames[TO_CORE];
    core.target_fate = FATE_DAMAGED;
    check_ok(write_and_drain(1000, &err), &err);
    core.target = core.frames[TO_CORE];
    core.target_fate = FATE_LOST;
    check_ok(write_and_drain(10, &err), &err);
    assert_int_equal(session.statistics.timeouts, 1);
    assert_in_range(session.latency_ms, 1, 20);
}

static void late_answers_on_a_good_line_count_as_latency(void **state)
{
    struct error err;
    (void)state;
    hello();
    core.fate = one_to_host;
    core.target = core.frames[TO_HOST];
    core.target_fate = FATE_LATE;
    check_ok(write_and_drain(10, &err), &err);
    assert_in_range(session.latency_ms, 40, FAKE_LATE_MS);
}

static void a_line_that_damages_everything_is_called_noisy(void **state)
{
    struct error err;
    (void)state;
    hello();
    core.fate = all_damaged_to_core;
    core.target = core.frames[TO_CORE];
    assert_int_equal(write_and_drain(3000, &err), STATUS_LINK);
    check_contains(err.text, "fake: no answer to write after ");
    check_contains(err.text, "frames were damaged, the line is noisy: shorten the cable, lower the "
                             "baud rate, or reset the board");
    assert_false(session.open);
}

static void a_core_that_takes_nothing_is_given_up_after_so_many_tries(void **state)
{
    struct error err;
    (void)state;
    hello();
    core.naks_all = true;
    const int64_t start_ms = fake_now_ms();
    check_failed(write_and_drain(3000, &err), STATUS_LINK, &err,
                 "fake: write: not one of 200 tries came through, the line is too noisy; shorten "
                 "the cable or lower the baud rate");
    assert_true(fake_now_ms() - start_ms < PATIENCE_MS);
}

static void silence_from_the_start_suspects_the_port(void **state)
{
    struct target_info info;
    struct error err;
    (void)state;
    core.silent = true;
    const int64_t start_ms = fake_now_ms();
    const enum status status = session_hello(&session, &info, &err);
    assert_int_equal(status, STATUS_LINK);
    check_contains(err.text, "fake: no answer to hello after ");
    check_contains(err.text,
                   "check that this is the right port and that the loader runs on the core");
    assert_in_range(fake_now_ms() - start_ms, PATIENCE_MS, PATIENCE_MS + 500);
    assert_in_range(session.statistics.timeouts, 2, 10);
}

static void silence_in_a_session_suspects_the_core(void **state)
{
    struct session_answer answer;
    struct error err;
    (void)state;
    hello();
    core.silent = true;
    const int64_t start_ms = fake_now_ms();
    assert_int_equal(read_back(8, &answer, &err), STATUS_LINK);
    check_contains(err.text, "fake: no answer to read after ");
    check_contains(err.text, "the core hangs or the line is broken: reset the board");
    assert_in_range(fake_now_ms() - start_ms, PATIENCE_MS, PATIENCE_MS + 500);
    core.silent = false; /* reset: everything is well again */
    hello();
    check_transfer();
}

static void patience_is_the_callers_to_set(void **state)
{
    uint8_t payload[10] = {SPACE_MODEL};
    struct session_request request = {PROTO_READ, payload, sizeof payload, 0, 2000};
    struct session_answer answer;
    struct error err;
    (void)state;
    hello();
    core.silent = true;
    const int64_t start_ms = fake_now_ms();
    assert_int_equal(session_ask(&session, &request, &answer, &err), STATUS_LINK);
    assert_in_range(fake_now_ms() - start_ms, 2000, 2500);
}

static void nonsense_without_end_suspects_the_baud_rate(void **state)
{
    struct target_info info;
    struct error err;
    (void)state;
    core.chatters = true;
    const int64_t start_ms = fake_now_ms();
    assert_int_equal(session_hello(&session, &info, &err), STATUS_LINK);
    check_contains(err.text, "bytes arrive that are no answer: check the baud rate and that the "
                             "loader runs on the core");
    assert_in_range(fake_now_ms() - start_ms, PATIENCE_MS, 3 * PATIENCE_MS);
}

static void long_work_is_waited_for_without_repetition(void **state)
{
    struct session_answer answer;
    struct error err;
    (void)state;
    hello();
    core.compute_ms = 20000;
    check_ok(read_back(4, &answer, &err), &err);
    assert_int_equal(session.statistics.frames_resent, 0);
    assert_int_equal(core.reads, 1);
}

static void work_that_takes_longer_than_said_is_not_done_twice(void **state)
{
    uint8_t payload[10] = {SPACE_MODEL};
    struct session_request request = {PROTO_READ, payload, sizeof payload, 100, 0};
    struct session_answer answer;
    struct error err;
    (void)state;
    hello();
    core.compute_ms = 3000;
    check_ok(session_demand(&session, &request, &answer, &err), &err);
    assert_true(session.statistics.frames_resent > 0);
    assert_int_equal(core.reads, 1);
    core.reads = 0;
    core.compute_ms = 0;
    check_transfer(); /* the repeated answers come in now, and answer nothing */
}

static void a_trap_ends_the_wait_with_cause_place_and_layer(void **state)
{
    struct error err;
    (void)state;
    hello();
    core.trap_at_write = 3;
    const int64_t start_ms = fake_now_ms();
    check_failed(write_and_drain(DATA_BYTES, &err), STATUS_LINK, &err,
                 "fake: the core trapped in layer 3: illegal instruction (mcause 0x2) at pc "
                 "0x00101234, value 0xdeadbeef; it has restarted");
    assert_true(fake_now_ms() - start_ms < 200);
    assert_false(session.open);
    core.trap_at_write = 0;
    hello(); /* and what is left of the old session disturbs nothing */
    check_transfer();
}

static void a_core_that_restarted_is_told_apart_from_a_refusal(void **state)
{
    struct session_answer answer;
    struct error err;
    (void)state;
    hello();
    core.in_session = false;
    check_failed(write_and_drain(3000, &err), STATUS_LINK, &err,
                 "fake: write refused: the core restarted or has seen no hello");
    assert_false(session.open);
    hello();
    core.in_session = false;
    check_failed(read_back(4, &answer, &err), STATUS_LINK, &err,
                 "fake: read refused: the core restarted or has seen no hello");
}

static void refusals_are_told_once(void **state)
{
    struct session_answer answer;
    struct error err;
    (void)state;
    hello();
    core.refuse_write = PROTO_E_RANGE;
    check_failed(write_and_drain(5000, &err), STATUS_INPUT, &err,
                 "fake: write refused: address range outside the space");
    core.refuse_write = PROTO_OK;
    check_ok(session_drain(&session, &err), &err);
    check_transfer();
    const struct session_request commit = {.type = PROTO_COMMIT};
    check_ok(session_ask(&session, &commit, &answer, &err), &err);
    assert_int_equal(answer.status, PROTO_E_TYPE);
    check_failed(session_demand(&session, &commit, &answer, &err), STATUS_INPUT, &err,
                 "fake: commit refused: request type not known to the core");
    assert_true(session.open);
}

static void another_hellos_answer_is_not_taken(void **state)
{
    struct target_info info;
    struct error err;
    (void)state;
    core.nonce_mask = 1;
    assert_int_equal(session_hello(&session, &info, &err), STATUS_LINK);
    check_contains(err.text, "no answer to hello");
    core.nonce_mask = 0;
    hello();
    check_transfer();
}

static void another_protocol_version_is_named(void **state)
{
    static const uint8_t refusal[PROTO_STATUS_BYTES] = {PROTO_E_VERSION, 7};
    struct target_info info;
    struct error err;
    (void)state;
    core.silent = true;
    /* the numbering of the hello to come, as session_hello() makes it */
    const uint8_t seq = (uint8_t)((session.nonce * 1664525u + 1013904223u) >> 24);
    fake_send(&core, PROTO_HELLO | PROTO_RESPONSE, seq, refusal, sizeof refusal, 0);
    check_failed(session_hello(&session, &info, &err), STATUS_LINK, &err,
                 "fake: the core speaks protocol version 7, this tool 3; use firmware and tool of "
                 "one build");
}

static void stray_frames_answer_nothing(void **state)
{
    static const uint8_t ok[PROTO_STATUS_BYTES] = {PROTO_OK};
    struct session_answer answer;
    struct error err;
    (void)state;
    hello();
    const uint8_t next = session.next_seq;
    fake_send(&core, PROTO_READ | PROTO_RESPONSE, (uint8_t)(next + 1), ok, sizeof ok, 0);
    fake_send(&core, PROTO_RUN | PROTO_RESPONSE, next, ok, sizeof ok, 0);
    fake_send(&core, PROTO_READ | PROTO_RESPONSE, next, ok, 1, 0);
    fake_send(&core, PROTO_READ, next, ok, sizeof ok, 0);
    fake_send(&core, PROTO_NAK, 0, ok, 1, 0);
    fake_send(&core, PROTO_TRAP, 0, ok, 4, 0);
    core.memory[100] = 77;
    check_ok(read_back(1, &answer, &err), &err);
    assert_int_equal(answer.size, 1);
    assert_int_equal(answer.data[0], 77);
}

/* In a process of its own: the wish to stop stays. */
static void ctrl_c_ends_a_wait(void **state)
{
    int status = -1;
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct target_info info;
        struct error err;
        const int null_fd = open("/dev/null", O_WRONLY);
        dup2(null_fd, STDERR_FILENO);
        interrupt_install();
        core.silent = true;
        raise(SIGINT);
        const enum status ended = session_hello(&session, &info, &err);
        _exit(ended == STATUS_CANCELLED && !strcmp(err.text, "fake: interrupted") ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void every_status_and_cause_has_a_text(void **state)
{
    uint8_t payload[SESSION_TRAP_BYTES] = {0};
    char text[160];
    (void)state;
    for (unsigned status = PROTO_OK; status <= PROTO_E_LAYER; status++)
        assert_true(strlen(session_status_text(status)) > 3);
    assert_string_equal(session_status_text(200), "status not known here: newer firmware?");
    assert_string_equal(session_type_name(PROTO_RESET), "reset");
    assert_string_equal(session_type_name(99), "request");
    put_u32(payload, 5);
    put_u16(payload + 12, MODEL_NONE);
    session_trap_text(payload, text, sizeof text);
    assert_string_equal(text, "the core trapped outside a model run: load from an unmapped address "
                              "(mcause 0x5) at pc 0x00000000, value 0x00000000");
    put_u32(payload, 0x80000007);
    session_trap_text(payload, text, sizeof text);
    check_contains(text, "unexpected interrupt (mcause 0x80000007)");
    put_u32(payload, 99);
    session_trap_text(payload, text, sizeof text);
    check_contains(text, "exception of unknown cause (mcause 0x63)");
}

#define CASE(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(hello_tells_about_the_core),
        CASE(writes_fill_the_window_and_no_more),
        CASE(one_frame_in_trouble_costs_little),
        CASE(a_later_answer_stands_for_a_lost_one),
        CASE(a_bad_line_delivers_all_in_the_end),
        CASE(frames_shrink_on_a_noisy_line_and_grow_on_a_good_one),
        CASE(few_frames_are_on_their_way_where_the_smallest_come_damaged),
        CASE(lost_frames_on_a_noisy_line_do_not_count_as_latency),
        CASE(late_answers_on_a_good_line_count_as_latency),
        CASE(a_line_that_damages_everything_is_called_noisy),
        CASE(a_core_that_takes_nothing_is_given_up_after_so_many_tries),
        CASE(silence_from_the_start_suspects_the_port),
        CASE(silence_in_a_session_suspects_the_core),
        CASE(patience_is_the_callers_to_set),
        CASE(nonsense_without_end_suspects_the_baud_rate),
        CASE(long_work_is_waited_for_without_repetition),
        CASE(work_that_takes_longer_than_said_is_not_done_twice),
        CASE(a_trap_ends_the_wait_with_cause_place_and_layer),
        CASE(a_core_that_restarted_is_told_apart_from_a_refusal),
        CASE(refusals_are_told_once),
        CASE(another_hellos_answer_is_not_taken),
        CASE(another_protocol_version_is_named),
        CASE(stray_frames_answer_nothing),
        CASE(ctrl_c_ends_a_wait),
        CASE(every_status_and_cause_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
