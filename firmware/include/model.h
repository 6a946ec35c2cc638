// SPDX-License-Identifier: Apache-2.0
/* Reading and checking a model container. Freestanding; the same code runs on the core and on the
 * host. After model_parse() has accepted a container no kernel needs to check anything. */
#ifndef MPQ_MODEL_H
#define MPQ_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include "model_format.h"

/* One line for each way in which a container can be wrong; the protocol sends the number, the host
 * prints the text. */
#define MODEL_FAULTS(X)                                                                            \
    X(MODEL_OK, "accepted")                                                                        \
    X(MODEL_TRUNCATED, "shorter than its header says")                                             \
    X(MODEL_BAD_MAGIC, "not a model container")                                                    \
    X(MODEL_BAD_VERSION, "container version not known here")                                       \
    X(MODEL_BAD_CHECKSUM, "contents do not match the checksum")                                    \
    X(MODEL_BAD_HEADER, "header field out of range")                                               \
    X(MODEL_TOO_LARGE, "container and arena exceed the model area")                                \
    X(MODEL_BAD_TABLE, "buffer or layer table lies outside the container")                         \
    X(MODEL_BAD_BUFFER, "buffer shape or place out of range")                                      \
    X(MODEL_BAD_OP, "operation not known here")                                                    \
    X(MODEL_BAD_BITS, "weight bits not 8, 4 or 2, or present where there are no weights")          \
    X(MODEL_BAD_INDEX, "layer names a buffer that does not exist")                                 \
    X(MODEL_BAD_SHAPE, "shapes of a layer's buffers do not fit its operation")                     \
    X(MODEL_BAD_WINDOW, "kernel, stride or padding out of range")                                  \
    X(MODEL_BAD_WEIGHTS, "weight block outside the container, misaligned, of the wrong size, or "  \
                         "not zero behind a row")                                                  \
    X(MODEL_BAD_PARAMS, "parameter block outside the container, misaligned or of the wrong size")  \
    X(MODEL_BAD_OPERAND,                                                                           \
      "parameter word has mode, relu or reserved bits that do not fit the layer")                  \
    X(MODEL_OVERLAP, "a layer's input, output and scratch overlap")                                \
    X(MODEL_BAD_SCRATCH, "scratch area too small or outside the arena")                            \
    X(MODEL_BAD_RESERVED, "reserved byte not zero")                                                \
    X(MODEL_BAD_ISA, "needs neural instructions that this core lacks")

enum model_fault_code {
#define X(name, text) name,
    MODEL_FAULTS(X)
#undef X
};

struct model_buffer {
    uint32_t arena_offset;
    uint16_t height, width, channels;
    bool is_signed;
    uint32_t size_bytes; /* height * width * channels */
};

struct model_layer {
    uint8_t op; /* enum model_op */
    uint8_t weight_bits;
    bool relu;
    uint16_t in, in2, out; /* buffer indices; in2: ADD only, else MODEL_NONE */
    uint16_t groups;       /* of a convolution, else 0 */
    uint8_t kernel_h, kernel_w, stride_h, stride_w;
    uint8_t pad_top, pad_left, pad_bottom, pad_right;
    uint32_t weight_offset, weight_bytes, param_offset, param_bytes;
};

struct model {
    const uint8_t *bytes; /* borrowed; weights and parameters stay there */
    uint32_t container_bytes;
    uint32_t arena_start; /* container_bytes rounded up to MODEL_ALIGN */
    uint32_t arena_bytes;
    uint32_t scratch_offset, scratch_bytes; /* offset in the arena */
    uint16_t isa_version;
    uint16_t layer_count, buffer_count;
    uint16_t input, output, class_out; /* buffer indices; class_out may be MODEL_NONE */
    char name[MODEL_NAME_BYTES + 1];
    struct model_buffer *buffers; /* [buffer_count], borrowed */
    struct model_layer *layers;   /* [layer_count], borrowed */
};

/* Tables of the largest model there can be. */
struct model_tables {
    struct model_buffer buffers[MODEL_MAX_BUFFERS];
    struct model_layer layers[MODEL_MAX_LAYERS];
};

