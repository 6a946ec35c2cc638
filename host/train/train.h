// SPDX-License-Identifier: Apache-2.0
/* Float training and evaluation on oneDNN. Deterministic: a batch is cut into TRAIN_SHARDS parts
 * whatever the thread count, each computed by one thread, and gradients are added in shard order.
 */
#ifndef MPQ_TRAIN_H
#define MPQ_TRAIN_H

#include "base/error.h"
#include "base/progress.h"
#include "data/dataset.h"
#include "net/float_model.h"
#include "train/device.h"

enum { TRAIN_SHARDS = 4 };

/* Where training keeps what it has done, so that an interrupted one can go on: train_checkpoint.h. */
struct train_keeping {
    const char *path;
    double interval_s;  /* between two writes, at least; 0: every step; Ctrl-C writes in any case */
    bool resume;        /* goes on with what path holds, if it exists; else it begins */
    size_t limit;       /* of the data; what was begun with another one is refused */
    const char *device; /* where it trains, in words; the same */
};

struct train_options {
    uint64_t seed;
    int threads; /* 0: all cores */
    enum progress_mode progress;
    struct device *device;               /* borrowed; NULL: the CPU */
    const struct train_keeping *keeping; /* of float training; borrowed; NULL: nothing is kept */
};

/* Called after each epoch; may be NULL. Accuracies in percent. */
typedef void train_epoch_fn(void *context, int epoch, double loss, double validation_accuracy,
                            double seconds);

/* Initializes model's weights (He et al. 2015, uniform fan-in), trains by net->recipe and folds
 * BATCHNORM into the weights. The best epoch's weights on validation data are kept if early stopping
 * is on, else the last. A training that was interrupted, however often, and resumed gives the same
 * weights bit for bit. The caller removes the checkpoint of a finished one. */
MUST_CHECK enum status train_float(struct float_model *model, const struct data_split *data,
                                   const struct train_options *options, train_epoch_fn *on_epoch,
                                   void *context, struct error *err);

/* Fraction of correct predictions of the float model, in percent. */
MUST_CHECK enum status train_evaluate(const struct float_model *model, const struct dataset *data,
                                      int threads, double *accuracy, struct error *err);

/* Runs the float model and hands out the activations behind every layer (for calibration): on_layer
 * is called once a layer and image batch, in order, values [count][h][w][c]; layer -1 is the input.
 */
typedef void train_activation_fn(void *context, int layer, const float *values, size_t count,
                                 struct shape shape);
MUST_CHECK enum status train_observe(const struct float_model *model, const struct dataset *data,
                                     size_t count, train_activation_fn *on_layer, void *context,
                                     struct error *err);

#endif
