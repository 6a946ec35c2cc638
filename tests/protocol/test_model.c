// SPDX-License-Identifier: Apache-2.0
/* model_parse(): each fault from a change of a good sample. */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bytes.h"
#include "model/build_container.h"

enum {
    AREA = 8192,
    BUFFERS_AT = MODEL_HEADER_BYTES,
    LAYERS_AT = BUFFERS_AT + BUILD_SAMPLE_BUFFERS * MODEL_BUFFER_BYTES,
    NOWHERE = -1
};
#define IN_BUFFER(n, field) (BUFFERS_AT + (n)*MODEL_BUFFER_BYTES + (field))
#define IN_LAYER(n, field)  (LAYERS_AT + (n)*MODEL_LAYER_BYTES + (field))

/* The sample's layers by number. */
enum { CONV_A, AVGPOOL, MAXPOOL, CONV_B, RELU, FLATTEN, FC, ARGMAX };

/* One changed field of the sample, and what the parser must say. */
struct change {
    enum model_fault_code want;
    int at, bytes;
    uint32_t value;
    int layer, buffer; /* NOWHERE: not named */
};

static const struct change changes[] = {
    {MODEL_BAD_MAGIC, MH_MAGIC, 4, 0x4d51504e, NOWHERE, NOWHERE},
    {MODEL_BAD_VERSION, MH_VERSION, 2, MODEL_VERSION + 1, NOWHERE, NOWHERE},
    {MODEL_BAD_VERSION, MH_VERSION, 2, 1, NOWHERE, NOWHERE},
    {MODEL_BAD_VERSION, MH_VERSION, 2, 0, NOWHERE, NOWHERE},
    {MODEL_BAD_HEADER, MH_HEADER_BYTES, 2, 60, NOWHERE, NOWHERE},
    {MODEL_BAD_HEADER, MH_LAYER_COUNT, 2, 0, NOWHERE, NOWHERE},
    {MODEL_BAD_HEADER, MH_LAYER_COUNT, 2, MODEL_MAX_LAYERS + 1, NOWHERE, NOWHERE},
    {MODEL_BAD_HEADER, MH_BUFFER_COUNT, 2, 0, NOWHERE, NOWHERE},
    {MODEL_BAD_HEADER, MH_BUFFER_COUNT, 2, MODEL_MAX_BUFFERS + 1, NOWHERE, NOWHERE},
    {MODEL_TOO_LARGE, MH_ARENA_BYTES, 4, AREA, NOWHERE, NOWHERE},
    {MODEL_TOO_LARGE, MH_ARENA_BYTES, 4, 0xffffffff, NOWHERE, NOWHERE},
    {MODEL_BAD_TABLE, MH_BUFFER_TABLE, 4, 66, NOWHERE, NOWHERE},
    {MODEL_BAD_TABLE, MH_BUFFER_TABLE, 4, 60, NOWHERE, NOWHERE},
    {MODEL_BAD_TABLE, MH_BUFFER_TABLE, 4, 0xfffffffc, NOWHERE, NOWHERE},
    {MODEL_BAD_TABLE, MH_LAYER_TABLE, 4, 0, NOWHERE, NOWHERE},
    {MODEL_BAD_TABLE, MH_LAYER_TABLE, 4, 0x10000, NOWHERE, NOWHERE},
    {MODEL_BAD_TABLE, MH_LAYER_COUNT, 2, 60, NOWHERE, NOWHERE},
    {MODEL_BAD_SCRATCH, MH_SCRATCH_OFFSET, 4, 456, NOWHERE, NOWHERE},
    {MODEL_BAD_SCRATCH, MH_SCRATCH_OFFSET, 4, 0xfffffff0, NOWHERE, NOWHERE},
    {MODEL_BAD_SCRATCH, MH_SCRATCH_BYTES, 4, 1169, NOWHERE, NOWHERE},
    {MODEL_BAD_SCRATCH, MH_SCRATCH_BYTES, 4, 16, CONV_A, NOWHERE},
    {MODEL_BAD_INDEX, MH_INPUT_BUFFER, 2, BUILD_SAMPLE_BUFFERS, NOWHERE, NOWHERE},
    {MODEL_BAD_INDEX, MH_OUTPUT_BUFFER, 2, MODEL_NONE, NOWHERE, NOWHERE},
    {MODEL_BAD_INDEX, MH_CLASS_BUFFER, 2, 6, NOWHERE, NOWHERE},
    {MODEL_BAD_INDEX, MH_CLASS_BUFFER, 2, 0x7fff, NOWHERE, NOWHERE},
    {MODEL_BAD_RESERVED, IN_BUFFER(2, MB_FLAGS), 2, 2, NOWHERE, 2},
    {MODEL_BAD_RESERVED, IN_BUFFER(2, MB_RESERVED), 4, 0x01000000, NOWHERE, 2},
    {MODEL_BAD_BUFFER, IN_BUFFER(1, MB_HEIGHT), 2, 0, NOWHERE, 1},
    {MODEL_BAD_BUFFER, IN_BUFFER(1, MB_WIDTH), 2, MODEL_MAX_DIM + 1, NOWHERE, 1},
    {MODEL_BAD_BUFFER, IN_BUFFER(1, MB_CHANNELS), 2, 0xffff, NOWHERE, 1},
    {MODEL_BAD_BUFFER, IN_BUFFER(3, MB_ARENA_OFFSET), 4, 8, NOWHERE, 3},
    {MODEL_BAD_BUFFER, IN_BUFFER(3, MB_ARENA_OFFSET), 4, 0xfffffff0, NOWHERE, 3},
    {MODEL_BAD_BUFFER, IN_BUFFER(3, MB_ARENA_OFFSET), 4, 1584, NOWHERE, 3}, /* no room for slack */
    {MODEL_BAD_OP, IN_LAYER(AVGPOOL, ML_OP), 1, 0, AVGPOOL, NOWHERE},
    {MODEL_BAD_OP, IN_LAYER(AVGPOOL, ML_OP), 1, OP_ADD + 1, AVGPOOL, NOWHERE},
    {MODEL_BAD_OP, IN_LAYER(AVGPOOL, ML_OP), 1, 255, AVGPOOL, NOWHERE},
    {MODEL_BAD_BITS, IN_LAYER(CONV_A, ML_WEIGHT_BITS), 1, 0, CONV_A, NOWHERE},
    {MODEL_BAD_BITS, IN_LAYER(CONV_A, ML_WEIGHT_BITS), 1, 3, CONV_A, NOWHERE},
    {MODEL_BAD_BITS, IN_LAYER(RELU, ML_WEIGHT_BITS), 1, 8, RELU, NOWHERE},
    {MODEL_BAD_RESERVED, IN_LAYER(CONV_A, ML_FLAGS), 1, 3, CONV_A, NOWHERE},
    {MODEL_BAD_RESERVED, IN_LAYER(FC, ML_RESERVED_A), 1, 1, FC, NOWHERE},
    {MODEL_BAD_RESERVED, IN_LAYER(FC, ML_RESERVED_B), 1, 1, FC, NOWHERE},
    {MODEL_BAD_RESERVED, IN_LAYER(FC, MODEL_LAYER_BYTES - 1), 1, 128, FC, NOWHERE},
    {MODEL_BAD_INDEX, IN_LAYER(FC, ML_IN_BUFFER), 2, BUILD_SAMPLE_BUFFERS, FC, NOWHERE},
    {MODEL_BAD_INDEX, IN_LAYER(FC, ML_OUT_BUFFER), 2, MODEL_NONE, FC, NOWHERE},
    {MODEL_BAD_INDEX, IN_LAYER(FC, ML_IN2_BUFFER), 2, 0, FC, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(CONV_A, ML_GROUPS), 2, 0, CONV_A, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(CONV_A, ML_GROUPS), 2, 5, CONV_A, NOWHERE}, /* one input channel */
    {MODEL_BAD_SHAPE, IN_LAYER(CONV_B, ML_GROUPS), 2, 5, CONV_B, NOWHERE}, /* three outputs */
    {MODEL_BAD_SHAPE, IN_LAYER(AVGPOOL, ML_GROUPS), 2, 1, AVGPOOL, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(FC, ML_GROUPS), 2, 2, FC, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(CONV_A, ML_STRIDE_W), 1, 2, CONV_A, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(CONV_A, ML_FLAGS), 1, 0, CONV_A, NOWHERE},
    {MODEL_BAD_SHAPE, IN_BUFFER(1, MB_FLAGS), 2, BUFFER_SIGNED, CONV_A, NOWHERE},
    {MODEL_BAD_SHAPE, IN_BUFFER(2, MB_CHANNELS), 2, 4, AVGPOOL, NOWHERE},
    {MODEL_BAD_SHAPE, IN_BUFFER(3, MB_FLAGS), 2, BUFFER_SIGNED, MAXPOOL, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(RELU, ML_OUT_BUFFER), 2, 5, RELU, NOWHERE},
    {MODEL_BAD_SHAPE, IN_BUFFER(5, MB_CHANNELS), 2, 11, FLATTEN, NOWHERE},
    {MODEL_BAD_SHAPE, IN_BUFFER(6, MB_HEIGHT), 2, 2, FC, NOWHERE},
    {MODEL_BAD_SHAPE, IN_BUFFER(7, MB_CHANNELS), 2, 3, ARGMAX, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(CONV_A, ML_KERNEL_H), 1, 0, CONV_A, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(CONV_A, ML_STRIDE_H), 1, 0, CONV_A, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(CONV_A, ML_PAD_TOP), 1, 3, CONV_A, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(CONV_A, ML_PAD_LEFT), 1, 3, CONV_A, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(CONV_A, ML_PAD_BOTTOM), 1, 3, CONV_A, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(CONV_A, ML_PAD_RIGHT), 1, 3, CONV_A, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(CONV_A, ML_PAD_RIGHT), 1, 255, CONV_A, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(CONV_A, ML_KERNEL_W), 1, 9, CONV_A, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(AVGPOOL, ML_PAD_LEFT), 1, 1, AVGPOOL, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(FC, ML_KERNEL_W), 1, 1, FC, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(ARGMAX, ML_PAD_BOTTOM), 1, 1, ARGMAX, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(FC, ML_WEIGHT_BYTES), 4, 32, FC, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(FC, ML_WEIGHT_OFFSET), 4, 0xfffffffc, FC, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(FC, ML_WEIGHT_OFFSET), 4, 0, FC, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(FC, ML_WEIGHT_OFFSET), 4, 1001, FC, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(RELU, ML_WEIGHT_OFFSET), 4, 64, RELU, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(RELU, ML_WEIGHT_BYTES), 4, 4, RELU, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(CONV_A, ML_WEIGHT_BITS), 1, 8, CONV_A, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(FC, ML_PARAM_BYTES), 4, 64, FC, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(FC, ML_PARAM_OFFSET), 4, 0xfffffff0, FC, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(FC, ML_PARAM_OFFSET), 4, 998, FC, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(ARGMAX, ML_PARAM_OFFSET), 4, 64, ARGMAX, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(ARGMAX, ML_PARAM_BYTES), 4, 16, ARGMAX, NOWHERE},
    {MODEL_BAD_OPERAND, IN_LAYER(RELU, ML_FLAGS), 1, LAYER_RELU, RELU, NOWHERE},
    {MODEL_OVERLAP, IN_BUFFER(1, MB_ARENA_OFFSET), 4, 32, CONV_A, NOWHERE},
    {MODEL_OVERLAP, IN_BUFFER(7, MB_ARENA_OFFSET), 4, 368, ARGMAX, NOWHERE},
    {MODEL_OVERLAP, MH_SCRATCH_OFFSET, 4, 32, CONV_A, NOWHERE},
    {MODEL_OVERLAP, MH_SCRATCH_OFFSET, 4, 240, CONV_A, NOWHERE},
};

