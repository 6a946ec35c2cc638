// SPDX-License-Identifier: Apache-2.0
/* Candidates for real: quantized from a float model, evaluated by the integer model, measured and
 * verified on a core. The struct dse_ops of mpq dse, and the QUANT files of what was found. */
#ifndef MPQ_DSE_SOURCE_H
#define MPQ_DSE_SOURCE_H

#include "data/dataset.h"
#include "net/float_model.h"
#include "pack/pack.h"
#include "search/dse.h"
#include "target/target.h"
#include "team/team.h"
#include "train/device.h"

struct dse_source;

struct dse_source_options {
    struct dse_space space;
    /* As in link_open(). Several: each worker has its own, and all must be the same kind of core. */
    const char *const *targets;
    size_t target_count;
    const char *folder; /* of the run; QAT keeps each candidate's QUANT file in candidates/ there */
    size_t jobs;
    size_t samples;       /* test images verified on the core for each candidate, >= 1 */
    int qat_epochs;       /* 0: post-training quantization */
    size_t screen_images; /* validation images, drawn with the model's seed; 0: all */
    enum progress_mode progress;
    struct team *team;     /* borrowed; NULL: alone */
    struct device *device; /* where QAT trains; borrowed; NULL: the CPU */
};

/* Calibrates, quantizes each layer once for each width, opens the first target. model and data are
 * borrowed. All processes of a team come here together: the first one computes, and their targets
 * must be the same kind of core. */
MUST_CHECK enum status dse_source_create(const struct float_model *model,
                                         const struct data_split *data,
                                         const struct dse_source_options *options,
                                         struct dse_source **out, struct error *err);
void dse_source_free(struct dse_source *source); /* accepts NULL */

/* Makes the candidate with these widths; free it with container_free(). ptq: by post-training
 * quantization even in a search with QAT (its cycles are the same). */
MUST_CHECK enum status dse_source_build(struct dse_source *source, const int *bits, bool ptq,
                                        struct container **out, struct error *err);

/* With QAT: trains the candidate and keeps its QUANT file, which dse_source_build() will load from
 * then on. */
MUST_CHECK enum status dse_source_train(struct dse_source *source, const int *bits,
                                        struct error *err);

const struct dse_source_options *dse_source_options(const struct dse_source *source);
const struct data_split *dse_source_data(const struct dse_source *source);
/* Opens the target of the worker with this number; hands out the one that was opened first, if it is
 * that. Fails if it is another core or firmware than the first one's. */
MUST_CHECK enum status dse_source_target(struct dse_source *source, size_t worker,
                                         struct target **out, struct error *err);
/* Name of that target, and whether it may be there again after it was lost: a board, not a
 * simulator that this process has started. */
const char *dse_source_target_name(const struct dse_source *source, size_t worker);
bool dse_source_target_returns(const struct dse_source *source, size_t worker);
/* The images for screening, in the order of the validation images. */
const struct dataset *dse_source_screen_data(const struct dse_source *source);
/* Real value of one step of the network's output. */
double dse_source_output_scale(const struct dse_source *source);
int dse_source_threads(const struct dse_source *source); /* for each worker's computations */

const struct target_info *dse_source_info(const struct dse_source *source);

/* CRC-32 of what runs the candidates: target_identity.h. */
uint32_t dse_source_target_crc(const struct dse_source *source);
/* CRC-32 of the network and its float weights; of all images and labels (training images calibrate
 * and, with QAT, train). */
uint32_t dse_source_model_crc(const struct dse_source *source);
uint32_t dse_source_data_crc(const struct dse_source *source);

/* Its functions (dse_worker.c) want the struct dse_source as context. */
extern const struct dse_ops dse_source_ops;

/* QUANT files of the front and the selected candidate in folder ("8-4-2-4-8.mpq"); others ending in
 * .mpq there are removed. */
MUST_CHECK enum status dse_source_save(struct dse_source *source, const struct results *results,
                                       const char *folder, struct error *err);

#endif
