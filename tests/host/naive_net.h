// SPDX-License-Identifier: Apache-2.0
/* A float network in double, written down as its definition says: oracle for the layers of dnn.h.
 * Dropout changes nothing here. */
#ifndef MPQ_TEST_NAIVE_NET_H
#define MPQ_TEST_NAIVE_NET_H

#include "host/scratch.h"

#include <math.h>

#include "net/float_model.h"
#include "train/dnn.h"

struct naive_net {
    int layer_count;
    double *input;                  /* [images][h][w][c] */
    double *values[NET_MAX_LAYERS]; /* behind each layer */
};

/* Of the BATCHNORM behind a weighted layer, [channels]; NULL: the values' own. */
struct naive_statistics {
    double *mean, *variance;
};

struct naive_job {
    const struct float_model *model;
    float *const *scales; /* by weighted layer; NULL: BATCHNORM changes nothing */
    const struct naive_statistics *statistics; /* by weighted layer, or NULL; scales 1 then */
    int images;
};

static inline double naive_at(const double *image, struct shape s, int y, int x, int c)
{
    return y < 0 || y >= s.h || x < 0 || x >= s.w
               ? 0
               : image[((size_t)y * (size_t)s.w + (size_t)x) * (size_t)s.c + (size_t)c];
}

static inline double naive_conv(const struct net_layer *l, const float *weights, const double *in,
                                int y, int x, int o)
{
    const int per_group = l->in.c / l->groups, group = o / (l->out.c / l->groups);
    double sum = 0;
    for (int ky = 0; ky < l->kernel_h; ky++)
        for (int kx = 0; kx < l->kernel_w; kx++)
            for (int i = 0; i < per_group; i++)
                sum +=
                    (double)weights[((o * l->kernel_h + ky) * l->kernel_w + kx) * per_group + i] *
                    naive_at(in, l->in, y * l->stride_h - l->pad_top + ky,
                             x * l->stride_w - l->pad_left + kx, group * per_group + i);
    return sum;
}

static inline double naive_pool(const struct net_layer *l, const double *in, int y, int x, int c)
{
    double largest = -1e300, sum = 0;
    for (int ky = 0; ky < l->kernel_h; ky++)
        for (int kx = 0; kx < l->kernel_w; kx++) {
            const int iy = y * l->stride_h - l->pad_top + ky;
            const int ix = x * l->stride_w - l->pad_left + kx;
            sum += naive_at(in, l->in, iy, ix, c);
            if (iy >= 0 && iy < l->in.h && ix >= 0 && ix < l->in.w)
                largest = fmax(largest, naive_at(in, l->in, iy, ix, c));
        }
    return l->op == NET_MAXPOOL ? largest : sum / (l->kernel_h * l->kernel_w);
}

static inline double naive_fc(const struct net_layer *l, const float *weights, const double *in,
                              int o)
{
    const size_t count = shape_size(l->in);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)weights[(size_t)o * count + i] * in[i];
    return sum;
}

/* Convolution, fully connected and pooling of one image. */
static inline void naive_image(const struct naive_job *job, const struct net_layer *l,
                               const double *in, double *out)
{
    const int k = l->weighted_index;
    for (int y = 0; y < l->out.h; y++)
        for (int x = 0; x < l->out.w; x++)
            for (int o = 0; o < l->out.c; o++, out++) {
                if (l->op == NET_CONV)
                    *out = naive_conv(l, job->model->weights[k], in, y, x, o);
                else if (l->op == NET_FC)
                    *out = naive_fc(l, job->model->weights[k], in, o);
                else
                    *out = naive_pool(l, in, y, x, o);
                /* A bias before a normalization is its shift. */
                if (k >= 0 && !((job->scales || job->statistics) && l[1].op == NET_BATCHNORM))
                    *out += (double)job->model->biases[k][o];
            }
}

static inline void naive_normalize(const struct naive_job *job, int index, double *values)
{
    const struct net_layer *l = &job->model->net->layers[index];
    const int k = l[-1].weighted_index;
    const size_t channels = (size_t)l->out.c, count = (size_t)job->images * shape_size(l->out);
    const double n = (double)(count / channels);
    for (size_t c = 0; c < channels; c++) {
        double mean = 0, variance = 0;
        for (size_t i = c; i < count; i += channels)
            mean += values[i] / n;
        for (size_t i = c; i < count; i += channels)
            variance += (values[i] - mean) * (values[i] - mean) / n;
        const double scale = job->statistics ? 1 : (double)job->scales[k][c];
        if (job->statistics) {
            mean = job->statistics[k].mean[c];
            variance = job->statistics[k].variance[c];
        }
        for (size_t i = c; i < count; i += channels)
            values[i] = (values[i] - mean) / sqrt(variance + (double)l->epsilon) * scale +
                        (double)job->model->biases[k][c];
    }
}