/* The grouped sample's layers by number: its tables lie as the other sample's do. */
enum { DEPTH_A, GROUPED, ADD_MIXED, DEPTH_B, DEPTH_C, ADD_ALIKE };

static const struct change grouped_changes[] = {
    {MODEL_BAD_INDEX, IN_LAYER(ADD_MIXED, ML_IN2_BUFFER), 2, MODEL_NONE, ADD_MIXED, NOWHERE},
    {MODEL_BAD_INDEX, IN_LAYER(ADD_MIXED, ML_IN2_BUFFER), 2, 8, ADD_MIXED, NOWHERE},
    {MODEL_BAD_INDEX, IN_LAYER(DEPTH_A, ML_IN2_BUFFER), 2, 0, DEPTH_A, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(DEPTH_A, ML_GROUPS), 2, 4, DEPTH_A, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(DEPTH_A, ML_GROUPS), 2, 12, DEPTH_A, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(ADD_MIXED, ML_GROUPS), 2, 6, ADD_MIXED, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(ADD_MIXED, ML_IN2_BUFFER), 2, 5, ADD_MIXED, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(ADD_MIXED, ML_IN_BUFFER), 2, 4, ADD_MIXED, NOWHERE},
    {MODEL_BAD_SHAPE, IN_LAYER(ADD_MIXED, ML_FLAGS), 1, LAYER_RELU, ADD_MIXED, NOWHERE},
    {MODEL_BAD_SHAPE, IN_BUFFER(6, MB_FLAGS), 2, BUFFER_SIGNED, ADD_ALIKE, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(DEPTH_A, ML_GROUPS), 2, 3, DEPTH_A, NOWHERE}, /* rows of 18 */
    {MODEL_BAD_WEIGHTS, IN_LAYER(DEPTH_A, ML_WEIGHT_BITS), 1, 8, DEPTH_A, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(DEPTH_A, ML_WEIGHT_BYTES), 4, 44, DEPTH_A, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(DEPTH_A, ML_WEIGHT_OFFSET), 4, 0xfffffffc, DEPTH_A, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(GROUPED, ML_WEIGHT_BYTES), 4, 12, GROUPED, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(GROUPED, ML_PARAM_BYTES), 4, 16, GROUPED, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(ADD_MIXED, ML_PARAM_BYTES), 4, 32, ADD_MIXED, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(ADD_MIXED, ML_PARAM_BYTES), 4, 0, ADD_MIXED, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(ADD_MIXED, ML_PARAM_OFFSET), 4, 0xfffffff0, ADD_MIXED, NOWHERE},
    {MODEL_BAD_PARAMS, IN_LAYER(ADD_MIXED, ML_PARAM_OFFSET), 4, 0, ADD_MIXED, NOWHERE},
    {MODEL_BAD_BITS, IN_LAYER(ADD_MIXED, ML_WEIGHT_BITS), 1, 8, ADD_MIXED, NOWHERE},
    {MODEL_BAD_WEIGHTS, IN_LAYER(ADD_MIXED, ML_WEIGHT_BYTES), 4, 4, ADD_MIXED, NOWHERE},
    {MODEL_BAD_WINDOW, IN_LAYER(ADD_MIXED, ML_KERNEL_H), 1, 1, ADD_MIXED, NOWHERE},
    {MODEL_BAD_OPERAND, IN_BUFFER(0, MB_FLAGS), 2, BUFFER_SIGNED, DEPTH_A, NOWHERE}, /* mode */
    {MODEL_OVERLAP, IN_BUFFER(3, MB_ARENA_OFFSET), 4, 368, ADD_MIXED, NOWHERE}, /* half on in */
    {MODEL_OVERLAP, IN_BUFFER(3, MB_ARENA_OFFSET), 4, 160, ADD_MIXED, NOWHERE}, /* half on in2 */
    {MODEL_OVERLAP, MH_SCRATCH_OFFSET, 4, 48, DEPTH_A, NOWHERE},
    {MODEL_BAD_SCRATCH, MH_SCRATCH_BYTES, 4, 128, DEPTH_A, NOWHERE},
};

