// SPDX-License-Identifier: Apache-2.0
#include "host/made_up_quant.h"

#include "base/rng.h"
#include "model/ref_layers.h"

const char MADE_UP_LENET5[] =
    "{\"op\": \"conv\", \"channels\": 6, \"kernel\": 5, \"padding\": \"same\"},"
    "{\"op\": \"relu\"}, {\"op\": \"avgpool\", \"kernel\": 2},"
    "{\"op\": \"conv\", \"channels\": 16, \"kernel\": 5, \"padding\": \"valid\"},"
    "{\"op\": \"relu\"}, {\"op\": \"avgpool\", \"kernel\": 2}, {\"op\": \"flatten\"},"
    "{\"op\": \"fc\", \"outputs\": 120}, {\"op\": \"relu\"},"
    "{\"op\": \"fc\", \"outputs\": 84}, {\"op\": \"relu\"},"
    "{\"op\": \"fc\", \"outputs\": 10}";

/* A ReLU behind max pooling, one of its own behind average pooling, one that is fused twice over,
 * flatten in front of a convolution and of a fully connected layer. */
const char MADE_UP_SMALL[] =
    "{\"op\": \"conv\", \"name\": \"stem\", \"channels\": 6, \"kernel\": 3, \"padding\": \"same\"},"
    "{\"op\": \"maxpool\", \"kernel\": [3, 2], \"stride\": 2, \"padding\": [1, 0, 1, 1]},"
    "{\"op\": \"relu\"},"
    "{\"op\": \"conv\", \"channels\": 5, \"kernel\": [2, 3], \"stride\": [1, 2], \"padding\": 1},"
    "{\"op\": \"avgpool\", \"kernel\": 2, \"stride\": 1},"
    "{\"op\": \"relu\"}, {\"op\": \"flatten\"},"
    "{\"op\": \"conv\", \"channels\": 7, \"kernel\": 1}, {\"op\": \"flatten\"},"
    "{\"op\": \"relu\"}, {\"op\": \"relu\"},"
    "{\"op\": \"fc\", \"name\": \"head\", \"outputs\": 5}";

static struct net *parse_net(const char *layers, const char *input, int classes)
{
    static const char format[] = "{\"name\": \"made_up_network_of_tests\", \"input\": [%s], "
                                 "\"classes\": %d, \"data\": {\"format\": \"idx\", "
                                 "\"train_images\": \"a\", \"train_labels\": \"b\", "
                                 "\"test_images\": \"c\", \"test_labels\": \"d\"}, "
                                 "\"layers\": [%s]}";
    struct net *net = NULL;
    struct error err;
    const size_t room = sizeof format + strlen(layers) + 64;
    char *text = malloc(room);
    assert_non_null(text);
    snprintf(text, room, format, input, classes, layers);
    check_ok(net_parse(text, "made_up.json", &net, &err), &err);
    free(text);
    return net;
}

/* Operands that keep the results apart: about two bits of the accumulator's size are shifted out
 * beyond the seven or eight that are left. */
static void fill_layer(struct quant_layer *q, struct rng *rng)
{
    const int limit = quant_weight_limit(q->bits);
    const size_t count = (size_t)q->out_count * (size_t)q->row_count;
    int shift = q->bits + 6;
    for (int rows = q->row_count; rows > 3; rows /= 4)
        shift++;
    for (size_t i = 0; i < count; i++)
        q->weight[i] = (int8_t)((int)rng_below(rng, (uint32_t)(2 * limit + 1)) - limit);
    for (int c = 0; c < q->out_count; c++) {
        q->bias[c] = (int8_t)((int)rng_below(rng, 256) - 128);
        q->bias_shift[c] = (uint8_t)rng_below(rng, 7);
        q->multiplier[c] = (uint8_t)(128 + rng_below(rng, 128));
        q->shift[c] = (uint8_t)(shift + (int)rng_below(rng, 3));
        q->weight_scale[c] = 0.25f * (float)(c + 1);
    }
    q->in_scale = 1.0f / 255.0f;
    q->out_scale = 0.125f;
}

void made_up_create(struct made_up *out, const char *layers, const char *input, int classes,
                    const int *bits, uint64_t seed)
{
    struct error err;
    struct rng rng;
    bool is_signed = false;
    out->net = parse_net(layers, input, classes);
    check_ok(quant_model_create(out->net, &out->quant, &err), &err);
    out->quant->owns_layers = true;
    rng_init(&rng, seed, 0);
    for (int k = 0; k < out->net->weighted_count; k++) {
        const struct net_layer *layer = &out->net->layers[out->net->weighted[k]];
        const int rows = (int)(net_layer_weights(layer) / (size_t)layer->out.c);
        struct quant_layer *q;
        check_ok(quant_layer_create(layer->out.c, rows, &q, &err), &err);
        out->quant->layers[k] = q;
        q->bits = bits[k];
        q->in_signed = is_signed;
        q->relu = quant_fused_relu(out->net, out->net->weighted[k]) >= 0;
        is_signed = !q->relu;
        fill_layer(q, &rng);
    }
}

void made_up_lenet5(struct made_up *out, const int bits[5], uint64_t seed)
{
    made_up_create(out, MADE_UP_LENET5, "28, 28, 1", 10, bits, seed);
}

void made_up_small(struct made_up *out, const int bits[4], uint64_t seed)
{
    made_up_create(out, MADE_UP_SMALL, "9, 7, 3", 5, bits, seed);
}

