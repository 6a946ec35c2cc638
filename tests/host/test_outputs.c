// SPDX-License-Identifier: Apache-2.0
/* The values of every image, as mpq eval --outputs writes them: read back, and against naive loops. */
#include "host/scratch.h"

#include <math.h>

#include "base/rng.h"
#include "data/npy.h"
#include "data/npy_write.h"
#include "host/naive_net.h"
#include "measure/outputs.h"

enum { IMAGES = 70, SIZE = 4 * 3 * 2, CLASSES = 3 };

static const char NET[] =
    "{\"name\":\"tiny\",\"input\":[4,3,2],\"classes\":3,"
    "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
    "\"test_images\":\"c\",\"test_labels\":\"d\"},"
    "\"layers\":[{\"op\":\"conv\",\"channels\":2,\"kernel\":3},{\"op\":\"relu\"},"
    "{\"op\":\"fc\",\"outputs\":3},{\"op\":\"softmax\"}]}";

static void floats_read_back_as_written(void **state)
{
    static const float values[] = {1, -2.5f, 1e-30f, 3e38f, 0, -0.125f};
    struct npy npy;
    struct error err = {""};
    (void)state;
    check_ok(npy_write_floats("v.npy", values, 2, 3, &err), &err);
    check_ok(npy_load("v.npy", &npy, &err), &err);
    assert_int_equal(npy.rank, 2);
    assert_int_equal(npy.dims[0], 2);
    assert_int_equal(npy.dims[1], 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(npy_number(&npy, i) == (double)values[i]);
    npy_free(&npy);
}

static struct float_model *random_model(struct rng *rng)
{
    struct net *net = NULL;
    struct float_model *model = NULL;
    struct error err = {""};
    check_ok(net_parse(NET, "m.json", &net, &err), &err);
    check_ok(float_model_create(net, &model, &err), &err);
    for (int k = 0; k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        for (size_t i = 0; i < net_layer_weights(layer); i++)
            model->weights[k][i] = rng_normal(rng);
        for (int i = 0; i < layer->out.c; i++)
            model->biases[k][i] = rng_normal(rng);
    }
    return model;
}

/* More images than one batch of evaluation. */
static void a_float_files_values_are_those_of_its_last_layer(void **state)
{
    uint8_t images[IMAGES * SIZE];
    uint16_t labels[IMAGES] = {0};
    float input[IMAGES * SIZE];
    struct npy npy;
    struct rng rng;
    struct error err = {""};
    (void)state;
    rng_init(&rng, 3, 0);
    struct float_model *model = random_model(&rng);
    for (size_t i = 0; i < sizeof images; i++) {
        images[i] = (uint8_t)rng_below(&rng, 256);
        input[i] = (float)images[i] * 0.01f;
    }
    const struct dataset data = {.count = IMAGES,
                                 .shape = model->net->input,
                                 .scale = 0.01f,
                                 .images = images,
                                 .labels = labels};
    const struct model_file file = {.model = model, .net = model->net};
    check_ok(outputs_write(&file, &data, 1, "o.npy", &err), &err);
    check_ok(npy_load("o.npy", &npy, &err), &err);
    assert_int_equal(npy.count, IMAGES * CLASSES);
    struct naive_net *naive = naive_net_run(model, NULL, IMAGES, input);
    for (size_t i = 0; i < npy.count; i++) {
        const double want = naive->values[model->net->layer_count - 1][i];
        if (!(fabs(npy_number(&npy, i) - want) < 1e-4))
            fail_msg("value %zu: got %g, want %g", i, npy_number(&npy, i), want);
    }
    naive_net_free(naive);
    npy_free(&npy);
    float_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_read_back_as_written),
        cmocka_unit_test(a_float_files_values_are_those_of_its_last_layer),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
