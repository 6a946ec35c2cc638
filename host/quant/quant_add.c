// SPDX-License-Identifier: Apache-2.0
/* What the core does between weighted layers: which layers a ReLU is fused into, and the integers of
 * a residual addition. */
#include "quant/quant.h"

#include <float.h>
#include <math.h>

enum {
    FACTOR_MAX = 127,
    MULTIPLIER_MAX = 255,
    SHIFT_MIN = 2, /* from here on neur_res rounds half up for negative numbers too */
    SHIFT_MAX = 31,
};

static bool is_relu(enum net_op op)
{
    return op == NET_RELU || op == NET_RELU6;
}

/* Whether an ADD or BRANCH takes the values behind a layer aside. */
static bool is_source(const struct net *net, int layer)
{
    for (int i = layer + 1; i < net->layer_count; i++)
        if (net_has_with(&net->layers[i]) && net->layers[i].with == layer)
            return true;
    return false;
}

static bool commutes_with_relu(enum net_op op)
{
    return op == NET_MAXPOOL || op == NET_FLATTEN || op == NET_BATCHNORM || op == NET_DROPOUT;
}

int quant_fused_relu(const struct net *net, int layer)
{
    for (int i = layer + 1; i < net->layer_count && !is_source(net, i - 1); i++) {
        if (is_relu(net->layers[i].op))
            return i;
        if (!commutes_with_relu(net->layers[i].op))
            return -1;
    }
    return -1;
}

bool quant_is_add(const struct net *net, int layer)
{
    if (net->layers[layer].op != NET_RELU6)
        return net->layers[layer].op == NET_ADD;
    for (int i = 0; i < layer; i++)
        if ((net->layers[i].weighted_index >= 0 || net->layers[i].op == NET_ADD) &&
            quant_fused_relu(net, i) == layer)
            return false;
    return true;
}

bool quant_is_signed(const struct net *net, int layer)
{
    for (; layer >= 0;
         layer = net->layers[layer].op == NET_BRANCH ? net->layers[layer].with : layer - 1) {
        const bool is_add = quant_is_add(net, layer);
        if (is_add && net->layers[layer].op == NET_RELU6)
            return false;
        if (is_add || net->layers[layer].weighted_index >= 0)
            return quant_fused_relu(net, layer) < 0;
    }
    return net->input_signed;
}

/* The factor nearest to ratio / unit. */
static int nearest_factor(double ratio, double unit)
{
    const double factor = nearbyint(ratio / unit);
    return factor > FACTOR_MAX ? FACTOR_MAX : (int)factor;
}

/* An operand beyond this has only clamped results, whatever the other one is. */
static double useful_range(double range, double ratio, double other_range, double other_ratio,
                           double clamp)
{
    return fmin(range, (clamp + other_range * other_ratio) / ratio);
}

/* Every multiplier and shift is tried: of their products with the factors a few lie close to both
 * ratios. The error is that of the largest operands. |ma a + mb b| < 2^16, times the multiplier
 * < 2^24, plus half a step of at most 2^30. */
void quant_add_set(struct quant_add *add, bool with_b)
{
    const double a_ratio = (double)add->a_scale / (double)add->out_scale;
    const double b_ratio = with_b ? (double)add->b_scale / (double)add->out_scale : 0;
    const double a_range = add->a_signed ? 128 : 255, b_range = add->b_signed ? 128 : 255;
    const double clamp = add->relu ? 255 : 128;
    const double a_most = useful_range(a_range, a_ratio, b_range, b_ratio, clamp);
    const double b_most = useful_range(b_range, b_ratio, a_range, a_ratio, clamp);
    double least = DBL_MAX;
    for (int shift = SHIFT_MIN; shift <= SHIFT_MAX; shift++)
        for (int multiplier = 1; multiplier <= MULTIPLIER_MAX; multiplier++) {
            const double unit = ldexp(multiplier, -shift);
            const int ma = nearest_factor(a_ratio, unit), mb = nearest_factor(b_ratio, unit);
            const double error =
                fabs(ma * unit - a_ratio) * a_most + fabs(mb * unit - b_ratio) * b_most;
            if (error < least) {
                least = error;
                add->ma = (uint8_t)ma;
                add->mb = (uint8_t)mb;
                add->multiplier = (uint8_t)multiplier;
                add->shift = (uint8_t)shift;
            }
        }
}
