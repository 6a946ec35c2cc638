// SPDX-License-Identifier: Apache-2.0
/* Quantized networks: integer weights and the core's requantization, and how they are found after
 * training (PTQ).
 *
 * Arithmetic, per output channel c of a weighted layer (isa.md, neur_init .. neur_res):
 *   acc = (bias[c] << bias_shift[c]) + sum weight[c][e] * x[e]
 *   y   = requantize(acc, multiplier[c], shift[c], relu)
 * x, y: uint8 (behind ReLU, input) or int8.
 *
 * Real values: x_real = in_scale * x, w_real = weight_scale[c] * weight, y_real = out_scale * y.
 * The quantizer keeps |acc| * multiplier below 2^31 for every possible input (worst case), so that
 * nothing wraps. Symmetric weights: 8 bit -127..127, 4 bit -7..7, 2 bit -1..1. */
#ifndef MPQ_QUANT_H
#define MPQ_QUANT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "net/float_model.h"

struct quant_layer {
    int bits;            /* of the weights: 8, 4, 2 */
    int out_count;       /* channels */
    int row_count;       /* elements of one channel's weights */
    bool relu;           /* fused; y is uint8 then, else int8 */
    bool in_signed;      /* x is int8 */
    int8_t *weight;      /* [out_count][row_count], order of float_model.h */
    int8_t *bias;        /* [out_count] */
    uint8_t *bias_shift; /* 0..31 */
    uint8_t *multiplier; /* 1..255 (0 for a channel that is always 0) */
    uint8_t *shift;      /* 0..31 */
    float in_scale, out_scale;
    float *weight_scale; /* [out_count] */
};

/* Residual addition: y = requantize(ma * a + mb * b, multiplier, shift, relu), a the values before
 * the layer, b those of layer `with`, y uint8 with relu, else int8. A RELU6 layer that is fused
 * into none is one too, with b = a and mb = 0 (quant_is_add()). */
struct quant_add {
    uint8_t ma, mb; /* 0..127 */
    uint8_t multiplier, shift;
    bool relu, a_signed, b_signed;
    float a_scale, b_scale, out_scale;
};

struct quant_model {
    const struct net *net;       /* borrowed */
    struct quant_layer **layers; /* [weighted_count]; borrowed or owned, see quant_model_free() */
    bool owns_layers;
    struct quant_add *adds; /* [layer_count], by layer, see quant_is_add(); always owned */
};

/* Activation ranges and input statistics of a float model, from calibration images: calibrate.h. */
struct calibration {
    int weighted_count, layer_count;
    float *in_scale, *out_scale; /* [weighted_count] */
    bool *in_signed;             /* [weighted_count] */
    bool *relu;                  /* [weighted_count]: a ReLU is fused (quant_fused_relu()) */
    struct quant_add *adds;      /* [layer_count], complete; zeros where !quant_is_add() */
    float logit_scale;           /* of the network's last values */
    /* [weighted_count] -> [groups][row_count] mean of each weight row's element */
    float **in_mean;
    /* [weighted_count] -> [groups][row_count][row_count] mean of x x^T, for rounding; NULL: not
     * kept */
    float **in_gram;
};

void calibration_free(struct calibration *calibration);

/* One layer by post-training quantization; depends on nothing but the float layer, its calibration
 * and bits, so that a search quantizes each layer once per width. */
MUST_CHECK enum status quant_layer_ptq(const struct float_model *model,
                                       const struct calibration *calibration, int weighted_index,
                                       int bits, struct quant_layer **out, struct error *err);
/* Zero-filled layer for the given counts (both > 0); the caller sets the scalar fields. */
MUST_CHECK enum status quant_layer_create(int out_count, int row_count, struct quant_layer **out,
                                          struct error *err);
void quant_layer_free(struct quant_layer *layer);

/* Largest weight magnitude of a width: 127, 7, 1. */
int quant_weight_limit(int bits);

/* Accumulators stay below this magnitude, also on the way, so that sums of floats are exact. */
enum { QUANT_ACC_LIMIT = 1 << 24 };

/* Largest |sum weight * x| of a channel for any input x, partial sums included. */
int64_t quant_worst_sum(const struct quant_layer *layer, int channel);
/* Whether that leaves an eighth of the accumulator's range for the bias. Demanded of every channel
 * by quant_layer_set_requantization(). */
static inline bool quant_channel_fits(const struct quant_layer *layer, int channel)
{
    return quant_worst_sum(layer, channel) < QUANT_ACC_LIMIT / 8 * 7;
}

/* The scale nearest to `scale` for which in_scale * scale / out_scale is an 8-bit number times a
 * power of two, which the core multiplies by exactly. scale > 0. */
float quant_snap_scale(const struct quant_layer *layer, float scale);

/* The layer number of the ReLU or ReLU6 that is fused into layer number `layer`, a weighted one or
 * an ADD, or -1. Max pooling and flatten may stand between them: both commute with it. No ADD may
 * read the values before it. */
int quant_fused_relu(const struct net *net, int layer);

/* Whether a layer is a struct quant_add: an ADD, or a RELU6 that is fused into no layer. */
bool quant_is_add(const struct net *net, int layer);

/* Whether the values behind a layer, or the input (NET_INPUT), are int8 on the core, else uint8. */
bool quant_is_signed(const struct net *net, int layer);

/* Chooses ma, mb, multiplier and shift of least error from the other fields, of which the scales
 * are > 0. Nothing can overflow. with_b: false leaves b out, mb = 0. */
void quant_add_set(struct quant_add *add, bool with_b);

/* Bias, multiplier and shift of every channel from real values: fills bias, bias_shift, multiplier,
 * shift of a layer whose weight, weight_scale, in_scale, out_scale, relu, in_signed are set.
 * float_bias: [out_count] real values. Used by PTQ and by every QAT step. */
void quant_layer_set_requantization(struct quant_layer *layer, const float *float_bias);

/* The core's requantization (isa.md, neur_res), one lane. */
static inline int32_t requantize(int32_t acc, uint8_t multiplier, uint8_t shift, bool relu)
{
    const uint32_t magnitude = acc < 0 ? 0u - (uint32_t)acc : (uint32_t)acc;
    const uint32_t p = magnitude * multiplier, r = shift ? 1u << (shift - 1) : 0;
    const uint32_t q = acc >= 0 ? p + r : ~p + (r | 1);
    const int32_t t = (int32_t)q >> shift, low = relu ? 0 : -128, high = relu ? 255 : 127;
    return t < low ? low : t > high ? high : t;
}

/* A model of empty layer slots and zero-filled adds for net (borrowed). Frees its layers only if
 * owns_layers. */
MUST_CHECK enum status quant_model_create(const struct net *net, struct quant_model **out,
                                          struct error *err);
/* Copies the calibration's adds. */
void quant_model_set_adds(struct quant_model *model, const struct calibration *calibration);
void quant_model_free(struct quant_model *model);

#endif
