// SPDX-License-Identifier: Apache-2.0
/* Checkpoint files: round trip, pace, damage at every byte. Trainings that use them:
 * test_train_resume.c. */
#include "host/scratch.h"

#include <time.h>

#include "bytes.h"
#include "crc32.h"
#include "host/small_problem.h"
#include "train/train_checkpoint.h"

#define PART "m.float.part"

/* The clock, whose name is libc's: it stands still, or goes on by a second with every look. */
static time_t now_s, tick_s;

int clock_gettime(clockid_t id, struct timespec *out)
{
    (void)id;
    *out = (struct timespec){.tv_sec = now_s += tick_s};
    return 0;
}

/* A checkpoint of little memory, without a training. */
struct small_state {
    struct net *net;
    struct data_split data;
    uint64_t count;
    float values[3];
    struct train_checkpoint *checkpoint;
};

static void small_open(struct small_state *s, double interval_s, bool fill, const char *name)
{
    struct error err;
    s->net = small_net(SMALL_LAYERS);
    s->data = small_split(4, 1, 1);
    s->count = fill ? 7 : 0;
    for (int i = 0; i < 3; i++)
        s->values[i] = fill ? (float)i + 0.5f : 0;
    const struct train_binding binding = {s->net, 1, &s->data, 0, "cpu"};
    check_ok(train_checkpoint_create(&binding, PART, interval_s, true, &s->checkpoint, &err), &err);
    train_checkpoint_add(s->checkpoint, "count", &s->count, sizeof s->count);
    train_checkpoint_add(s->checkpoint, name, s->values, sizeof s->values);
}

static void small_close(struct small_state *s)
{
    train_checkpoint_free(s->checkpoint);
    data_free(&s->data);
    net_free(s->net);
}

/* Bytes of a good file; free() it. */
static uint8_t *good_bytes(size_t *size)
{
    struct small_state s;
    struct error err;
    small_open(&s, 0, true, "values");
    check_ok(train_checkpoint_save(s.checkpoint, &err), &err);
    small_close(&s);
    return (uint8_t *)scratch_read(PART, size);
}

static void check_untouched(const struct small_state *s)
{
    const float zeros[3] = {0};
    assert_true(s->count == 0);
    assert_memory_equal(s->values, zeros, sizeof zeros);
}

static void what_was_kept_comes_back(void **state)
{
    struct small_state s;
    struct error err;
    size_t size;
    bool resumed = false;
    (void)state;
    free(good_bytes(&size));
    small_open(&s, 0, false, "values");
    check_ok(train_checkpoint_load(s.checkpoint, &resumed, &err), &err);
    assert_true(resumed && s.count == 7 && memcmp(s.values, (float[]){0.5f, 1.5f, 2.5f}, 12) == 0);
    assert_string_equal(train_checkpoint_path(s.checkpoint), PART);
    small_close(&s);
    train_checkpoint_free(NULL);
}

/* keep() is called once a second; writing takes another one. */
static void checkpoints_are_written_now_and_then(void **state)
{
    static const struct {
        double interval_s;
        int calls[3]; /* up to a write */
    } TABLE[] = {{20, {20, 50, 50}}, {100, {100, 100, 100}}, {0, {1, 1, 1}}};
    (void)state;
    (void)unlink(PART);
    tick_s = 1;
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++) {
        struct small_state s;
        small_open(&s, TABLE[i].interval_s, true, "values");
        for (int write = 0; write < 3; write++) {
            int calls = 0;
            for (; access(PART, F_OK) != 0; calls++)
                train_checkpoint_keep(s.checkpoint, PROGRESS_QUIET);
            assert_int_equal(calls, TABLE[i].calls[write]);
            assert_int_equal(unlink(PART), 0);
        }
        small_close(&s);
    }
    tick_s = 0;
}

/* Every byte changed, every length that is too short. */
static void damaged_and_cut_checkpoints_are_refused(void **state)
{
    struct small_state s;
    size_t size;
    uint8_t *bytes = good_bytes(&size);
    (void)state;
    small_open(&s, 0, false, "values");
    for (size_t i = 0; i < size; i++) {
        struct error err;
        bool resumed = true;
        bytes[i] ^= 0x10;
        scratch_write(PART, bytes, size);
        bytes[i] ^= 0x10;
        assert_int_equal(train_checkpoint_load(s.checkpoint, &resumed, &err), STATUS_INPUT);
        check_contains(err.text, PART ": ");
        check_contains(err.text, "--force");
        scratch_write(PART, bytes, i);
        assert_int_equal(train_checkpoint_load(s.checkpoint, &resumed, &err), STATUS_INPUT);
        check_contains(err.text, "cut short");
        assert_false(resumed);
        check_untouched(&s);
    }
    small_close(&s);
    free(bytes);
}

/* Loads bytes with the checksum made right again, and wants this complaint. */
static void check_forged(uint8_t *bytes, size_t size, const char *name, const char *text)
{
    struct small_state s;
    struct error err;
    bool resumed = true;
    put_u32(bytes + size - 4, crc32_update(0, bytes, size - 4));
    scratch_write(PART, bytes, size);
    small_open(&s, 0, false, name);
    check_failed(train_checkpoint_load(s.checkpoint, &resumed, &err), STATUS_INPUT, &err, text);
    assert_false(resumed);
    check_untouched(&s);
    small_close(&s);
}

static void wrong_contents_with_a_good_checksum_are_named(void **state)
{
    enum { AT_VERSION = 4, AT_BINDING = 8, AT_STATE = 16 };
    static const char parts[] = PART ": its parts do not make up the file; --force starts over";
    static const char other[] =
        PART ": holds another state than this build of mpq trains with; resume with the build that "
             "wrote it, or --force to start over";
    size_t size;
    uint8_t *bytes = good_bytes(&size);
    (void)state;
    bytes[AT_VERSION]++;
    check_forged(bytes, size, "values",
                 PART ": checkpoint version 2, this tool reads 1; --force starts over");
    bytes[AT_VERSION]--;
    bytes[AT_BINDING + 3] ^= 0x80;
    check_forged(bytes, size, "values", parts);
    bytes[AT_BINDING + 3] ^= 0x80;
    bytes[AT_STATE]++;
    check_forged(bytes, size, "values", parts);
    bytes[AT_STATE]--;
    check_forged(bytes, size, "others", other);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_comes_back),
        cmocka_unit_test(checkpoints_are_written_now_and_then),
        cmocka_unit_test(damaged_and_cut_checkpoints_are_refused),
        cmocka_unit_test(wrong_contents_with_a_good_checksum_are_named),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
