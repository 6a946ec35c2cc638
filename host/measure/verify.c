// SPDX-License-Identifier: Apache-2.0
/* Comparison of a core with the integer model. */
#include "measure/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

enum { ONE_THREAD = 1, CLASS_BYTES = 2 };

/* One image on both. */
struct verify {
    struct target *target;
    const struct container *container;
    const struct model *model;
    const struct infer *infer;
    enum proto_tier tier;
    const uint8_t *image;
    size_t image_index;
    uint8_t *got, *want; /* each as large as the largest buffer */
};

/* The layer that writes a buffer last, -1 if none does. */
static int last_writer(const struct model *model, unsigned buffer)
{
    int i = model->layer_count - 1;
    while (i >= 0 && model->layers[i].out != buffer)
        i--;
    return i;
}

static size_t largest_buffer(const struct model *model)
{
    size_t largest = CLASS_BYTES;
    for (int i = 0; i < model->buffer_count; i++)
        if (model->buffers[i].size_bytes > largest)
            largest = model->buffers[i].size_bytes;
    return largest;
}

/* The integer model's output values, to verify->want, and its class, which goes on from them. */
static enum status expect(const struct verify *verify, uint16_t *class_index, struct error *err)
{
    const struct model *model = verify->model;
    const int output = last_writer(model, model->output) + 1;
    const int end = model->class_out == MODEL_NONE ? 0 : last_writer(model, model->class_out) + 1;
    const bool goes_on = output < end && (output == 0 || infer_can_start(verify->infer, output));
    uint8_t class_bytes[CLASS_BYTES];
    enum status status = STATUS_OK;
    *class_index = MODEL_NONE;
    if (output > 0)
        status =
            infer_run(verify->infer, 0, output, verify->image, 1, verify->want, ONE_THREAD, err);
    else
        memcpy(verify->want, verify->image, model->buffers[model->input].size_bytes);
    if (status != STATUS_OK || end == 0)
        return status;
    status = infer_run(verify->infer, goes_on ? output : 0, end,
                       goes_on ? verify->want : verify->image, 1, class_bytes, ONE_THREAD, err);
    if (status == STATUS_OK)
        *class_index = get_u16(class_bytes);
    return status;
}

/* The core's output buffer: with the result, or fetched if that has no room for it. */
static enum status fetch_output(const struct verify *verify, const struct target_result *result,
                                struct error *err)
{
    const unsigned output = verify->model->output;
    const size_t size = verify->model->buffers[output].size_bytes;
    if (result->output_bytes == size) {
        memcpy(verify->got, result->output, size);
        return STATUS_OK;
    }
    return target_read_buffer(verify->target, output, 0, size, verify->got, err);
}

/* Runs the image completely. */
static enum status compare_run(const struct verify *verify, struct target_result *result,
                               bool *equal, struct error *err)
{
    const struct model *model = verify->model;
    const size_t size = model->buffers[model->output].size_bytes;
    uint16_t class_index = MODEL_NONE;
    enum status status = target_set_input(verify->target, verify->image,
                                          model->buffers[model->input].size_bytes, err);
    if (status == STATUS_OK)
        status = target_run(verify->target, verify->tier, false, 0, result, err);
    if (status == STATUS_OK)
        status = fetch_output(verify, result, err);
    if (status == STATUS_OK)
        status = expect(verify, &class_index, err);
    if (status == STATUS_OK)
        *equal = memcmp(verify->got, verify->want, size) == 0 && result->class_index == class_index;
    return status;
}

/* The first of a layer's results that differs: its number, -1 if all are equal. */
static long first_difference(const struct verify *verify, const struct model_layer *layer)
{
    const size_t step = layer->op == OP_ARGMAX ? CLASS_BYTES : 1;
    const size_t size = verify->model->buffers[layer->out].size_bytes;
    for (size_t i = 0; i < size; i += step)
        if (memcmp(verify->got + i, verify->want + i, step) != 0)
            return (long)(i / step);
    return -1;
}