static inline void naive_layer(const struct naive_job *job, const struct naive_net *naive,
                               int index)
{
    const struct net_layer *l = &job->model->net->layers[index];
    const size_t count = (size_t)job->images * shape_size(l->out);
    const double *in = index ? naive->values[index - 1] : naive->input;
    const double *with = !net_has_with(l) ? NULL
                         : l->with < 0    ? naive->input
                                          : naive->values[l->with];
    double *out = naive->values[index];
    if (l->weighted_index >= 0 || l->op == NET_MAXPOOL || l->op == NET_AVGPOOL) {
        for (int i = 0; i < job->images; i++)
            naive_image(job, l, in + (size_t)i * shape_size(l->in),
                        out + (size_t)i * shape_size(l->out));
        return;
    }
    for (size_t i = 0; l->op == NET_BRANCH && i < count; i++)
        out[i] = with[i];
    for (size_t i = 0; l->op != NET_BRANCH && i < count; i++) {
        out[i] = l->op == NET_RELU || l->op == NET_RELU6 ? fmax(in[i], 0) : in[i];
        out[i] = l->op == NET_RELU6 ? fmin(out[i], 6) : out[i];
        out[i] += with ? with[i] : 0;
    }
    if (l->op == NET_BATCHNORM && (job->scales || job->statistics))
        naive_normalize(job, index, out);
}

static inline struct naive_net *naive_run(const struct naive_job *job, const float *input)
{
    const struct net *net = job->model->net;
    const size_t count = (size_t)job->images * shape_size(net->input);
    struct naive_net *naive = calloc(1, sizeof *naive);
    assert_non_null(naive);
    naive->layer_count = net->layer_count;
    naive->input = malloc(count * sizeof(double));
    assert_non_null(naive->input);
    for (size_t i = 0; i < count; i++)
        naive->input[i] = (double)input[i];
    for (int i = 0; i < net->layer_count; i++) {
        naive->values[i] =
            malloc((size_t)job->images * shape_size(net->layers[i].out) * sizeof(double));
        assert_non_null(naive->values[i]);
        naive_layer(job, naive, i);
    }
    return naive;
}

/* scales: BATCHNORM normalizes by the images' own statistics; NULL: it changes nothing. */
static inline struct naive_net *naive_net_run(const struct float_model *model, float *const *scales,
                                              int images, const float *input)
{
    return naive_run(&(struct naive_job){.model = model, .scales = scales, .images = images},
                     input);
}

/* BATCHNORM normalizes by these statistics. */
static inline struct naive_net *naive_net_run_statistics(const struct float_model *model,
                                                         const struct naive_statistics *statistics,
                                                         int images, const float *input)
{
    return naive_run(
        &(struct naive_job){.model = model, .statistics = statistics, .images = images}, input);
}

static inline void naive_net_free(struct naive_net *naive)
{
    for (int i = 0; i < naive->layer_count; i++)
        free(naive->values[i]);
    free(naive->input);
    free(naive);
}

/* Mean over the shards of weighted layer k's statistics; variances with n - 1. Empty without
 * BATCHNORM. */
static inline struct naive_statistics naive_statistics_mean(const struct net *net, int k,
                                                            struct dnn_shard *const *shards,
                                                            int shard_count)
{
    const struct net_layer *l = &net->layers[net->weighted[k]];
    const double n = (double)dnn_shard_images(shards[0]) * l->out.h * l->out.w;
    struct naive_statistics out = {NULL, NULL};
    if (net_batchnorm(net, net->weighted[k]) < 0)
        return out;
    out.mean = calloc((size_t)l->out.c, sizeof(double));
    out.variance = calloc((size_t)l->out.c, sizeof(double));
    assert_true(out.mean && out.variance);
    for (int s = 0; s < shard_count; s++) {
        const float *mean, *variance;
        dnn_shard_statistics(shards[s], k, &mean, &variance);
        for (int c = 0; c < l->out.c; c++) {
            out.mean[c] += (double)mean[c] / shard_count;
            out.variance[c] += (double)variance[c] * n / (n - 1) / shard_count;
        }
    }
    return out;
}

static inline void naive_statistics_free(struct naive_statistics *statistics)
{
    free(statistics->mean);
    free(statistics->variance);
}

#endif