/* The sample in exact heap memory, so that reading past it is seen under AddressSanitizer. */
static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size); /* malloc() aligns to 16 */

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void put_field(uint8_t *bytes, int at, int count, uint32_t value)
{
    for (int i = 0; i < count; i++)
        bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static struct model_fault parse(const uint8_t *bytes, size_t size, uint32_t area)
{
    static struct model_tables tables;
    struct model model;
    struct model_fault fault = {MODEL_OK, -2, -2};

    model_set_tables(&model, &tables);
    const enum model_fault_code code = model_parse(bytes, (uint32_t)size, area, &model, &fault);

    assert_int_equal(code, fault.code);
    return fault;
}

static void assert_parses_to(const uint8_t *bytes, size_t size, const struct change *change)
{
    const struct model_fault got = parse(bytes, size, AREA);

    if (got.code != change->want || got.layer != change->layer || got.buffer != change->buffer)
        print_error("%d at %d: got '%s' layer %d buffer %d, want '%s' layer %d buffer %d\n",
                    (int)change->value, change->at, model_fault_text(got.code), got.layer,
                    got.buffer, model_fault_text(change->want), change->layer, change->buffer);
    assert_int_equal(got.code, change->want);
    assert_int_equal(got.layer, change->layer);
    assert_int_equal(got.buffer, change->buffer);
}

static void the_sample_is_accepted(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);
    struct model_tables tables;
    struct model model;
    struct model_fault fault;

    (void)state;
    model_set_tables(&model, &tables);
    assert_true(size > 0);
    assert_int_equal(model_parse(sample, (uint32_t)size, AREA, &model, &fault), MODEL_OK);
    assert_int_equal(model.layer_count, BUILD_SAMPLE_LAYERS);
    assert_int_equal(model.arena_start % MODEL_ALIGN, 0);
    assert_true(model.arena_start >= size);
    assert_int_equal(model.layers[FC].weight_bits, 2);
    assert_int_equal(model.buffers[6].size_bytes, 10);
    assert_string_equal(model.name, "sample");
    assert_int_equal(fault.layer, -1);
    assert_int_equal(fault.buffer, -1);
}