static int element_value(const struct verify *verify, const struct model_layer *layer,
                         const uint8_t *values, long element)
{
    if (layer->op == OP_ARGMAX)
        return get_u16(values + CLASS_BYTES * element);
    return verify->model->buffers[layer->out].is_signed ? (int8_t)values[element] : values[element];
}

static void describe(const struct verify *verify, unsigned index, long element,
                     struct error *mismatch)
{
    const struct model_layer *layer = &verify->model->layers[index];
    const struct model_buffer *out = &verify->model->buffers[layer->out];
    const long row = (long)out->width * out->channels;
    char name[40], bits[24] = "", place[64] = "";
    container_layer_name(verify->container, index, name, sizeof name);
    if (layer->weight_bits)
        snprintf(bits, sizeof bits, ", %d-bit weights", layer->weight_bits);
    if (layer->op != OP_ARGMAX && row > out->channels)
        snprintf(place, sizeof place, " (row %ld, column %ld, channel %ld)", element / row,
                 element % row / out->channels, element % out->channels);
    snprintf(mismatch->text, sizeof mismatch->text,
             "image %zu, layer %u %s (%s%s), element %ld%s: got %d, want %d", verify->image_index,
             index, name, container_op_name(layer->op), bits, element, place,
             element_value(verify, layer, verify->got, element),
             element_value(verify, layer, verify->want, element));
}

/* Runs both up to a layer, from the image on: nothing is left over from an earlier run. */
static enum status compare_layer(const struct verify *verify, unsigned index, long *element,
                                 struct error *err)
{
    const struct model *model = verify->model;
    const struct model_layer *layer = &model->layers[index];
    struct target_result result;
    enum status status = target_set_input(verify->target, verify->image,
                                          model->buffers[model->input].size_bytes, err);
    if (status == STATUS_OK)
        status = target_run(verify->target, verify->tier, false, index + 1, &result, err);
    if (status == STATUS_OK)
        status = target_read_buffer(verify->target, layer->out, 0,
                                    model->buffers[layer->out].size_bytes, verify->got, err);
    if (status == STATUS_OK)
        status = infer_run(verify->infer, 0, (int)index + 1, verify->image, 1, verify->want,
                           ONE_THREAD, err);
    if (status == STATUS_OK)
        *element = first_difference(verify, layer);
    return status;
}

/* Finds the first layer whose results differ. */
static enum status locate(const struct verify *verify, struct error *mismatch, struct error *err)
{
    const struct model *model = verify->model;
    for (unsigned i = 0; i < model->layer_count; i++) {
        long element = -1;
        const enum status status = compare_layer(verify, i, &element, err);
        if (status != STATUS_OK)
            return status;
        if (element >= 0) {
            describe(verify, i, element, mismatch);
            return STATUS_OK;
        }
    }
    snprintf(mismatch->text, sizeof mismatch->text,
             "image %zu: the complete run differs, but no layer does when they are run one "
             "by one: the core's results cannot be repeated, or a layer overwrites another "
             "one's",
             verify->image_index);
    return STATUS_OK;
}

enum status verify_image(struct target *target, const struct container *container,
                         const struct infer *infer, enum proto_tier tier, const uint8_t *image,
                         size_t image_index, struct target_result *result, bool *equal,
                         struct error *mismatch, struct error *err)
{
    const size_t room = largest_buffer(container->model);
    uint8_t *memory = malloc(2 * room);
    if (!memory)
        return error_set(err, STATUS_NO_MEMORY, "image %zu: out of memory", image_index);
    struct verify verify = {
        .target = target,
        .container = container,
        .model = container->model,
        .infer = infer,
        .tier = tier,
        .image = image,
        .image_index = image_index,
        .got = memory,
        .want = memory + room,
    };
    *equal = true;
    enum status status = compare_run(&verify, result, equal, err);
    if (status == STATUS_OK && !*equal)
        status = locate(&verify, mismatch, err);
    free(memory);
    return status;
}
