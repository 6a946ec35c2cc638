// SPDX-License-Identifier: Apache-2.0
/* One training step on the device beside the CPU's: loss, values and gradients behind every layer,
 * gradients of all parameters, batch statistics. Floats within TOLERANCE of a layer's largest value;
 * the integer pass's values equal. */
#include "cuda/under_test.h"

#include <math.h>

#include "data/augment.h"
#include "host/random_net.h"
#include "host/small_problem.h"
#include "qat/qat_pass.h"
#include "quant/quant.h"
#include "train/dnn_device.h"
#include "train/train.h"
#include "train/train_loop.h"

enum { IMAGES = 3, BATCH = IMAGES * TRAIN_SHARDS, COUNTED = BATCH - 2, SEED = 7, STEP = 5 };
enum { NETWORKS = 60 };
static const double TOLERANCE = 1e-4;

/* The same step on both sides. */
struct pair {
    const char *name;
    const struct net *net;
    const struct dataset *data;
    bool training;
    float input_scale, logit_scale, smoothing;
    struct net_augment augment;
    struct device *device;
    struct dnn_plan *cpu, *gpu;
    struct dnn_shard *cpu_shards[TRAIN_SHARDS], *gpu_shards[TRAIN_SHARDS];
    uint32_t order[BATCH];
    double cpu_loss, gpu_loss;
    struct qat_pass *pass; /* integers; NULL: floats */
    int saved;
    char wrong[160]; /* the first difference */
};

static double worst; /* largest difference of floats seen */

/* ---- Running ---- */

static void pair_open(struct pair *p)
{
    const struct dnn_device_use use = {p->net, IMAGES, TRAIN_SHARDS, p->training, p->pass != NULL};
    struct error err;
    p->saved = dnn_threads_enter();
    check_ok(dnn_plan_create(p->net, IMAGES, p->training ? DNN_TRAIN : DNN_FOLDED, &p->cpu, &err),
             &err);
    check_ok(dnn_device_plan_create(p->device, &use, &p->gpu, &err), &err);
    for (int s = 0; s < TRAIN_SHARDS; s++) {
        check_ok(dnn_shard_create(p->cpu, &p->cpu_shards[s], &err), &err);
        check_ok(dnn_shard_create(p->gpu, &p->gpu_shards[s], &err), &err);
    }
    for (uint32_t i = 0; i < BATCH; i++)
        p->order[i] = (i * 5 + 3) % (uint32_t)p->data->count;
}

static void pair_close(struct pair *p)
{
    for (int s = 0; s < TRAIN_SHARDS; s++) {
        dnn_shard_free(p->cpu_shards[s]);
        dnn_shard_free(p->gpu_shards[s]);
    }
    dnn_plan_free(p->cpu);
    dnn_plan_free(p->gpu);
    dnn_threads_leave(p->saved);
}

static struct augment_draw draw_for(const struct pair *p, size_t place)
{
    return augment_draw(&p->augment, p->data->shape, SEED, 1, p->order[place]);
}

/* The loss of one shard's images; the places behind COUNTED have none. */
static void cpu_loss(struct pair *p, struct dnn_shard *shard, size_t first)
{
    const struct cross_entropy how = {p->net->class_count, p->logit_scale, p->smoothing,
                                      1.0f / COUNTED};
    const size_t classes = (size_t)p->net->class_count;
    const float *values = dnn_shard_values(shard, p->net->layer_count - 1);
    float *gradients = dnn_shard_gradients(shard, p->net->layer_count - 1);
    for (size_t i = 0; i < IMAGES; i++) {
        memset(gradients + i * classes, 0, classes * sizeof *gradients);
        if (first + i < COUNTED)
            p->cpu_loss +=
                cross_entropy(&how, values + i * classes, p->data->labels[p->order[first + i]],
                              gradients + i * classes);
    }
}

static void run_cpu(struct pair *p)
{
    const size_t size = shape_size(p->net->input);
    struct error err;
    for (size_t s = 0; s < TRAIN_SHARDS; s++) {
        struct dnn_shard *shard = p->cpu_shards[s];
        train_fill_input(shard, p->data, p->order, s * IMAGES, IMAGES, p->input_scale);
        for (size_t i = 0; augment_is_on(&p->augment) && i < IMAGES; i++) {
            const struct augment_draw draw = draw_for(p, s * IMAGES + i);
            augment_values(&draw, p->data, p->order[s * IMAGES + i], p->input_scale,
                           dnn_shard_values(shard, -1) + i * size);
        }
        dnn_shard_set_draw(shard, SEED, STEP, (uint32_t)s * IMAGES);
        check_ok(p->pass ? qat_pass_forward(p->pass, shard, &err)
                         : train_forward_all(NULL, shard, &err),
                 &err);
        cpu_loss(p, shard, s * IMAGES);
        check_ok(p->pass ? qat_pass_backward(p->pass, shard, &err)
                         : train_backward_all(NULL, shard, &err),
                 &err);
    }
}