static void check_changes(const uint8_t *sample, size_t size, const struct change *change,
                          size_t count)
{
    for (; count; count--, change++) {
        uint8_t *copy = copy_of(sample, size);

        put_field(copy, change->at, change->bytes, change->value);
        build_fix_checksum(copy);
        assert_parses_to(copy, size, change);
        free(copy);
    }
}

static void each_wrong_field_has_its_fault(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);

    (void)state;
    check_changes(sample, size, changes, sizeof changes / sizeof changes[0]);
}

static void each_wrong_field_of_grouped_layers_has_its_fault(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_grouped_sample(sample);

    (void)state;
    assert_int_equal(parse(sample, size, AREA).code, MODEL_OK);
    check_changes(sample, size, grouped_changes,
                  sizeof grouped_changes / sizeof grouped_changes[0]);
}

/* An addition's parameters: the bytes of a factor are alike and 0..127, those of the multiplier and
 * the shifts alike, relu the layer's. One changed bit of factors and multiplier is always wrong. */
static void operands_of_add_must_be_alike(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_grouped_sample(sample);
    uint8_t *params = sample + get_u32(sample + IN_LAYER(ADD_MIXED, ML_PARAM_OFFSET));

    (void)state;
    for (unsigned bit = 0; bit < 8 * MODEL_GROUP_BYTES; bit++) {
        params[bit / 8] ^= (uint8_t)(1 << bit % 8);
        build_fix_checksum(sample);
        assert_int_equal(parse(sample, size, AREA).code, MODEL_BAD_OPERAND);
        params[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    put_u32(params, 0x80808080);
    build_fix_checksum(sample);
    assert_int_equal(parse(sample, size, AREA).code, MODEL_BAD_OPERAND);
    put_u32(params, 0x7f7f7f7f);
    put_u32(params + 4, 0);
    build_fix_checksum(sample);
    assert_int_equal(parse(sample, size, AREA).code, MODEL_OK);
}

/* Depthwise: three bits of mode, and the half word and the two bytes behind the last tap. */
static void depthwise_words_must_fit_the_layer(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_grouped_sample(sample);
    static const struct {
        int layer, bits, taps;
    } cases[] = {{DEPTH_A, 4, 9}, {DEPTH_B, 2, 6}, {DEPTH_C, 8, 4}};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t mode = get_u32(sample + IN_LAYER(cases[i].layer, ML_PARAM_OFFSET)) + 4;
        uint8_t *weights = sample + get_u32(sample + IN_LAYER(cases[i].layer, ML_WEIGHT_OFFSET));
        const unsigned bytes = get_u32(sample + IN_LAYER(cases[i].layer, ML_WEIGHT_BYTES));
        const unsigned used = (unsigned)(cases[i].taps * cases[i].bits / 2);

        for (unsigned bit = 0; bit < 3; bit++) {
            sample[mode] ^= (uint8_t)(1 << bit);
            build_fix_checksum(sample);
            assert_int_equal(parse(sample, size, AREA).code, MODEL_BAD_OPERAND);
            sample[mode] ^= (uint8_t)(1 << bit);
        }
        for (unsigned at = 0; at < bytes; at++) {
            const bool is_tail = at % (bytes / 2) >= used;

            weights[at] ^= 0x40;
            build_fix_checksum(sample);
            assert_int_equal(parse(sample, size, AREA).code,
                             is_tail ? MODEL_BAD_WEIGHTS : MODEL_OK);
            weights[at] ^= 0x40;
        }
    }
}

/* Sizes whose products pass 32 bits: a band of 256 rows of 19 million bytes each; a kernel's rows whose bytes are little
 * in 32 bits alone, 254 times 17 million. */
static void scratch_beyond_32_bits_is_refused(void **state)
{
    static const struct {
        struct model_layer layer;
        struct model_buffer in, out;
    } cases[] = {
        {{.kernel_h = 255, .kernel_w = 255, .stride_h = 1, .stride_w = 1, .pad_left = 254},
         {.height = 4096, .width = 4096, .channels = 4096},
         {.height = 3842, .width = 4096, .channels = 4096}},
        {{.kernel_h = 255,
          .kernel_w = 24,
          .stride_h = 1,
          .stride_w = 5,
          .pad_top = 254,
          .pad_bottom = 254,
          .pad_left = 16,
          .pad_right = 16},
         {.height = 1, .width = 4096, .channels = 4096},
         {.height = 255, .width = 821, .channels = 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct model_layer layer = cases[i].layer;

        layer.op = OP_CONV2D;
        layer.weight_bits = 8;
        layer.groups = 1;
        assert_int_equal(model_scratch_bytes(&layer, &cases[i].in, &cases[i].out), UINT32_MAX);
    }
}

/* Faults that are not one field with a valid checksum. */
static void wrong_sizes_and_checksums_have_their_fault(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);

    (void)state;
    assert_int_equal(parse(sample, size - 4, AREA).code, MODEL_TRUNCATED);
    assert_int_equal(parse(sample, 0, AREA).code, MODEL_TRUNCATED);
    put_field(sample, MH_CONTAINER_BYTES, 4, 0xfffffffc);
    assert_int_equal(parse(sample, size, AREA).code, MODEL_TRUNCATED);
    put_field(sample, MH_CONTAINER_BYTES, 4, (uint32_t)size - 2);
    assert_int_equal(parse(sample, size, AREA).code, MODEL_BAD_HEADER);
    put_field(sample, MH_CONTAINER_BYTES, 4, MODEL_HEADER_BYTES - 4);
    assert_int_equal(parse(sample, size, AREA).code, MODEL_BAD_HEADER);
    put_field(sample, MH_CONTAINER_BYTES, 4, (uint32_t)size);
    assert_int_equal(parse(sample, size, AREA).code, MODEL_OK);
    for (size_t i = MH_CHECKSUM; i < size; i++) {
        sample[i] ^= 0x10;
        assert_int_equal(parse(sample, size, AREA).code, MODEL_BAD_CHECKSUM);
        sample[i] ^= 0x10;
    }
}

/* What sums of words, or of words times their place, let pass. */
static void words_in_another_order_and_pairs_of_flips_are_seen(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample), last = size - 4;

    (void)state;
    for (size_t at = MH_CHECKSUM + 4; at < last; at += 4) {
        const uint32_t word = get_u32(sample + at), other = get_u32(sample + last);

        put_u32(sample + at, other);
        put_u32(sample + last, word);
        assert_int_equal(parse(sample, size, AREA).code,
                         word == other ? MODEL_OK : MODEL_BAD_CHECKSUM);
        put_u32(sample + at, word ^ 0x80000000u);
        put_u32(sample + last, other ^ 0x80000000u);
        assert_int_equal(parse(sample, size, AREA).code, MODEL_BAD_CHECKSUM);
        put_u32(sample + at, word);
        put_u32(sample + last, other);
    }
}

/* Every bit of the parameter words: what does not fit the layer is refused, shifts are free. */
static void operand_words_must_fit_the_layer(void **state)
{
    static const int first_bits[4] = {6, 13, 20, 27};
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);
    const uint32_t params = get_u32(sample + IN_LAYER(CONV_A, ML_PARAM_OFFSET));

    (void)state;
    for (unsigned word = 4; word <= 12; word += 8) {
        for (unsigned bit = 0; bit < 32; bit++) {
            uint8_t *byte = sample + params + MODEL_GROUP_BYTES + word + bit / 8;
            bool is_shift = false;

            for (unsigned i = 0; i < 4; i++)
                is_shift = is_shift ||
                           (bit >= (unsigned)first_bits[i] && bit < (unsigned)first_bits[i] + 5);
            *byte ^= (uint8_t)(1 << bit % 8);
            build_fix_checksum(sample);
            assert_int_equal(parse(sample, size, AREA).code,
                             is_shift ? MODEL_OK : MODEL_BAD_OPERAND);
            *byte ^= (uint8_t)(1 << bit % 8);
        }
    }
}

