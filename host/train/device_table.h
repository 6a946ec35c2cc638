// SPDX-License-Identifier: Apache-2.0
/* The library that trains on a GPU, as the tool sees it: a table found by the name DEVICE_SYMBOL.
 * Inside of device.h and dnn_device.h; implemented in host/cuda.
 *
 * A plan is a network on the device for a fixed number of images, all of a batch: its places. BATCHNORM
 * sees them in `ghosts` groups of equal size (the CPU's shards). Parameters, and gradients of
 * parameters, have the layouts of dnn.h. One thread at a time uses a plan; plans of a device may be
 * used at the same time. Errors name the call that failed, or what is too small. */
#ifndef MPQ_DEVICE_TABLE_H
#define MPQ_DEVICE_TABLE_H

#include "base/error.h"
#include "data/augment.h"
#include "data/dataset.h"
#include "net/net.h"
#include "train/cross_entropy.h"

#define DEVICE_SYMBOL "mpq_device_table"

enum { DEVICE_TABLE_VERSION = 1, DEVICE_TEXT_BYTES = 256 };

struct device_state;
struct device_plan;

struct device_setup {
    int number;         /* of the GPU */
    bool deterministic; /* only algorithms that repeat bit for bit */
    int plans;          /* at the same time, others wait; 0: as many as fit the free memory */
};

struct device_plan_setup {
    const struct net *net; /* borrowed */
    int images, ghosts;    /* ghosts divides images */
    bool training;         /* BATCHNORM and DROPOUT work; else they change nothing */
    bool integers;         /* the core's arithmetic, see struct device_requantize */
    const bool *identity;  /* [layer_count] layers that change nothing in any case */
};

/* What stands behind a layer's sums: clamp(round(sum * factor)), as in qat_pass.h. The sum of an
 * addition is ma * a + mb * b; a RELU6 of its own is one with mb 0. */
struct device_requantize {
    const double *factor; /* [channels], or one of an addition */
    float ma, mb;
    int low, high;
};

struct device_batch {
    const struct dataset *data;
    const uint32_t *order;            /* [filled] numbers of the images in data */
    const struct augment_draw *draws; /* [filled]; NULL: no augmentation */
    size_t filled, counted;           /* places with an image; the first ones, which have a loss */
    float input_scale;                /* the network sees integer * input_scale */
    struct cross_entropy loss;
    uint64_t seed, step; /* of DROPOUT */
};

struct device_table {
    int version; /* DEVICE_TABLE_VERSION */
    MUST_CHECK enum status (*open)(const struct device_setup *setup, struct device_state **out,
                                   struct error *err);
    void (*close)(struct device_state *state);
    /* "NVIDIA H200, 139 GiB, cuDNN 9.28.1"; without a device: libraries only. */
    void (*text)(const struct device_state *state, char text[DEVICE_TEXT_BYTES]);
    void (*versions)(char text[DEVICE_TEXT_BYTES]);

    /* Waits until the device has room for one more. */
    MUST_CHECK enum status (*plan_create)(struct device_state *state,
                                          const struct device_plan_setup *setup,
                                          struct device_plan **out, struct error *err);
    void (*plan_free)(struct device_plan *plan);
    void (*set_training)(struct device_plan *plan, bool on);
    /* Take effect in the next step() or count_correct(). scale: of the BATCHNORM behind. */
    void (*set_weights)(struct device_plan *plan, int k, const float *weights, const float *bias);
    void (*set_scale)(struct device_plan *plan, int k, const float *scale);
    void (*set_requantize)(struct device_plan *plan, int layer,
                           const struct device_requantize *requantize);

    /* Forward, loss, backward. *loss: sum of the counted images', each times the weight. */
    MUST_CHECK enum status (*step)(struct device_plan *plan, const struct device_batch *batch,
                                   double *loss, struct error *err);
    /* Of the last step. statistics: of ghost number `ghost`, valid until the next step. */
    void (*gradients)(const struct device_plan *plan, int k, float *weights, float *bias);
    void (*scale_gradients)(const struct device_plan *plan, int k, float *scale);
    void (*statistics)(const struct device_plan *plan, int k, int ghost, const float **mean,
                       const float **variance);

    /* Images of data whose largest output is the label's. */
    MUST_CHECK enum status (*count_correct)(struct device_plan *plan, const struct dataset *data,
                                            float input_scale, size_t *correct, struct error *err);
    /* For tests: what stands behind a layer after the last step, [images][h][w][c]. False: the layer
     * has no gradients. */
    MUST_CHECK enum status (*read)(struct device_plan *plan, int layer, bool gradients, float *out,
                                   struct error *err);
};

#endif