static inline void model_set_tables(struct model *model, struct model_tables *tables)
{
    model->buffers = tables->buffers;
    model->layers = tables->layers;
}

/* Where a container is wrong: layer or buffer number, -1 if neither. */
struct model_fault {
    enum model_fault_code code;
    int16_t layer;
    int16_t buffer;
};

/* What MH_CHECKSUM must hold (model_format.h). container: at a 4-byte aligned address, of a multiple
 * of 4 bytes, MODEL_HEADER_BYTES or more. */
uint32_t model_checksum(const uint8_t *container, uint32_t container_bytes);

/* Checks size bytes at a 4-byte aligned address completely, everything in the list above but
 * MODEL_BAD_ISA (the caller compares isa_version when it runs the nn tier). area_bytes: room for
 * container and arena together. out: its buffers and layers point to room for as many as the header
 * says, or for the most there can be. Returns MODEL_OK and fills out, which borrows bytes; else
 * fills fault and leaves out unusable. */
enum model_fault_code model_parse(const uint8_t *bytes, uint32_t size, uint32_t area_bytes,
                                  struct model *out, struct model_fault *fault);

/* Scratch that a layer's kernels (both tiers) may use, in bytes, 0 if none. The planner of the host
 * calls this too. */
uint32_t model_scratch_bytes(const struct model_layer *layer, const struct model_buffer *in,
                             const struct model_buffer *out);

/* Text of a fault code; on the host only (the core sends numbers). */
const char *model_fault_text(enum model_fault_code code);

/* A convolution whose channels are all on their own; its weights have a layout of their own. */
static inline bool model_is_depthwise(const struct model_layer *layer,
                                      const struct model_buffer *in, const struct model_buffer *out)
{
    return layer->op == OP_CONV2D && layer->groups > 1 && layer->groups == in->channels &&
           layer->groups == out->channels;
}

/* Whether its windows see anything beside the input. */
static inline bool model_is_padded(const struct model_layer *layer)
{
    return layer->pad_top || layer->pad_left || layer->pad_bottom || layer->pad_right;
}

/* The part of one of a convolution's groups: of channels, or of bytes. Few have more than one, and cores divide slowly. */
static inline uint32_t model_group_part(const struct model_layer *layer, uint32_t whole)
{
    return layer->groups > 1 ? whole / layer->groups : whole;
}

/* Element count K of a weight row, and its words of activations. */
static inline uint32_t model_row_elements(const struct model_layer *layer,
                                          const struct model_buffer *in)
{
    return layer->op == OP_FC ? in->size_bytes
                              : (uint32_t)layer->kernel_h * layer->kernel_w *
                                    model_group_part(layer, in->channels);
}

/* Elements D of a column of a convolution's weight row (model_format.h): windows that start at whole
 * words are read in a cycle a word. channels: of one of the convolution's groups. */
static inline uint32_t model_column_elements(uint32_t kernel_h, uint32_t channels)
{
    const uint32_t dense = kernel_h * channels, fill = -dense & 3;

    return kernel_h > 1 && fill * MODEL_COLUMN_FILL <= dense ? dense + fill : dense;
}

static inline uint32_t model_row_words(const struct model_layer *layer,
                                       const struct model_buffer *in)
{
    const uint32_t elements =
        layer->op == OP_FC
            ? model_row_elements(layer, in)
            : layer->kernel_w *
                  model_column_elements(layer->kernel_h, model_group_part(layer, in->channels));

    return (elements + 3) / 4;
}

/* Groups of four output channels, each with a block of weights and one of parameters. A grouped
 * convolution's groups are filled up to whole ones each; depthwise channels stand side by side. */
static inline uint32_t model_channel_groups(const struct model_layer *layer,
                                            const struct model_buffer *in,
                                            const struct model_buffer *out)
{
    if (layer->op != OP_CONV2D || model_is_depthwise(layer, in, out))
        return (out->channels + 3u) / 4;
    return layer->groups * ((model_group_part(layer, out->channels) + 3) / 4);
}

#endif
