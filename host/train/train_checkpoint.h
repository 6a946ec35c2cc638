// SPDX-License-Identifier: Apache-2.0
/* A file with all that an interrupted training needs to go on as if nothing had been. It knows memory,
 * not what it means: those who own a part of the state add it, and it is kept and brought back as a
 * whole. One thread. */
#ifndef MPQ_TRAIN_CHECKPOINT_H
#define MPQ_TRAIN_CHECKPOINT_H

#include "base/progress.h"
#include "train/train_binding.h"

struct train_checkpoint;

/* interval_s: seconds of training between two writes, see train_checkpoint_keep(); 0: each of its calls
 * writes. resume: begin with what the file holds. Borrows path and what binding names. */
MUST_CHECK enum status train_checkpoint_create(const struct train_binding *binding,
                                               const char *path, double interval_s, bool resume,
                                               struct train_checkpoint **out, struct error *err);
void train_checkpoint_free(struct train_checkpoint *checkpoint); /* accepts NULL; keeps the file */
const char *train_checkpoint_path(const struct train_checkpoint *checkpoint);

/* Adds memory, which stays where it is. Who resumes adds the same in the same order; name (borrowed)
 * and size are checked then. If there is no memory for this, saving and loading fail. */
void train_checkpoint_add(struct train_checkpoint *checkpoint, const char *name, void *bytes,
                          size_t size);

/* Once, when everything was added. *resumed: whether the memory now holds what the file did; it does
 * not if resume was not asked for or there is no file. STATUS_USAGE if the file belongs to another
 * training, STATUS_INPUT if it is damaged; then memory and file are as they were. */
MUST_CHECK enum status train_checkpoint_load(const struct train_checkpoint *checkpoint,
                                             bool *resumed, struct error *err);

/* Replaces the file; an old one survives any failure. */
MUST_CHECK enum status train_checkpoint_save(struct train_checkpoint *checkpoint,
                                             struct error *err);
/* The same between two steps, if the last time is long enough ago: the interval, and so long that
 * writing takes no more than a fiftieth of the time. Training can go on without: a failure is a warning,
 * once. */
void train_checkpoint_keep(struct train_checkpoint *checkpoint, enum progress_mode mode);

#endif
