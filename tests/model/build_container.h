// SPDX-License-Identifier: Apache-2.0
/* Model containers for tests, written from model_format.h and independent of the host's packer;
 * checksums by their description. */
#ifndef MPQ_BUILD_CONTAINER_H
#define MPQ_BUILD_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/ref_layers.h"

enum { BUILD_SAMPLE_LAYERS = 8, BUILD_SAMPLE_BUFFERS = 8, BUILD_SAMPLE_ROOM = 4096 };
enum { BUILD_GROUPED_LAYERS = 7, BUILD_GROUPED_BUFFERS = 8 };

struct build_buffer {
    int height, width, channels;
    bool is_signed;
    uint32_t arena_offset;
};

struct build_layer {
    enum model_op op;
    int bits; /* 0 without weights */
    bool relu;
    int in, out;
    struct ref_window window;
    const struct ref_weights *weights; /* NULL without; groups and depthwise are the layer's,
                                          kernel_h and kernel_w the window's */
    int in2;                           /* ADD only */
    const struct ref_add *add;         /* ADD only, else NULL */
};

struct build_container {
    const struct build_buffer *buffers;
    const struct build_layer *layers;
    int buffer_count, layer_count;
    int input, output, class_out; /* class_out: MODEL_NONE or a buffer */
    uint32_t arena_bytes, scratch_offset, scratch_bytes;
    const char *name;
};

uint32_t build_crc32(const uint8_t *bytes, size_t size);

/* Writes the container; returns its size, 0 if room is too small. */
size_t build_container(const struct build_container *what, uint8_t *bytes, size_t room);

/* Sets the header's checksum again after a change; the size is the header's own. */
void build_fix_checksum(uint8_t *bytes);

/* The sample: every operation without groups or second input, and every width. Layers, buffer after buffer:
 *   0 conv 3x3 same 4 bit relu   6x6x1 -> 6x6x5      4 relu in place
 *   1 average pool 2x2           -> 3x3x5            5 flatten in place -> 1x1x12
 *   2 max pool 2x2 stride 1      -> 2x2x5            6 FC 2 bit        -> 10 signed
 *   3 conv 1x1 8 bit, signed     -> 2x2x3            7 argmax          -> class
 * bytes: 16-byte aligned. Returns the size. */
size_t build_sample(uint8_t bytes[BUILD_SAMPLE_ROOM]);

/* The sample of the others. Six channels throughout:
 *   0 depthwise 3x3 same 4 bit relu  5x5          4 depthwise 2x2 8 bit, signed -> 1x1
 *   1 conv 1x1 in 2 groups, 2 bit    5x5, signed  5 add 4 to itself, relu
 *   2 add 1 and 0, in place of 1     5x5, signed  6 argmax                      -> class
 *   3 depthwise 2x3 stride 2, 2 bit, relu -> 2x2
 * bytes: 16-byte aligned. Returns the size. */
size_t build_grouped_sample(uint8_t bytes[BUILD_SAMPLE_ROOM]);

#endif
