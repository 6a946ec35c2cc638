// SPDX-License-Identifier: Apache-2.0
#include "measure/outputs.h"

#include <stdlib.h>
#include <string.h>
#include "data/npy_write.h"
#include "infer/infer.h"
#include "train/train.h"

struct collector {
    float *values;
    size_t used; /* floats */
    int layer;
};

static void collect(void *context, int layer, const float *values, size_t count, struct shape shape)
{
    struct collector *collector = context;
    if (layer != collector->layer)
        return;
    memcpy(collector->values + collector->used, values, count * shape_size(shape) * sizeof *values);
    collector->used += count * shape_size(shape);
}

static enum status run_float(const struct float_model *model, const struct dataset *data,
                             float *values, struct error *err)
{
    struct collector collector = {.values = values, .layer = model->net->layer_count - 1};
    return train_observe(model, data, data->count, collect, &collector, err);
}

static enum status run_integers(const struct model *model, const struct dataset *data, int threads,
                                float *values, struct error *err)
{
    const struct model_buffer *buffer = &model->buffers[model->output];
    const size_t count = data->count * buffer->size_bytes;
    struct infer *infer = NULL;
    uint8_t *bytes = malloc(count + 1);
    enum status status = STATUS_OK;
    if (!bytes)
        status = error_set(err, STATUS_NO_MEMORY, "not enough memory for %zu outputs", count);
    if (status == STATUS_OK)
        status = infer_create(model, &infer, err);
    if (status == STATUS_OK) /* the last layer takes the class from the values */
        status = infer_run(infer, 0, infer_layer_count(infer) - 1, data->images, data->count, bytes,
                           threads, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        values[i] = buffer->is_signed ? (float)(int8_t)bytes[i] : (float)bytes[i];
    infer_free(infer);
    free(bytes);
    return status;
}

enum status outputs_write(const struct model_file *file, const struct dataset *data, int threads,
                          const char *path, struct error *err)
{
    const size_t classes = (size_t)file->net->class_count;
    float *values = malloc((data->count * classes + 1) * sizeof *values);
    if (!values)
        return error_set(err, STATUS_NO_MEMORY, "not enough memory for the outputs");
    enum status status = file->model
                             ? run_float(file->model, data, values, err)
                             : run_integers(file->container->model, data, threads, values, err);
    if (status == STATUS_OK)
        status = npy_write_floats(path, values, data->count, classes, err);
    free(values);
    return status;
}
