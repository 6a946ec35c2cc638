// SPDX-License-Identifier: Apache-2.0
/* The bytes of protocol and container, against files: neither changes unnoticed. Run from the
 * project's root. Where a change is meant, the version number changes with it and the files are
 * written anew: test_golden --write. */
#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "bytes.h"
#include "loader_rig.h"
#include "model/build_container.h"

#define CONTAINER    "tests/protocol/golden/container.hex"
#define GROUPED      "tests/protocol/golden/grouped.hex"
#define CONVERSATION "tests/protocol/golden/conversation.hex"

enum {
    LINE_BYTES = 32, /* of a file's line */
    RECORDS_MAX = 40,
    DATA = PROTO_STATUS_BYTES,
    SAMPLE_INPUT = 36
};

/* One series of bytes of a file: a line that begins with > (to the core), < (from the core) or =,
 * and the lines that go on with it. */
struct record {
    char kind;
    uint8_t bytes[PROTO_WIRE_MAX];
    size_t size;
};

static struct loader_rig rig;
static struct record records[RECORDS_MAX];

/* ---- Files ---- */

static void take_hex(struct record *record, const char *text)
{
    unsigned byte;
    int used;

    while (sscanf(text, " %2x%n", &byte, &used) == 1) {
        assert_true(record->size < sizeof record->bytes);
        record->bytes[record->size++] = (uint8_t)byte;
        text += used;
    }
}

static unsigned read_records(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[4 * LINE_BYTES];
    unsigned count = 0;

    if (!file)
        fail_msg("%s cannot be read; run the test from the project's root", path);
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            continue;
        if (!isspace((unsigned char)line[0])) {
            assert_true(count < RECORDS_MAX);
            records[count] = (struct record){.kind = line[0]};
            count++;
        }
        assert_true(count > 0);
        take_hex(&records[count - 1], line + 1);
    }
    fclose(file);
    return count;
}

static void write_record(FILE *file, char kind, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(file, "%c%02x%s", i == 0 ? kind : ' ', bytes[i],
                i % LINE_BYTES == LINE_BYTES - 1 || i == size - 1 ? "\n" : "");
}

/* ---- The conversation ---- */

struct step {
    const char *what;
    uint8_t type;
    uint8_t payload[16];
    size_t size;
};

/* After HELLO and the container's WRITE. Numbers go on from HELLO's 0x10. */
static const struct step steps[] = {
    {"hash, blocks of 512 bytes of the first 788",
     PROTO_HASH,
     {SPACE_MODEL, 0, 0, 0, 0, 0, 0, 0, 0x14, 3, 0, 0, 0, 2, 0, 0},
     16},
    {"read, 8 bytes at 16", PROTO_READ, {SPACE_MODEL, 0, 0, 0, 16, 0, 0, 0, 8, 0}, 10},
    {"commit with a wrong size: truncated", PROTO_COMMIT, {0x10, 0, 0, 0}, 4},
    {"commit", PROTO_COMMIT, {0x14, 3, 0, 0}, 4},
    {"run, neural instructions, with counters", PROTO_RUN, {TIER_NN, RUN_PROFILE, 0, 0}, 4},
    {"run, plain instructions, up to layer 2", PROTO_RUN, {TIER_RV32, 0, 2, 0}, 4},
    {"counters from layer 6", PROTO_COUNTERS, {6, 0}, 2},
    {"a type that does not exist", 0x7f, {0}, 0},
    {"rate, 1,000,000 baud", PROTO_RATE, {0x40, 0x42, 0x0f, 0}, 4},
    {"echo", PROTO_ECHO, {0x55, 0, 0xff}, 3},
    {"reset", PROTO_RESET, {0}, 0},
};

static void write_exchange(FILE *file, const char *what, const struct wire_frame *request)
{
    uint8_t wire[PROTO_WIRE_MAX];
    const size_t size = wire_encode(request, wire);

    rig_clear(&rig);
    rig_feed(&rig, wire, size);
    fprintf(file, "# %s\n", what);
    write_record(file, '>', wire, size);
    write_record(file, '<', rig.sent, rig.sent_size);
}

