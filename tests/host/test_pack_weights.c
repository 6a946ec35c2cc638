// SPDX-License-Identifier: Apache-2.0
/* The packer's words against the oracle's, which are made bit by bit from the format's text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "model/ref_layers.h"
#include "model/test_random.h"
#include "pack/pack_weights.h"

enum { OUT_MAX = 24, ROW_MAX = 30, KERNEL_MAX = 5, ROOM = 4096, ROUNDS = 3000 };

static struct test_random random_state = {77};

static int any(int low, int high)
{
    return test_random_between(&random_state, low, high);
}

static struct pack_layout any_layout(void)
{
    struct pack_layout layout = {
        .bits = 2 << any(0, 2), .kernel_h = any(1, KERNEL_MAX), .kernel_w = any(1, KERNEL_MAX)};
    const int taps = layout.kernel_h * layout.kernel_w;
    layout.groups = any(0, 1) ? any(2, 6) : 1;
    layout.depthwise = layout.groups > 1 && any(0, 1);
    layout.out_count = layout.groups * (layout.depthwise ? 1 : any(1, 4));
    layout.row_count = taps * (layout.depthwise ? 1 : any(1, ROW_MAX / taps));
    return layout;
}

static void any_channels(const struct quant_layer *layer, struct ref_channel *channels)
{
    for (int c = 0; c < layer->out_count; c++) {
        layer->bias[c] = (int8_t)any(-128, 127);
        layer->bias_shift[c] = (uint8_t)any(0, 31);
        layer->multiplier[c] = (uint8_t)any(0, 255);
        layer->shift[c] = (uint8_t)any(0, 31);
        channels[c] = (struct ref_channel){layer->bias[c], layer->bias_shift[c],
                                           layer->multiplier[c], layer->shift[c]};
    }
}

static void check_channels(const struct pack_layout *layout, const uint8_t *params,
                           const struct ref_channel *channels)
{
    for (int c = 0; c < layout->out_count; c++) {
        const struct unpacked_channel got = unpack_layout_channel(layout, params, c);
        assert_int_equal(got.bias, channels[c].bias);
        assert_int_equal(got.bias_shift, channels[c].bias_shift);
        assert_int_equal(got.multiplier, channels[c].multiplier);
        assert_int_equal(got.shift, channels[c].shift);
    }
}

static void every_layout_has_the_words_of_the_format(void **state)
{
    static uint8_t got[ROOM], want[ROOM];
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        const struct pack_layout layout = any_layout();
        const int top = 1 << (layout.bits - 1), count = layout.out_count * layout.row_count;
        int8_t weight[OUT_MAX * ROW_MAX], back[OUT_MAX * ROW_MAX], bias[OUT_MAX];
        uint8_t bias_shift[OUT_MAX], multiplier[OUT_MAX], shift[OUT_MAX];
        struct ref_channel channels[OUT_MAX];
        const struct quant_layer layer = {.bits = layout.bits,
                                          .out_count = layout.out_count,
                                          .row_count = layout.row_count,
                                          .relu = any(0, 1),
                                          .in_signed = any(0, 1),
                                          .bias = bias,
                                          .bias_shift = bias_shift,
                                          .multiplier = multiplier,
                                          .shift = shift};
        const struct ref_weights ref = {weight,           channels,        layout.out_count,
                                        layout.row_count, layer.relu,      layout.groups,
                                        layout.depthwise, layout.kernel_h, layout.kernel_w};
        for (int i = 0; i < count; i++)
            weight[i] = (int8_t)any(-top, top - 1);
        any_channels(&layer, channels);
        pack_layout_weights(&layout, weight, got);
        ref_pack_weights(&ref, layout.bits, want);
        assert_int_equal(pack_layout_weight_bytes(&layout), ref_packed_bytes(&ref, layout.bits));
        assert_memory_equal(got, want, pack_layout_weight_bytes(&layout));
        unpack_layout_weights(&layout, got, back);
        assert_memory_equal(back, weight, (size_t)count);
        pack_layout_params(&layout, &layer, got);
        ref_pack_params(&ref, layout.bits, layer.in_signed, want);
        assert_int_equal(pack_layout_param_bytes(&layout), ref_param_bytes(&ref));
        assert_memory_equal(got, want, pack_layout_param_bytes(&layout));
        check_channels(&layout, got, channels);
    }
}

static void additions_have_the_words_of_the_format(void **state)
{
    uint8_t got[MODEL_GROUP_BYTES], want[MODEL_GROUP_BYTES];
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        const struct quant_add add = {.ma = (uint8_t)any(0, 127),
                                      .mb = (uint8_t)any(0, 127),
                                      .multiplier = (uint8_t)any(0, 255),
                                      .shift = (uint8_t)any(0, 31),
                                      .relu = any(0, 1)};
        const struct ref_add ref = {add.ma, add.mb, {0, 0, add.multiplier, add.shift}, add.relu};
        pack_add(&add, got);
        ref_pack_add(&ref, want);
        assert_memory_equal(got, want, sizeof got);
        const struct quant_add back = unpack_add(got);
        assert_int_equal(back.ma, add.ma);
        assert_int_equal(back.mb, add.mb);
        assert_int_equal(back.multiplier, add.multiplier);
        assert_int_equal(back.shift, add.shift);
        assert_int_equal(back.relu, add.relu);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_has_the_words_of_the_format),
        cmocka_unit_test(additions_have_the_words_of_the_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