static void run_gpu(struct pair *p)
{
    struct augment_draw draws[BATCH];
    struct error err;
    for (size_t i = 0; i < BATCH; i++)
        draws[i] = draw_for(p, i);
    const struct device_batch batch = {
        .data = p->data,
        .order = p->order,
        .draws = augment_is_on(&p->augment) ? draws : NULL,
        .filled = BATCH,
        .counted = COUNTED,
        .input_scale = p->input_scale,
        .loss = {p->net->class_count, p->logit_scale, p->smoothing, 1.0f / COUNTED},
        .seed = SEED,
        .step = STEP,
    };
    check_ok(dnn_device_step(p->gpu, &batch, &p->gpu_loss, &err), &err);
}

/* ---- Comparing ---- */

static void compare(struct pair *p, const char *layer, const char *what, const float *want,
                    const float *got, size_t count, double tolerance)
{
    double largest = 1e-30, difference = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)want[i]));
        difference = fmax(difference, fabs((double)want[i] - (double)got[i]));
        if (!isfinite(got[i]))
            fail_msg("%s: layer %s: %s: not finite", p->name, layer, what);
    }
    if (!(difference <= tolerance * largest)) {
        if (!p->wrong[0])
            snprintf(p->wrong, sizeof p->wrong, "layer %s: %s differ by %g, the largest is %g",
                     layer, what, difference, largest);
    } else {
        worst = fmax(worst, difference / largest);
    }
}

/* Behind one layer, unless another one has written there since. */
static void compare_behind(struct pair *p, int layer, bool gradients)
{
    const struct shape s = layer < 0 ? p->net->input : p->net->layers[layer].out;
    const char *name = layer < 0 ? "input" : p->net->layers[layer].name;
    const size_t count = IMAGES * shape_size(s);
    const double tolerance = p->pass && !gradients ? 0 : TOLERANCE;
    float *got = malloc(TRAIN_SHARDS * count * sizeof *got);
    float *want = malloc(TRAIN_SHARDS * count * sizeof *want);
    struct error err;
    assert_true(got && want);
    check_ok(dnn_device_read(p->gpu, layer, gradients, got, &err), &err);
    for (int i = 0; i < TRAIN_SHARDS; i++)
        memcpy(want + (size_t)i * count,
               gradients ? dnn_shard_gradients(p->cpu_shards[i], layer)
                         : dnn_shard_values(p->cpu_shards[i], layer),
               count * sizeof *want);
    compare(p, name, gradients ? "gradients" : "values", want, got, TRAIN_SHARDS * count,
            tolerance);
    free(got);
    free(want);
}

static bool is_overwritten(const struct pair *p, int layer)
{
    struct dnn_shard *shard = p->cpu_shards[0];
    return layer + 1 < p->net->layer_count &&
           dnn_shard_values(shard, layer) == dnn_shard_values(shard, layer + 1);
}

/* Layers in place share the gradients of the one in front, which come last. Average pooling on the CPU divides its own
 * before it hands them on. */
static bool has_own_gradients(const struct pair *p, int layer)
{
    struct dnn_shard *shard = p->cpu_shards[0];
    if (p->net->layers[layer].op == NET_AVGPOOL)
        return false;
    const float *own = dnn_shard_gradients(shard, layer);
    return own && own != dnn_shard_gradients(shard, layer - 1);
}

static void compare_parameters(struct pair *p, int k)
{
    const int index = p->net->weighted[k];
    const struct net_layer *l = &p->net->layers[index];
    const size_t count = net_layer_weights(l), channels = (size_t)l->out.c;
    float *room = malloc(2 * (count + 2 * channels) * sizeof *room);
    float *cpu = room, *gpu = room + count + 2 * channels;
    struct error err;
    assert_non_null(room);
    check_ok(dnn_sum_gradients((struct dnn_shard *const *)p->cpu_shards, TRAIN_SHARDS, k, cpu,
                               cpu + count, &err),
             &err);
    check_ok(dnn_sum_gradients((struct dnn_shard *const *)p->gpu_shards, TRAIN_SHARDS, k, gpu,
                               gpu + count, &err),
             &err);
    compare(p, l->name, "gradients of weights", cpu, gpu, count, TOLERANCE);
    compare(p, l->name, "gradients of the bias", cpu + count, gpu + count, channels, TOLERANCE);
    if (p->training && net_batchnorm(p->net, index) >= 0) {
        dnn_sum_scale_gradients((struct dnn_shard *const *)p->cpu_shards, TRAIN_SHARDS, k, cpu);
        dnn_sum_scale_gradients((struct dnn_shard *const *)p->gpu_shards, TRAIN_SHARDS, k, gpu);
        compare(p, l->name, "gradients of the scale", cpu, gpu, channels, TOLERANCE);
    }
    for (int s = 0; p->training && net_batchnorm(p->net, index) >= 0 && s < TRAIN_SHARDS; s++) {
        const float *cpu_mean, *cpu_variance, *gpu_mean, *gpu_variance;
        dnn_shard_statistics(p->cpu_shards[s], k, &cpu_mean, &cpu_variance);
        dnn_shard_statistics(p->gpu_shards[s], k, &gpu_mean, &gpu_variance);
        compare(p, l->name, "means", cpu_mean, gpu_mean, channels, TOLERANCE);
        compare(p, l->name, "variances", cpu_variance, gpu_variance, channels, TOLERANCE);
    }
    free(room);
}

