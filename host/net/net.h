// SPDX-License-Identifier: Apache-2.0
/* A network as the user writes it (MODEL.json, described in README.md): layers with inferred shapes,
 * data, training recipe, search defaults. Knows no weights and no arithmetic. Shapes are
 * [height][width][channels] (H, W, C). */
#ifndef MPQ_NET_H
#define MPQ_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum { NET_MAX_LAYERS = 256, NET_NAME_BYTES = 32, NET_MAX_PHASES = 8, NET_MAX_BITS = 3 };
enum { NET_PATH_BYTES = 256, NET_COLUMN_BYTES = 64, NET_MAX_DROPS = 64 };

/* BATCHNORM stands right behind a convolution or fc layer; training folds it into that layer's
 * weights (a FLOAT file holds folded ones), so that everywhere else it changes nothing, like
 * DROPOUT. RELU6: min(max(x, 0), 6). ADD: the values before it plus those of layer `with`. BRANCH:
 * those of layer `with` again; what follows goes on from there, and an ADD or BRANCH behind it takes
 * up those before it. */
enum net_op {
    NET_CONV,
    NET_FC,
    NET_RELU,
    NET_MAXPOOL,
    NET_AVGPOOL,
    NET_FLATTEN,
    NET_RELU6,
    NET_ADD,
    NET_BATCHNORM,
    NET_DROPOUT,
    NET_BRANCH
};

enum { NET_INPUT = -1 }; /* as a layer number: the network's input */

struct shape {
    int h, w, c;
};

struct net_layer {
    enum net_op op;
    char name[NET_NAME_BYTES]; /* unique; default: op and number, "conv1" */
    struct shape in, out;
    int kernel_h, kernel_w, stride_h, stride_w;
    int pad_top, pad_left, pad_bottom, pad_right;
    int groups;      /* CONV: divides in.c and out.c; in.c == out.c == groups: depthwise */
    int with;        /* ADD, BRANCH: number of an earlier layer or NET_INPUT, which has no BATCHNORM
                        behind it; shapes are equal (BRANCH: with out) */
    float drop_rate; /* DROPOUT: part of the values that training sets to 0, the others grow */
    float epsilon, momentum; /* BATCHNORM; momentum: weight of the old running statistics */
    bool has_bias;           /* always with a BATCHNORM behind, whose shift it becomes */
    int weighted_index;      /* number among the layers with weights, from 0; -1 without weights */
};

/* Changes of training images, drawn anew in each epoch; see augment.h. */
struct net_augment {
    int shift;      /* at most so many pixels in each direction */
    bool flip;      /* left to right, half of the times */
    int cutout;     /* side of a square that becomes 0 */
    float zoom;     /* enlarged up to so many times; 1 or 0: never */
    int brightness; /* at most so much added to every value, in steps of the data */
};

enum net_optimizer { OPTIMIZER_ADAM, OPTIMIZER_SGD };

struct net_recipe {
    enum net_optimizer optimizer;
    float momentum; /* SGD */
    float weight_decay;
    int batch;
    int phase_count; /* successive phases: epochs[p] at learning_rate[p] */
    int epochs[NET_MAX_PHASES];
    float learning_rate[NET_MAX_PHASES];
    bool cosine;               /* the rates fall to zero along half a cosine over all phases */
    int warmup_epochs;         /* the rates rise from zero over so many epochs first */
    float label_smoothing;     /* part of the target that is spread evenly over all classes */
    float validation_fraction; /* of the training data, split with the seed */
    int early_stopping_epochs; /* stop after so many epochs without better validation accuracy and
                                  keep the best; 0: off */
    uint64_t seed;
    struct net_augment augment;
};

enum net_format { NET_FORMAT_IDX, NET_FORMAT_CIFAR, NET_FORMAT_NPY, NET_FORMAT_CSV };
enum net_part { NET_TRAIN, NET_VALIDATION, NET_TEST, NET_PARTS };

/* How real-valued data become bytes; see dataset_scale.h. */
enum net_scaling { NET_SCALING_COMMON, NET_SCALING_MINMAX, NET_SCALING_STANDARD };

/* Parts that have no files of their own are taken from the training files. */
struct net_split {
    float test;      /* fraction of the items */
    int folds, fold; /* folds > 0: the test part is number `fold` of so many equal ones instead */
    bool stratified; /* every part has every class in equal shares */
    bool has_seed;   /* else the recipe's seed counts */
    uint64_t seed;
};

/* Below the data folder; empty if there is none. A CSV file holds labels too. */
struct net_files {
    char images[NET_PATH_BYTES], labels[NET_PATH_BYTES];
};

struct net_data {
    enum net_format format;
    struct net_files files[NET_PARTS]; /* all formats but cifar */
    char folder[NET_PATH_BYTES];       /* cifar */
    bool channels_first;               /* npy: NCHW */
    enum net_scaling scaling;          /* csv, npy of floats */
    bool fit_all;                      /* scaling learned on all parts, not on the training part */
    char label[NET_COLUMN_BYTES];      /* csv */
    char drop[NET_MAX_DROPS][NET_COLUMN_BYTES]; /* csv: columns that are no inputs */
    int drop_count;
    bool text_is_missing; /* csv: a cell that is no number counts as missing, else it is an error */
    struct net_split split;
};

struct net {
    char name[NET_NAME_BYTES];
    struct shape input;
    bool input_signed; /* the input's integers are int8: bytes minus 128 */
    float input_scale; /* real value of one integer step; 0: the data's own, see dataset.h */
    int class_count;
    int layer_count;
    struct net_layer layers[NET_MAX_LAYERS];
    int weighted_count;
    int weighted[NET_MAX_LAYERS]; /* layer numbers of the weighted layers */
    struct net_data data;
    struct net_recipe recipe;
    int calibration_samples;
    struct net_recipe qat;         /* for QAT; its epochs come from the command line */
    int search_bits[NET_MAX_BITS]; /* candidate widths, in the user's order */
    int search_bits_count;
    char search_method[16];           /* how to search; empty: not said */
    int search_group[NET_MAX_LAYERS]; /* [weighted_count] layers of one number > 0 share a width */
    unsigned search_allowed[NET_MAX_LAYERS]; /* [weighted_count] 1 << width for each; 0: all */
    char *json_text;                         /* the whole file, NUL-terminated; owned */
};

/* Reads and checks a file. Errors: "lenet.json: layers[2].stride: want > 0, got -1". *out NULL on
 * failure. */
MUST_CHECK enum status net_load(const char *path, struct net **out, struct error *err);
/* The same from text; label names it in errors. */
MUST_CHECK enum status net_parse(const char *text, const char *label, struct net **out,
                                 struct error *err);
void net_free(struct net *net);

/* Weight elements [out][kernel_h][kernel_w][in / groups] (fc: [out][in], in dense H,W,C order) and
 * MACs of a layer; 0 without. */
size_t net_layer_weights(const struct net_layer *layer);
size_t net_layer_macs(const struct net_layer *layer);
/* The BATCHNORM layer behind layer number `layer`, or -1. */
int net_batchnorm(const struct net *net, int layer);
/* Whether a layer reads another one's values than those right before it, which `with` names. */
static inline bool net_has_with(const struct net_layer *layer)
{
    return layer->op == NET_ADD || layer->op == NET_BRANCH;
}
static inline bool net_is_depthwise(const struct net_layer *layer)
{
    return layer->op == NET_CONV && layer->groups > 1 && layer->groups == layer->in.c &&
           layer->groups == layer->out.c;
}
static inline size_t shape_size(struct shape s)
{
    return (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

#endif
