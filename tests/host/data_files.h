// SPDX-License-Identifier: Apache-2.0
/* What the tests of data sets share: networks that take their data from the working folder, and
 * tables of broken files. */
#ifndef MPQ_TEST_DATA_FILES_H
#define MPQ_TEST_DATA_FILES_H

#include "host/scratch.h"

#include "data/dataset.h"

/* A network named "tiny". input: a shape or an object; data: the section; train: what the section
 * has, "" for no validation. */
static inline struct net *data_net(const char *input, int classes, const char *data,
                                   const char *train)
{
    char text[4096];
    struct net *net = NULL;
    struct error err;
    snprintf(text, sizeof text,
             "{\"name\":\"tiny\",\"input\":%s,\"classes\":%d,\"data\":%s,\"train\":{%s},"
             "\"layers\":[{\"op\":\"fc\",\"outputs\":%d}]}",
             input, classes, data, *train ? train : "\"validation\":0", classes);
    check_ok(net_parse(text, "tiny.json", &net, &err), &err);
    return net;
}

static inline struct data_split data_loaded(const struct net *net, size_t limit)
{
    struct data_split split;
    struct error err;
    check_ok(data_load(net, ".", limit, &split, &err), &err);
    return split;
}

/* Loading fails with this text and leaves nothing. */
static inline void data_refused(const struct net *net, const char *text)
{
    struct data_split split;
    struct error err;
    check_failed(data_load(net, ".", 0, &split, &err), STATUS_INPUT, &err, text);
    assert_null(split.train.images);
    assert_null(split.test.images);
}

static inline void data_write_text(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
}

/* The integers of one item are these; int8 for signed data. */
static inline void data_check_item(const struct dataset *data, size_t item, const int *want)
{
    const size_t size = shape_size(data->shape);
    for (size_t j = 0; j < size; j++) {
        const uint8_t byte = data->images[item * size + j];
        const int got = data->is_signed ? (int8_t)byte : byte;
        if (got != want[j])
            fail_msg("item %zu, value %zu: got %d, want %d", item, j, got, want[j]);
    }
}

#endif