/* Appends layers to a list of them until the shape is small; random, every operation. */
static void random_layers(struct rng *rng, char *text, size_t size)
{
    static const char *const parts[] = {
        "{\"op\": \"conv\", \"channels\": 3, \"kernel\": 3, \"padding\": \"same\"}",
        "{\"op\": \"conv\", \"channels\": 8, \"kernel\": 1}",
        "{\"op\": \"conv\", \"channels\": 5, \"kernel\": [1, 2], \"padding\": [0, 1, 0, 1]}",
        "{\"op\": \"maxpool\", \"kernel\": 2, \"stride\": 1, \"padding\": 1}",
        "{\"op\": \"avgpool\", \"kernel\": [2, 1], \"stride\": 1}",
        "{\"op\": \"relu\"}",
        "{\"op\": \"relu\"}",
    };
    const uint32_t count = 2 + rng_below(rng, 6);
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(text + used, size - used, "%s, ",
                 parts[rng_below(rng, sizeof parts / sizeof *parts)]);
        used = strlen(text);
    }
    if (rng_below(rng, 2)) {
        snprintf(text + used, size - used, "{\"op\": \"flatten\"}, ");
        used = strlen(text);
    }
    snprintf(text + used, size - used, "{\"op\": \"fc\", \"outputs\": 6}");
}

void made_up_random(struct made_up *out, uint64_t seed)
{
    static const int bits[] = {4, 2, 8, 4, 2, 8, 4, 2};
    char layers[2048];
    struct rng rng;
    rng_init(&rng, seed, 2);
    random_layers(&rng, layers, sizeof layers);
    made_up_create(out, layers, "9, 8, 3", 6, bits, seed);
}

void made_up_free(struct made_up *made)
{
    quant_model_free(made->quant);
    net_free(made->net);
}

struct container *made_up_pack(const struct made_up *made)
{
    struct container *container = NULL;
    struct error err;
    check_ok(pack_model(made->quant, &container, &err), &err);
    assert_non_null(container);
    return container;
}

uint8_t *made_up_arena(const struct model *model, uint8_t fill)
{
    const size_t size = ((size_t)model->arena_bytes + MODEL_ALIGN - 1) / MODEL_ALIGN * MODEL_ALIGN;
    uint8_t *arena = aligned_alloc(MODEL_ALIGN, size);
    assert_non_null(arena);
    memset(arena, fill, model->arena_bytes);
    return arena;
}

void made_up_image(uint8_t *image, size_t size, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed, 1);
    for (size_t i = 0; i < size; i++)
        image[i] = (uint8_t)rng_below(&rng, 256);
}

static void run_weighted(const struct quant_layer *q, const struct net_layer *layer,
                         const struct ref_window *window, const struct ref_tensor *in,
                         struct ref_tensor *out)
{
    struct ref_channel *channels = calloc((size_t)q->out_count, sizeof *channels);
    const struct ref_weights weights = {.weight = q->weight,
                                        .channels = channels,
                                        .out_count = q->out_count,
                                        .row_count = q->row_count,
                                        .relu = q->relu};
    assert_non_null(channels);
    for (int c = 0; c < q->out_count; c++)
        channels[c] =
            (struct ref_channel){q->bias[c], q->bias_shift[c], q->multiplier[c], q->shift[c]};
    out->is_signed = !q->relu;
    if (layer->op == NET_CONV)
        ref_conv2d(in, &weights, window, out);
    else
        ref_fc(in, &weights, out);
    free(channels);
}

static void run_layer_of_net(const struct made_up *made, const struct net_layer *layer,
                             struct ref_tensor *in, struct ref_tensor *out)
{
    const struct ref_window window = {layer->kernel_h,   layer->kernel_w, layer->stride_h,
                                      layer->stride_w,   layer->pad_top,  layer->pad_left,
                                      layer->pad_bottom, layer->pad_right};
    switch (layer->op) {
    case NET_CONV:
    case NET_FC:
        run_weighted(made->quant->layers[layer->weighted_index], layer, &window, in, out);
        break;
    case NET_MAXPOOL:
        ref_maxpool(in, &window, out);
        break;
    case NET_AVGPOOL:
        ref_avgpool(in, &window, out);
        break;
    case NET_RELU:
        ref_relu(in, out);
        break;
    case NET_FLATTEN:
        ref_flatten(in, out);
        break;
    default: /* random_net.h has the others */
        fail_msg("layer %s: made-up networks are chains of older operations", layer->name);
    }
}

int made_up_run(const struct made_up *made, const uint8_t *image, uint8_t *out)
{
    const struct net *net = made->net;
    size_t room = shape_size(net->input);
    for (int i = 0; i < net->layer_count; i++)
        room = shape_size(net->layers[i].out) > room ? shape_size(net->layers[i].out) : room;
    uint8_t *memory = calloc(2, room);
    assert_non_null(memory);
    struct ref_tensor in = {memory, net->input.h, net->input.w, net->input.c, false};
    struct ref_tensor next = {.bytes = memory + room};
    memcpy(memory, image, shape_size(net->input));
    for (int i = 0; i < net->layer_count; i++) {
        const struct net_layer *layer = &net->layers[i];
        next.height = layer->out.h;
        next.width = layer->out.w;
        next.channels = layer->out.c;
        next.is_signed = in.is_signed;
        run_layer_of_net(made, layer, &in, &next);
        const struct ref_tensor swap = in;
        in = next;
        next = swap;
    }
    memcpy(out, in.bytes, (size_t)net->class_count);
    const int class_index = ref_argmax(&in);
    free(memory);
    return class_index;
}
