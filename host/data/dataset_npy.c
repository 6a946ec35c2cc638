// SPDX-License-Identifier: Apache-2.0
/* NumPy arrays of images and of labels. */
#include <math.h>
#include <stdlib.h>

#include "data/dataset_formats.h"
#include "data/npy.h"

enum { TEXT_BYTES = 128 };

/* Whether the array's shape is [count][a][b][c]; dimensions of 1 may be missing. */
static bool has_shape(const struct npy *images, size_t a, size_t b, size_t c)
{
    const size_t want[] = {a, b, c};
    int at = 1;
    for (int i = 0; i < 3; i++) {
        if (at < images->rank && images->dims[at] == want[i])
            at++;
        else if (want[i] != 1)
            return false;
    }
    return images->rank >= 1 && at == images->rank;
}

static enum status check_images(const struct net *net, const struct npy *images, struct error *err)
{
    char text[TEXT_BYTES];
    const size_t h = (size_t)net->input.h, w = (size_t)net->input.w, c = (size_t)net->input.c;
    const bool last = has_shape(images, h, w, c), first = has_shape(images, c, h, w);
    const char *layout = net->data.channels_first ? "nchw" : "nhwc";
    npy_shape_text(images, text, sizeof text);
    if (images->kind != 'f' && (images->kind != 'u' || images->item_bytes != 1))
        return error_set(err, STATUS_INPUT,
                         "%s: elements of type %c%zu; want uint8, float32 or float64", images->path,
                         images->kind, images->item_bytes);
    if (net->data.channels_first ? first : last)
        return STATUS_OK;
    if (first || last)
        return error_set(err, STATUS_INPUT,
                         "%s: array of shape %s is not %s; set \"layout\" to \"%s\" in the model's "
                         "\"data\"",
                         images->path, text, layout, last ? "nhwc" : "nchw");
    return error_set(err, STATUS_INPUT,
                     "%s: array of shape %s, but %s takes %dx%dx%d (%s); correct the model's "
                     "\"input\"",
                     images->path, text, net->name, net->input.h, net->input.w, net->input.c,
                     layout);
}

static enum status check_labels(const struct npy *images, const struct npy *labels,
                                struct error *err)
{
    char text[TEXT_BYTES];
    npy_shape_text(labels, text, sizeof text);
    if (labels->kind == 'f')
        return error_set(err, STATUS_INPUT, "%s: labels are floats; want integers", labels->path);
    if (labels->rank != 1 && !(labels->rank == 2 && labels->dims[1] == 1))
        return error_set(err, STATUS_INPUT, "%s: labels of shape %s; want one for each image",
                         labels->path, text);
    if (labels->dims[0] != images->dims[0])
        return error_set(err, STATUS_INPUT,
                         "%s: %zu images, but %zu labels in %s; the files do not belong together",
                         images->path, images->dims[0], labels->dims[0], labels->path);
    if (!labels->dims[0])
        return error_set(err, STATUS_INPUT, "%s: has no images", images->path);
    return STATUS_OK;
}

static enum status take_labels(const struct npy *labels, int class_count, struct raw_data *out,
                               struct error *err)
{
    for (size_t i = 0; i < out->count; i++) {
        const double label = npy_number(labels, i);
        if (!(label >= 0 && label < class_count))
            return error_set(err, STATUS_INPUT,
                             "%s: byte %zu: label %.0f, want 0 to %d; correct the model's "
                             "\"classes\" or the file",
                             labels->path, labels->data + i * labels->item_bytes, label,
                             class_count - 1);
        out->labels[i] = (uint16_t)label;
    }
    return STATUS_OK;
}

/* Place in [h][w][c] order of element e of an item. */
static size_t place_of(const struct net *net, size_t e)
{
    const size_t pixels = (size_t)net->input.h * (size_t)net->input.w;
    return net->data.channels_first ? e % pixels * (size_t)net->input.c + e / pixels : e;
}

static enum status take_images(const struct net *net, const struct npy *images,
                               struct raw_data *out, struct error *err)
{
    for (size_t i = 0; i < out->count; i++)
        for (size_t e = 0; e < out->size; e++) {
            const size_t from = i * out->size + e, to = i * out->size + place_of(net, e);
            if (out->bytes) {
                out->bytes[to] = images->bytes[images->data + from];
                continue;
            }
            const double value = npy_number(images, from);
            if (!isfinite((float)value))
                return error_set(err, STATUS_INPUT, "%s: byte %zu: image %zu has the value %g",
                                 images->path, images->data + from * images->item_bytes, i, value);
            out->values[to] = (float)value;
        }
    return STATUS_OK;
}

static enum status load_pair(const struct net *net, const char *image_path, const char *label_path,
                             struct raw_data *out, struct error *err)
{
    struct npy images, labels = {.bytes = NULL};
    enum status status = npy_load(image_path, &images, err);
    if (status == STATUS_OK)
        status = npy_load(label_path, &labels, err);
    if (status == STATUS_OK)
        status = check_images(net, &images, err);
    if (status == STATUS_OK)
        status = check_labels(&images, &labels, err);
    if (status == STATUS_OK)
        status = raw_create(net, image_path, images.dims[0], images.kind == 'f', out, err);
    if (status == STATUS_OK)
        status = take_labels(&labels, net->class_count, out, err);
    if (status == STATUS_OK)
        status = take_images(net, &images, out, err);
    npy_free(&images);
    npy_free(&labels);
    return status;
}

enum status dataset_npy_read(const struct net *net, const char *folder,
                             struct raw_data parts[NET_PARTS], struct error *err)
{
    return data_read_pairs(net, folder, load_pair, parts, err);
}