/* A weight behind the end of a row would multiply whatever byte stands behind the input. */
static void weights_behind_a_row_must_be_zero(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);
    static const struct {
        int layer, bits, row, out;
    } rows[] = {{CONV_A, 4, 9, 5}, {CONV_B, 8, 5, 3}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        const int round = (rows[i].row + 3) / 4 * 4, groups = (rows[i].out + 3) / 4 * 4;
        uint8_t *weights = sample + get_u32(sample + IN_LAYER(rows[i].layer, ML_WEIGHT_OFFSET));
        int8_t plain[8 * 12];
        struct ref_weights packed = {.weight = plain, .out_count = groups, .row_count = round};
        unsigned refused = 0;

        /* unpacking with the rounded row reads the places behind the row too */
        ref_unpack_weights(&packed, weights, rows[i].bits, plain);
        for (int j = 0; j < groups * round; j++) {
            const bool is_tail = j % round >= rows[i].row;

            plain[j] = (int8_t)(plain[j] ^ 1);
            ref_pack_weights(&packed, rows[i].bits, weights);
            build_fix_checksum(sample);
            assert_int_equal(parse(sample, size, AREA).code,
                             is_tail ? MODEL_BAD_WEIGHTS : MODEL_OK);
            refused += is_tail;
            plain[j] = (int8_t)(plain[j] ^ 1);
            ref_pack_weights(&packed, rows[i].bits, weights);
        }
        assert_true(refused > 0);
    }
}

