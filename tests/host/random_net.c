// SPDX-License-Identifier: Apache-2.0
#include "host/random_net.h"

#include <math.h>

#include "base/rng.h"
#include "model/ref_layers.h"
#include "qat/calibrate.h"

enum { TEXT_BYTES = 16384, SOURCES_MAX = 64, LAYERS_MAX = 24 };

/* ---- The text of a random network ---- */

/* A text that grows, and the shape behind its last layer. */
struct writer {
    struct rng rng;
    char text[TEXT_BYTES];
    size_t size;
    int count; /* of layers, called l0, l1, ... */
    struct shape shape;
    /* Layers that an ADD may name, -1 the input. */
    int sources[SOURCES_MAX], source_count;
    struct shape source_shapes[SOURCES_MAX];
};

static int between(struct writer *w, int low, int high)
{
    return low + (int)rng_below(&w->rng, (uint32_t)(high - low + 1));
}

static void add_source(struct writer *w, int number)
{
    assert_true(w->source_count < SOURCES_MAX);
    w->source_shapes[w->source_count] = w->shape;
    w->sources[w->source_count++] = number;
}

/* A layer with the members in format behind its name. */
__attribute__((format(printf, 3, 4))) static void write_layer(struct writer *w, const char *op,
                                                              const char *format, ...)
{
    va_list arguments;
    w->size +=
        (size_t)snprintf(w->text + w->size, TEXT_BYTES - w->size,
                         "%s{\"name\":\"l%d\",\"op\":\"%s\"", w->count ? "," : "", w->count, op);
    va_start(arguments, format);
    w->size += (size_t)vsnprintf(w->text + w->size, TEXT_BYTES - w->size, format, arguments);
    va_end(arguments);
    w->size += (size_t)snprintf(w->text + w->size, TEXT_BYTES - w->size, "}");
    assert_true(w->size < TEXT_BYTES);
    w->count++;
}

/* Window of one direction that fits. */
struct side {
    int kernel, stride, before, after;
};

static struct side random_side(struct writer *w, int size, bool padded)
{
    struct side s = {.kernel = between(w, 1, 4), .stride = between(w, 1, 2)};
    s.before = padded ? between(w, 0, s.kernel - 1) : 0;
    s.after = padded ? between(w, 0, s.kernel - 1) : 0;
    while (s.kernel > size + s.before + s.after)
        s = (struct side){1, s.stride, 0, 0};
    return s;
}

static int side_count(struct side s, int size)
{
    return (size + s.before + s.after - s.kernel) / s.stride + 1;
}

/* "kernel", "stride" and, if not valid, "padding"; changes the shape. */
static const char *random_window(struct writer *w, bool padded, char text[128])
{
    const struct side y = random_side(w, w->shape.h, padded),
                      x = random_side(w, w->shape.w, padded);
    const int size = snprintf(text, 128, "\"kernel\":[%d,%d],\"stride\":[%d,%d]", y.kernel,
                              x.kernel, y.stride, x.stride);
    if (padded)
        snprintf(text + size, 128 - (size_t)size, ",\"padding\":[%d,%d,%d,%d]", y.before, x.before,
                 y.after, x.after);
    w->shape.h = side_count(y, w->shape.h);
    w->shape.w = side_count(x, w->shape.w);
    return text;
}

/* Behind a convolution: perhaps a BATCHNORM, and then only that one may be a source. */
static void end_weighted(struct writer *w)
{
    if (between(w, 0, 3) == 0)
        write_layer(w, "batchnorm", "%s", "");
    add_source(w, w->count - 1);
}

static void write_conv(struct writer *w)
{
    char window[128];
    const char *bias = between(w, 0, 3) ? "" : ",\"bias\":false";
    int groups = between(w, 0, 1) || w->shape.c > 24 ? 1 : between(w, 1, w->shape.c);
    while (w->shape.c % groups)
        groups--;
    const int channels = groups * between(w, 1, groups > 3 ? 2 : 5);
    write_layer(w, "conv", ",\"channels\":%d,\"groups\":%d,%s%s", channels, groups,
                random_window(w, true, window), bias);
    w->shape.c = channels;
    end_weighted(w);
}

static void write_pointwise(struct writer *w, int channels)
{
    write_layer(w, "conv", ",\"channels\":%d,\"kernel\":1", channels);
    w->shape.c = channels;
    end_weighted(w);
}

static void write_depthwise(struct writer *w)
{
    char window[128];
    write_layer(w, "depthwise", ",%s", random_window(w, true, window));
    end_weighted(w);
}