static void write_conversation(FILE *file, const uint8_t *container, size_t size)
{
    struct wire_frame frame = {.type = PROTO_HELLO, .seq = 0x10, .size = 6};

    put_u32(frame.payload, 0x12345678);
    put_u16(frame.payload + 4, PROTO_VERSION);
    write_exchange(file, "hello", &frame);
    frame.type = PROTO_WRITE;
    frame.seq++;
    frame.size = rig_space_request(frame.payload, SPACE_MODEL, 0, 0, NULL, 0);
    memcpy(frame.payload + frame.size, container, size);
    frame.size += size;
    write_exchange(file, "write, the container", &frame);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        frame.type = steps[i].type;
        frame.seq++;
        frame.size = steps[i].size;
        memcpy(frame.payload, steps[i].payload, steps[i].size);
        write_exchange(file, steps[i].what, &frame);
        if (steps[i].type != PROTO_COMMIT || !rig.loader.ready)
            continue;
        frame.type = PROTO_WRITE;
        frame.seq++;
        frame.size = rig_space_request(frame.payload, SPACE_INPUT, 0, 0, NULL, 0);
        for (unsigned j = 0; j < SAMPLE_INPUT; j++)
            frame.payload[frame.size++] = (uint8_t)(7 * j);
        write_exchange(file, "write, the input", &frame);
        frame.seq = (uint8_t)(frame.seq + 3);
        write_exchange(file, "a number that is not the next: NAK", &frame);
        frame.seq = (uint8_t)(frame.seq - 3);
    }
}

/* HELLO's answer carries the firmware's version text, which may change; the files have 0.1.0. */
static void normalise_hello(uint8_t *bytes, size_t *size)
{
    struct wire_frame frame;

    if (!wire_decode(bytes, *size - 1, &frame) || frame.type != (PROTO_HELLO | PROTO_RESPONSE))
        return;
    assert_string_equal((const char *)frame.payload + DATA + HELLO_FIRMWARE, MPQ_VERSION);
    memset(frame.payload + DATA + HELLO_FIRMWARE, 0, HELLO_BUILD_ID - HELLO_FIRMWARE);
    memcpy(frame.payload + DATA + HELLO_FIRMWARE, "0.1.0", 5);
    *size = wire_encode(&frame, bytes);
}

static int write_container(const char *path, const char *what, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    if (!file)
        return 1;
    fprintf(file, "# %s (tests/model/build_container.h)\n", what);
    write_record(file, '=', bytes, size);
    return fclose(file) != 0;
}

static int write_files(void)
{
    _Alignas(16) uint8_t container[BUILD_SAMPLE_ROOM];
    size_t size = build_grouped_sample(container);
    FILE *file;

    if (write_container(GROUPED, "The sample of grouped layers and additions", container, size))
        return 1;
    size = build_sample(container);
    if (write_container(CONTAINER, "The sample container: layers of the other kinds", container,
                        size))
        return 1;
    file = fopen(CONVERSATION, "w");
    if (!file)
        return 1;
    fprintf(file, "# Requests (>) and answers (<) as they are on the wire\n");
    rig_init(&rig);
    write_conversation(file, container, size);
    fclose(file);
    return 0;
}

/* ---- Tests ---- */

static void the_container_has_the_golden_bytes(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);

    (void)state;
    assert_int_equal(read_records(CONTAINER), 1);
    assert_int_equal(records[0].size, size);
    assert_memory_equal(records[0].bytes, sample, size);
}