static void row_tails_of_two_bits_must_be_zero(void **state)
{
    int8_t weight[3] = {1, -2, 1};
    const struct ref_channel channel = {0};
    const struct build_buffer buffers[] = {{1, 1, 3, false, 0}, {1, 1, 1, true, 32}};
    const struct ref_weights weights = {weight, &channel, 1, 3, false, 1, false, 0, 0};
    const struct build_layer layer = {OP_FC, 2, false, 0, 1, {0}, &weights, 0, NULL};
    const struct build_container what = {buffers, &layer, 2, 1, 0, 1, MODEL_NONE, 64, 0, 0, "tail"};
    _Alignas(16) uint8_t bytes[BUILD_SAMPLE_ROOM];
    const size_t size = build_container(&what, bytes, sizeof bytes);

    (void)state;
    assert_int_equal(parse(bytes, size, AREA).code, MODEL_OK);
    for (unsigned bit = 0; bit < 32; bit++) {
        bytes[size - 4 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        build_fix_checksum(bytes);
        assert_int_equal(parse(bytes, size, AREA).code, bit < 24 ? MODEL_OK : MODEL_BAD_WEIGHTS);
        bytes[size - 4 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* Element of a row that a bit of a group's weights belongs to (model_format.h). */
static unsigned element_of_bit(unsigned bits, unsigned bit)
{
    const unsigned word = bit / 32, in_word = bit % 32;

    if (bits == 8)
        return 4 * (word / 4) + 3 - word % 4;
    if (bits == 4)
        return 4 * (word / 2) + 2 * (1 - word % 2) + (in_word >= 16);
    return 4 * word + in_word / 8;
}

/* Columns of 5 rows of 3 channels are filled up to 16 elements. */
static void weights_behind_a_column_must_be_zero(void **state)
{
    enum { ROWS = 5, COLUMNS = 2, CHANNELS = 3, OUT = 4, ROW = ROWS * COLUMNS * CHANNELS };
    static const int8_t weight[OUT * ROW];
    static const struct ref_channel channels[OUT];
    const struct build_buffer buffers[] = {{ROWS, COLUMNS, CHANNELS, false, 0},
                                           {1, 1, OUT, true, 64}};
    const struct ref_weights weights = {
        .weight = weight, .channels = channels, .out_count = OUT, .row_count = ROW};
    _Alignas(16) uint8_t bytes[1024];

    (void)state;
    for (int bits = 2; bits <= 8; bits *= 2) {
        const struct build_layer layer = {.op = OP_CONV2D,
                                          .bits = bits,
                                          .in = 0,
                                          .out = 1,
                                          .window = {ROWS, COLUMNS, 1, 1, 0, 0, 0, 0},
                                          .weights = &weights};
        const struct build_container what = {buffers,    &layer, 2,  1,  0,       1,
                                             MODEL_NONE, 128,    80, 48, "column"};
        const size_t size = build_container(&what, bytes, sizeof bytes);
        const unsigned weight_bits = 2 * 16 * OUT * (unsigned)bits;
        uint8_t *const first = bytes + size - weight_bits / 8;

        assert_int_equal(parse(bytes, size, AREA).code, MODEL_OK);
        for (unsigned bit = 0; bit < weight_bits; bit++) {
            const bool is_fill = element_of_bit((unsigned)bits, bit) % 16 == 15;

            first[bit / 8] ^= (uint8_t)(1 << bit % 8);
            build_fix_checksum(bytes);
            assert_int_equal(parse(bytes, size, AREA).code, is_fill ? MODEL_BAD_WEIGHTS : MODEL_OK);
            first[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void every_fault_was_provoked(void **state)
{
    bool provoked[MODEL_BAD_ISA + 1] = {false};

    (void)state;
    for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++)
        provoked[changes[i].want] = true;
    /* in tests of their own; MODEL_BAD_ISA is the loader's: test_loader.c */
    provoked[MODEL_OK] = provoked[MODEL_TRUNCATED] = provoked[MODEL_BAD_CHECKSUM] = true;
    provoked[MODEL_BAD_ISA] = true;
    for (unsigned code = 0; code <= MODEL_BAD_ISA; code++) {
        if (!provoked[code])
            print_error("no case for '%s'\n", model_fault_text((enum model_fault_code)code));
        assert_true(provoked[code]);
        assert_true(strlen(model_fault_text((enum model_fault_code)code)) > 5);
    }
    assert_non_null(model_fault_text((enum model_fault_code)99));
}

/* Cut off by the sender, and cut off with a header that agrees. */
static void check_truncations(const uint8_t *sample, size_t size)
{
    for (size_t kept = 0; kept < size; kept++) {
        uint8_t *cut = malloc(kept ? kept : 1);

        assert_non_null(cut);
        memcpy(cut, sample, kept);
        assert_int_equal(parse(cut, kept, AREA).code, MODEL_TRUNCATED);
        if (kept >= MODEL_HEADER_BYTES) {
            put_field(cut, MH_CONTAINER_BYTES, 4, (uint32_t)kept);
            build_fix_checksum(cut);
            assert_int_not_equal(parse(cut, kept, AREA).code, MODEL_OK);
        }
        free(cut);
    }
}

static void every_truncation_is_refused(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    size_t size = build_sample(sample);

    (void)state;
    check_truncations(sample, size);
    size = build_grouped_sample(sample);
    check_truncations(sample, size);
}

static void the_area_must_hold_container_and_arena(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);
    const uint32_t need = (uint32_t)size + 15 + get_u32(sample + MH_ARENA_BYTES);

    (void)state;
    assert_int_equal(parse(sample, size, need).code, MODEL_OK);
    assert_int_equal(parse(sample, size, need - 1).code, MODEL_TOO_LARGE);
    assert_int_equal(parse(sample, size, 0).code, MODEL_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_is_accepted),
        cmocka_unit_test(each_wrong_field_has_its_fault),
        cmocka_unit_test(each_wrong_field_of_grouped_layers_has_its_fault),
        cmocka_unit_test(operands_of_add_must_be_alike),
        cmocka_unit_test(depthwise_words_must_fit_the_layer),
        cmocka_unit_test(scratch_beyond_32_bits_is_refused),
        cmocka_unit_test(wrong_sizes_and_checksums_have_their_fault),
        cmocka_unit_test(words_in_another_order_and_pairs_of_flips_are_seen),
        cmocka_unit_test(operand_words_must_fit_the_layer),
        cmocka_unit_test(weights_behind_a_row_must_be_zero),
        cmocka_unit_test(weights_behind_a_column_must_be_zero),
        cmocka_unit_test(row_tails_of_two_bits_must_be_zero),
        cmocka_unit_test(every_fault_was_provoked),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(the_area_must_hold_container_and_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