static void write_plain(struct writer *w, const char *op)
{
    write_layer(w, op, "%s", strcmp(op, "dropout") == 0 ? ",\"rate\":0.3" : "");
    add_source(w, w->count - 1);
}

static void write_relu(struct writer *w)
{
    if (between(w, 0, 3))
        write_plain(w, between(w, 0, 1) ? "relu6" : "relu");
}

static void write_pool(struct writer *w)
{
    char window[128];
    const bool is_max = between(w, 0, 1);
    write_layer(w, is_max ? "maxpool" : "avgpool", ",%s", random_window(w, is_max, window));
    add_source(w, w->count - 1);
}

static bool same_shape(struct shape a, struct shape b)
{
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

/* Adds values of the same shape, older ones if there are some. */
static void write_add(struct writer *w)
{
    char name[16] = "input";
    int i = 0, tries = between(w, 0, 5);
    for (int j = 0; j < w->source_count; j++)
        if (same_shape(w->source_shapes[j], w->shape) && tries-- >= 0)
            i = j;
    if (!same_shape(w->source_shapes[i], w->shape))
        return;
    if (w->sources[i] >= 0)
        snprintf(name, sizeof name, "l%d", w->sources[i]);
    write_layer(w, "add", ",\"with\":\"%s\"", name);
    add_source(w, w->count - 1);
}

/* Two ways from the same values, added: one of two layers, one of a strided pointwise layer. */
static void write_projection(struct writer *w)
{
    const int from = w->source_count - 1, channels = between(w, 1, 6), stride = between(w, 1, 2);
    const struct shape shape = w->shape;
    char name[16] = "input";
    if (w->sources[from] != w->count - 1)
        return;
    if (w->sources[from] >= 0)
        snprintf(name, sizeof name, "l%d", w->sources[from]);
    write_layer(w, "conv", ",\"channels\":%d,\"kernel\":3,\"padding\":1,\"stride\":%d", channels,
                stride);
    w->shape = (struct shape){(shape.h - 1) / stride + 1, (shape.w - 1) / stride + 1, channels};
    end_weighted(w);
    write_relu(w);
    write_pointwise(w, channels);
    const int main_way = w->count - 1;
    write_layer(w, "branch", ",\"from\":\"%s\"", name);
    if (between(w, 0, 1))
        write_layer(w, "relu", "%s", "");
    write_layer(w, "conv", ",\"channels\":%d,\"kernel\":1,\"stride\":%d", channels, stride);
    end_weighted(w);
    write_layer(w, "add", ",\"with\":\"l%d\"", main_way);
    add_source(w, w->count - 1);
    write_relu(w);
}

/* Layers that keep the shape, then an addition: an inverted bottleneck or a part of one. */
static void write_block(struct writer *w)
{
    const int channels = w->shape.c;
    if (between(w, 0, 1)) {
        write_pointwise(w, channels * between(w, 1, 2));
        write_relu(w);
    }
    write_layer(w, "depthwise", ",\"kernel\":[%d,%d],\"padding\":\"same\"", between(w, 1, 3),
                between(w, 1, 3));
    end_weighted(w);
    write_relu(w);
    write_pointwise(w, channels);
    write_add(w);
    write_relu(w);
}

static void write_any(struct writer *w)
{
    switch (between(w, 0, 9)) {
    case 0:
    case 1:
    case 2:
        write_conv(w);
        write_relu(w);
        break;
    case 3:
        write_depthwise(w);
        write_relu(w);
        break;
    case 4:
    case 5:
        if (between(w, 0, 2))
            write_block(w);
        else
            write_projection(w);
        break;
    case 6:
        write_pool(w);
        break;
    case 7:
        write_add(w);
        write_relu(w);
        break;
    case 8:
        write_plain(w, between(w, 0, 1) ? "dropout" : "relu6");
        break;
    default:
        if (between(w, 0, 2)) {
            write_plain(w, "relu");
        } else {
            w->shape = (struct shape){1, 1, w->shape.h * w->shape.w * w->shape.c};
            write_plain(w, "flatten");
        }
        break;
    }
}

static void write_head(struct writer *w)
{
    if (between(w, 0, 2) == 0) {
        write_layer(w, "conv", ",\"channels\":%d,\"kernel\":1", RANDOM_NET_CLASSES);
        write_layer(w, "avgpool", ",\"kernel\":[%d,%d]", w->shape.h, w->shape.w);
        return;
    }
    if (between(w, 0, 1)) {
        w->shape = (struct shape){1, 1, between(w, 1, 11)};
        write_layer(w, "fc", ",\"outputs\":%d", w->shape.c);
        write_relu(w);
    }
    write_layer(w, "fc", ",\"outputs\":%d", RANDOM_NET_CLASSES);
}

static char *make_text(uint64_t seed)
{
    struct writer *w = calloc(1, sizeof *w);
    char *text = malloc(TEXT_BYTES + 1024);
    assert_non_null(w);
    assert_non_null(text);
    rng_init(&w->rng, seed, 0);
    const struct shape input = {between(w, 3, 10), between(w, 3, 10), between(w, 1, 6)};
    const bool is_signed = between(w, 0, 1);
    w->shape = input;
    add_source(w, -1);
    for (int i = between(w, 2, 5); i > 0 && w->count < LAYERS_MAX; i--)
        write_any(w);
    write_head(w);
    snprintf(text, TEXT_BYTES + 1024,
             "{\"name\":\"random\",\"input\":{\"shape\":[%d,%d,%d],\"signed\":%s,\"scale\":0.01},"
             "\"classes\":%d,\"data\":{\"format\":\"npy\",\"train_images\":\"a\","
             "\"train_labels\":\"b\",\"test_images\":\"c\",\"test_labels\":\"d\"},"
             "\"layers\":[%s]}",
             input.h, input.w, input.c, is_signed ? "true" : "false", RANDOM_NET_CLASSES, w->text);
    free(w);
    return text;
}

/* ---- Weights, images, quantization ---- */

/* Weights keep the size of the values from layer to layer. */
static void fill_weights(struct float_model *model, struct rng *rng)
{
    for (int k = 0; k < model->net->weighted_count; k++) {
        const struct net_layer *l = &model->net->layers[model->net->weighted[k]];
        const size_t count = net_layer_weights(l), rows = count / (size_t)l->out.c;
        for (size_t i = 0; i < count; i++)
            model->weights[k][i] = (2 * rng_uniform(rng) - 1) * 2.5f / sqrtf((float)rows);
        for (int c = 0; c < l->out.c; c++)
            model->biases[k][c] = l->has_bias ? 0.5f * (2 * rng_uniform(rng) - 1) : 0;
    }
}

static void fill_data(struct dataset *data, const struct net *net, struct rng *rng)
{
    const size_t size = RANDOM_NET_IMAGES * shape_size(net->input);
    *data = (struct dataset){.count = RANDOM_NET_IMAGES,
                             .shape = net->input,
                             .is_signed = net->input_signed,
                             .scale = 0.01f,
                             .images = malloc(size),
                             .labels = calloc(RANDOM_NET_IMAGES, sizeof *data->labels)};
    assert_non_null(data->images);
    assert_non_null(data->labels);
    for (size_t i = 0; i < size; i++)
        data->images[i] = (uint8_t)rng_below(rng, 256);
}

static void quantize(struct random_net *out, const int *bits, struct rng *rng)
{
    const struct net *net = out->model->net;
    struct error err;
    check_ok(calibrate(out->model, &out->data, RANDOM_NET_IMAGES, &out->calibration, &err), &err);
    check_ok(quant_model_create(net, &out->quant, &err), &err);
    out->quant->owns_layers = true;
    quant_model_set_adds(out->quant, out->calibration);
    for (int k = 0; k < net->weighted_count; k++)
        check_ok(quant_layer_ptq(out->model, out->calibration, k,
                                 bits ? bits[k] : 2 << rng_below(rng, 3), &out->quant->layers[k],
                                 &err),
                 &err);
    check_ok(pack_model(out->quant, &out->container, &err), &err);
}

void random_net_open_text(struct random_net *out, const char *text, const int *bits, uint64_t seed)
{
    struct net *net = NULL;
    struct error err;
    struct rng rng;
    memset(out, 0, sizeof *out);
    out->text = strdup(text);
    assert_non_null(out->text);
    rng_init(&rng, seed, 1);
    check_ok(net_parse(text, "random", &net, &err), &err);
    check_ok(float_model_create(net, &out->model, &err), &err);
    fill_weights(out->model, &rng);
    fill_data(&out->data, net, &rng);
    quantize(out, bits, &rng);
}

void random_net_open(struct random_net *out, uint64_t seed)
{
    char *text = make_text(seed);
    random_net_open_text(out, text, NULL, seed);
    free(text);
}

void random_net_close(struct random_net *net)
{
    container_free(net->container);
    quant_model_free(net->quant);
    calibration_free(net->calibration);
    free(net->data.images);
    free(net->data.labels);
    float_model_free(net->model);
    free(net->text);
}

const uint8_t *random_net_image(const struct random_net *net, size_t index)
{
    return net->data.images + index * shape_size(net->data.shape);
}

/* ---- The oracle ---- */

size_t random_net_room(const struct net *net)
{
    size_t room = shape_size(net->input);
    for (int i = 0; i < net->layer_count; i++)
        room = shape_size(net->layers[i].out) > room ? shape_size(net->layers[i].out) : room;
    return room;
}

static void run_weighted(const struct quant_layer *q, const struct net_layer *l,
                         const struct ref_tensor *in, struct ref_tensor *out)
{
    struct ref_channel *channels = calloc((size_t)q->out_count, sizeof *channels);
    const struct ref_window window = {l->kernel_h, l->kernel_w, l->stride_h,   l->stride_w,
                                      l->pad_top,  l->pad_left, l->pad_bottom, l->pad_right};
    const struct ref_weights weights = {.weight = q->weight,
                                        .channels = channels,
                                        .out_count = q->out_count,
                                        .row_count = q->row_count,
                                        .relu = q->relu,
                                        .groups = l->groups,
                                        .depthwise = net_is_depthwise(l)};
    assert_non_null(channels);
    for (int c = 0; c < q->out_count; c++)
        channels[c] =
            (struct ref_channel){q->bias[c], q->bias_shift[c], q->multiplier[c], q->shift[c]};
    out->is_signed = !q->relu;
    if (l->op == NET_CONV)
        ref_conv2d(in, &weights, &window, out);
    else
        ref_fc(in, &weights, out);
    free(channels);
}

static void run_add(const struct quant_add *q, const struct ref_tensor *a,
                    const struct ref_tensor *b, struct ref_tensor *out)
{
    const struct ref_add add = {q->ma, q->mb, {0, 0, q->multiplier, q->shift}, q->relu};
    out->is_signed = !q->relu;
    ref_add(a, b, &add, out);
}

static void run_branch(const struct ref_tensor *from, const struct net_layer *l,
                       struct ref_tensor *out)
{
    out->is_signed = from->is_signed;
    memcpy(out->bytes, from->bytes, shape_size(l->out));
}

static void run_unweighted(const struct net_layer *l, const struct ref_tensor *in,
                           struct ref_tensor *out)
{
    const struct ref_window window = {l->kernel_h, l->kernel_w, l->stride_h,   l->stride_w,
                                      l->pad_top,  l->pad_left, l->pad_bottom, l->pad_right};
    out->is_signed = in->is_signed;
    if (l->op == NET_MAXPOOL)
        ref_maxpool(in, &window, out);
    else if (l->op == NET_AVGPOOL)
        ref_avgpool(in, &window, out);
    else if (l->op == NET_RELU || l->op == NET_RELU6)
        ref_relu(in, out);
    else /* FLATTEN, BATCHNORM, DROPOUT */
        memcpy(out->bytes, in->bytes, shape_size(l->in));
}

/* Values of layer index from those before, values[layer + 1]. */
static void run_layer_of_net(const struct random_net *net, int index, struct ref_tensor *values)
{
    const struct net_layer *l = &net->model->net->layers[index];
    const struct quant_add *add = &net->quant->adds[index];
    const struct ref_tensor *in = &values[index];
    struct ref_tensor *out = &values[index + 1];
    if (l->weighted_index >= 0)
        run_weighted(net->quant->layers[l->weighted_index], l, in, out);
    else if (l->op == NET_BRANCH)
        run_branch(&values[l->with + 1], l, out);
    else if (l->op == NET_ADD)
        run_add(add, in, &values[l->with + 1], out);
    else if (l->op == NET_RELU6 && add->multiplier) /* one of its own */
        run_add(add, in, in, out);
    else
        run_unweighted(l, in, out);
}

int random_net_run(const struct random_net *random, const uint8_t *image, uint8_t *out)
{
    const struct net *net = random->model->net;
    const size_t room = random_net_room(net);
    static struct ref_tensor values[NET_MAX_LAYERS + 1];
    uint8_t *memory = calloc((size_t)net->layer_count + 1, room);
    assert_non_null(memory);
    for (int i = 0; i <= net->layer_count; i++) {
        const struct shape shape = i ? net->layers[i - 1].out : net->input;
        values[i] = (struct ref_tensor){.bytes = memory + (size_t)i * room,
                                        .height = shape.h,
                                        .width = shape.w,
                                        .channels = shape.c,
                                        .is_signed = net->input_signed};
    }
    memcpy(memory, image, shape_size(net->input));
    for (int i = 0; i < net->layer_count; i++)
        run_layer_of_net(random, i, values);
    memcpy(out, values[net->layer_count].bytes, (size_t)net->class_count);
    const int class_index = ref_argmax(&values[net->layer_count]);
    free(memory);
    return class_index;
}