static void compare_all(struct pair *p)
{
    run_cpu(p);
    run_gpu(p);
    for (int i = -1; i < p->net->layer_count; i++)
        if (!is_overwritten(p, i))
            compare_behind(p, i, false);
    for (int i = 0; i < p->net->layer_count; i++)
        if (has_own_gradients(p, i))
            compare_behind(p, i, true);
    for (int k = 0; k < p->net->weighted_count; k++)
        compare_parameters(p, k);
    const float losses[] = {(float)p->cpu_loss, (float)p->gpu_loss};
    compare(p, "all", "losses", &losses[0], &losses[1], 1, TOLERANCE);
}

/* ---- Floats ---- */

#define CONV(more)     "{\"op\":\"conv\"," more "},"
#define SAME(c)        CONV("\"channels\":" #c ",\"kernel\":3,\"padding\":\"same\"")
#define NORM           "{\"op\":\"batchnorm\",\"epsilon\":0.01},"
#define RELU           "{\"op\":\"relu\"},"
#define RELU6          "{\"op\":\"relu6\"},"
#define DROP           "{\"op\":\"dropout\",\"rate\":0.3},"
#define NAMED(op, n)   "{\"op\":\"" op "\",\"name\":\"" n "\"},"
#define ADD(with)      "{\"op\":\"add\",\"with\":\"" with "\"},"
#define FLATTEN        "{\"op\":\"flatten\"},"
#define FC(n)          "{\"op\":\"fc\",\"outputs\":" #n "},"
#define FC4            "{\"op\":\"fc\",\"outputs\":4}"
#define POOL(op, more) "{\"op\":\"" op "\"," more "},"

static const struct {
    const char *name, *layers;
} NETS[] = {
    {"convolution", SAME(5) RELU FC4},
    {"unequal padding and strides",
     SAME(3) CONV("\"channels\":6,\"kernel\":[3,2],\"stride\":[2,1],\"padding\":[2,0,1,1]")
         RELU FC4},
    {"same padding with stride 2",
     SAME(4) CONV("\"channels\":4,\"kernel\":3,\"stride\":2,\"padding\":\"same\"")
         RELU FLATTEN FC(9) RELU FC4},
    {"groups", SAME(6) RELU CONV("\"channels\":9,\"kernel\":3,\"groups\":3") RELU FC4},
    {"depthwise and pointwise",
     SAME(6) NORM RELU6 POOL("depthwise", "\"kernel\":3,\"padding\":\"same\",\"stride\":2")
         NORM RELU6 CONV("\"channels\":8,\"kernel\":1") NORM RELU FC4},
    {"fully connected and normalization", FC(20) NORM RELU DROP FC(10) RELU6 FC4},
    {"max pooling", SAME(5) POOL("maxpool", "\"kernel\":2") RELU SAME(6)
                        POOL("maxpool", "\"kernel\":3,\"stride\":2,\"padding\":1") FC4},
    {"max pooling with unequal padding",
     SAME(5) POOL("maxpool", "\"kernel\":3,\"stride\":2,\"padding\":[1,0,0,1]") FC4},
    {"average pooling", SAME(5) RELU POOL("avgpool", "\"kernel\":[2,3],\"stride\":[2,1]") SAME(4)
                            POOL("avgpool", "\"kernel\":\"global\"") FC4},
    {"residual", SAME(6) NAMED("relu", "a") SAME(6) NORM ADD("a") RELU SAME(6) ADD("a")
                     RELU6 POOL("avgpool", "\"kernel\":4") FC4},
    {"addition of the input",
     SAME(2) RELU CONV("\"channels\":2,\"kernel\":3,\"padding\":\"same\"") ADD("input") FC4},
    {"addition of flattened values",
     SAME(3) RELU POOL("avgpool", "\"kernel\":2") NAMED("flatten", "f") FC(48) ADD("f") FC4},
    {"branch", SAME(4) NAMED("relu", "a") SAME(6)
                   NAMED("relu", "b") "{\"op\":\"branch\","
                                      "\"from\":\"a\"}," CONV("\"channels\":6,\"kernel\":1")
                                          ADD("b") RELU FC4},
    {"dropout",
     SAME(4) DROP RELU POOL("maxpool", "\"kernel\":2") DROP FLATTEN DROP FC(12) DROP FC4},
};

