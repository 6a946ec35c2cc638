// SPDX-License-Identifier: Apache-2.0
/* Throughput of the integer model, by path and number of threads.
 * bench_infer [QUANT]: the file's network, or LeNet-5's shapes with random 8-bit weights. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include "infer/infer_path.h"
#include "model/random_model.h"
#include "pack/pack.h"

enum { IMAGES = 10000, ROUNDS = 3 };

/* Seconds of the best of some rounds; negative after a failure. */
static double measure(const struct infer *infer, const uint8_t *images, uint8_t *out, int threads,
                      struct error *err)
{
    const int layers = infer_layer_count(infer);
    double best = -1;
    for (int i = 0; i < ROUNDS; i++) {
        const double start = omp_get_wtime();
        if (infer_run(infer, 0, layers, images, IMAGES, out, threads, err) != STATUS_OK)
            return -1;
        const double seconds = omp_get_wtime() - start;
        best = best < 0 || seconds < best ? seconds : best;
    }
    return best;
}

static enum status bench_path(const struct infer_path *path, const struct model *model,
                              const uint8_t *images, struct error *err)
{
    struct infer *infer;
    const enum status status = infer_create_on(path, model, &infer, err);
    if (status != STATUS_OK)
        return status;
    uint8_t *out = malloc(IMAGES * infer_layer_out_bytes(infer, infer_layer_count(infer) - 1));
    for (int threads = 1; out && threads <= omp_get_num_procs(); threads *= 2) {
        const double seconds = measure(infer, images, out, threads, err);
        if (seconds > 0)
            printf("integer model, %s, %s, %d threads: %.0f images/s\n", model->name, path->name,
                   threads, IMAGES / seconds);
    }
    free(out);
    infer_free(infer);
    return STATUS_OK;
}

static enum status bench_model(const struct model *model, struct error *err)
{
    const size_t size = model->buffers[model->input].size_bytes;
    struct test_random random = {1};
    uint8_t *images = malloc(IMAGES * size);
    if (!images)
        return error_set(err, STATUS_NO_MEMORY, "%d images: out of memory", IMAGES);
    test_random_bytes(&random, images, IMAGES * size);
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && infer_path_at(i); i++)
        if (infer_path_at(i)->is_supported())
            status = bench_path(infer_path_at(i), model, images, err);
    free(images);
    return status;
}

static enum status bench_file(const char *path, struct error *err)
{
    struct container *container;
    enum status status = container_load(path, &container, err);
    if (status == STATUS_OK)
        status = bench_model(container->model, err);
    container_free(container);
    return status;
}

static enum status bench_lenet5(struct error *err)
{
    static struct random_model chain;
    random_model_lenet5(&chain, 1, (const int[]){8, 8, 8, 8, 8});
    enum status status = random_model_finish(&chain) == MODEL_OK
                             ? bench_model(&chain.model, err)
                             : error_set(err, STATUS_INPUT, "LeNet-5: container refused");
    random_model_free(&chain);
    return status;
}

int main(int argc, char **argv)
{
    struct error err;
    const enum status status = argc > 1 ? bench_file(argv[1], &err) : bench_lenet5(&err);
    if (status != STATUS_OK)
        fprintf(stderr, "bench_infer: %s\n", err.text);
    return status_exit_code(status);
}