static void the_grouped_container_has_the_golden_bytes(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_grouped_sample(sample);
    struct model_tables tables;
    struct model model;
    struct model_fault fault;

    (void)state;
    model_set_tables(&model, &tables);
    assert_int_equal(read_records(GROUPED), 1);
    assert_int_equal(records[0].size, size);
    assert_memory_equal(records[0].bytes, sample, size);
    assert_int_equal(model_parse(sample, (uint32_t)size, RIG_AREA, &model, &fault), MODEL_OK);
    assert_int_equal(model.layers[0].groups, 6);
    assert_int_equal(model.layers[0].weight_bytes, 40); /* 2 groups of 5 words of 2 taps */
    assert_int_equal(model.layers[1].groups, 2);
    assert_int_equal(model.layers[1].param_bytes, 32);
    assert_int_equal(model.layers[2].op, OP_ADD);
    assert_int_equal(model.layers[2].in2, 1);
    assert_int_equal(model.layers[3].weight_bytes, 16); /* 2 groups of 2 words of 4 taps */
    assert_int_equal(model.layers[4].weight_bytes, 32);
}

static void the_golden_container_means_the_same(void **state)
{
    _Alignas(16) uint8_t bytes[BUILD_SAMPLE_ROOM];
    struct model_tables tables;
    struct model model;
    struct model_fault fault;

    (void)state;
    model_set_tables(&model, &tables);
    assert_int_equal(read_records(CONTAINER), 1);
    memcpy(bytes, records[0].bytes, records[0].size);
    assert_int_equal(model_parse(bytes, (uint32_t)records[0].size, RIG_AREA, &model, &fault),
                     MODEL_OK);
    assert_string_equal(model.name, "sample");
    assert_int_equal(model.layer_count, 8);
    assert_int_equal(model.buffer_count, 8);
    assert_int_equal(model.arena_bytes, 1616);
    assert_int_equal(model.scratch_offset, 448);
    assert_int_equal(model.isa_version, 1);
    assert_int_equal(model.layers[0].op, OP_CONV2D);
    assert_int_equal(model.layers[0].weight_bits, 4);
    assert_true(model.layers[0].relu);
    assert_int_equal(model.layers[0].pad_right, 1);
    assert_int_equal(model.layers[6].weight_bytes, 36);
    assert_int_equal(model.layers[6].param_bytes, 48);
    assert_int_equal(model.buffers[1].channels, 5);
    assert_true(model.buffers[4].is_signed);
}

static void the_conversation_has_the_golden_bytes(void **state)
{
    const unsigned count = read_records(CONVERSATION);

    (void)state;
    assert_true(count >= 20 && count % 2 == 0);
    rig_init(&rig);
    for (unsigned i = 0; i < count; i += 2) {
        const struct record *request = &records[i], *want = &records[i + 1];
        uint8_t got[PROTO_WIRE_MAX];
        size_t size;

        assert_int_equal(request->kind, '>');
        assert_int_equal(want->kind, '<');
        rig_clear(&rig);
        rig_feed(&rig, request->bytes, request->size);
        size = rig.sent_size;
        assert_true(size <= sizeof got);
        memcpy(got, rig.sent, size);
        normalise_hello(got, &size);
        if (size != want->size || memcmp(got, want->bytes, size) != 0)
            print_error("exchange %u differs\n", i / 2);
        assert_int_equal(size, want->size);
        assert_memory_equal(got, want->bytes, size);
    }
    rig_assert_guards(&rig);
}

static void requests_are_encoded_to_the_golden_bytes(void **state)
{
    const unsigned count = read_records(CONVERSATION);
    uint8_t work[PROTO_FRAME_MAX], wire[PROTO_WIRE_MAX];

    (void)state;
    for (unsigned i = 0; i < count; i++) {
        struct wire_frame frame;

        assert_true(wire_decode(records[i].bytes, records[i].size - 1, &frame));
        assert_int_equal(frame_encode(frame.type, frame.seq, frame.payload, frame.size, work, wire),
                         records[i].size);
        assert_memory_equal(wire, records[i].bytes, records[i].size);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_container_has_the_golden_bytes),
        cmocka_unit_test(the_grouped_container_has_the_golden_bytes),
        cmocka_unit_test(the_golden_container_means_the_same),
        cmocka_unit_test(the_conversation_has_the_golden_bytes),
        cmocka_unit_test(requests_are_encoded_to_the_golden_bytes),
    };

    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_files();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