struct float_case {
    const char *name, *layers;
    bool training, augments;
};

/* wrong: what differs, or empty. */
static void compare_once(const struct float_case *c, uint64_t seed, char wrong[160])
{
    struct float_model *model = small_model(c->layers, seed);
    struct dataset data = small_data(40, 0.8f, 3, 0);
    struct error err;
    struct pair p = {.name = c->name,
                     .net = model->net,
                     .data = &data,
                     .training = c->training,
                     .input_scale = data.scale,
                     .logit_scale = 1,
                     .smoothing = 0.1f,
                     .device = open_device(true, 0)};
    float scales[64];
    if (c->augments)
        p.augment = (struct net_augment){2, true, 3, 1.4f, 20};
    for (size_t i = 0; i < 64; i++)
        scales[i] = 0.5f + (float)(i * 7 % 11) / 11;
    pair_open(&p);
    struct dnn_plan *const plans[] = {p.cpu, p.gpu};
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < model->net->weighted_count; k++) {
            check_ok(
                dnn_plan_set_weights(plans[side], k, model->weights[k], model->biases[k], &err),
                &err);
            if (c->training && net_batchnorm(model->net, model->net->weighted[k]) >= 0)
                dnn_plan_set_scale(plans[side], k, scales);
        }
    compare_all(&p);
    memcpy(wrong, p.wrong, sizeof p.wrong);
    pair_close(&p);
    device_close(p.device);
    float_model_free(model);
    free(data.images);
    free(data.labels);
}

/* With some weights, a value comes so near to a kink of ReLU or of a maximum that rounding decides on
 * which side its gradient is: others are tried then. */
static void compare_floats(const struct float_case *c)
{
    char wrong[160] = "";
    for (uint64_t seed = 5; seed < 8; seed++) {
        compare_once(c, seed, wrong);
        if (!wrong[0])
            return;
    }
    fail_msg("%s: %s", c->name, wrong);
}

static void floats_are_the_cpus(void **state)
{
    (void)state;
    worst = 0;
    for (size_t i = 0; i < sizeof NETS / sizeof *NETS; i++) {
        compare_floats(&(struct float_case){NETS[i].name, NETS[i].layers, true, false});
        compare_floats(&(struct float_case){NETS[i].name, NETS[i].layers, false, false});
    }
    print_message("# floats: differences up to %.1e of a layer's largest value\n", worst);
}

static void augmented_images_are_the_cpus(void **state)
{
    (void)state;
    compare_floats(&(struct float_case){"augmentation", SAME(5) RELU FC4, true, true});
}

/* ---- Integers ---- */

static void integers_are_the_cpus(void **state)
{
    (void)state;
    worst = 0;
    for (uint64_t seed = 1; seed <= NETWORKS; seed++) {
        struct random_net net;
        struct error err;
        random_net_open(&net, seed);
        for (size_t i = 0; i < net.data.count; i++)
            net.data.labels[i] = (uint16_t)(i % RANDOM_NET_CLASSES);
        struct pair p = {.name = net.text,
                         .net = net.model->net,
                         .data = &net.data,
                         .input_scale = 1,
                         .logit_scale = net.calibration->logit_scale,
                         .device = open_device(true, 0)};
        check_ok(qat_pass_create(p.net, &p.pass, &err), &err);
        pair_open(&p);
        check_ok(qat_pass_load(p.pass, net.quant, p.cpu, &err), &err);
        check_ok(qat_pass_load(p.pass, net.quant, p.gpu, &err), &err);
        compare_all(&p);
        if (p.wrong[0])
            fail_msg("%s; network %s", p.wrong, p.name);
        pair_close(&p);
        qat_pass_free(p.pass);
        device_close(p.device);
        random_net_close(&net);
    }
    print_message("# integers: values equal; gradients differ by up to %.1e of a layer's largest\n",
                  worst);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_the_cpus),
        cmocka_unit_test(augmented_images_are_the_cpus),
        cmocka_unit_test(integers_are_the_cpus),
    };
    choose_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
