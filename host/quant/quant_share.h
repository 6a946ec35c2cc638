// SPDX-License-Identifier: Apache-2.0
/* Calibration and quantized layers from the first process of a team to all: computed once, and the
 * same everywhere, also where the machines' vector units differ. */
#ifndef MPQ_QUANT_SHARE_H
#define MPQ_QUANT_SHARE_H

#include "quant/quant.h"
#include "team/team.h"

/* The first process gives *calibration, the others get one in it, to be freed with
 * calibration_free(), without in_mean and in_gram: it is good for QAT, not for quant_layer_ptq(). */
MUST_CHECK enum status quant_share_calibration(struct team *team, const struct net *net,
                                               struct calibration **calibration, struct error *err);

/* The first process gives layers[count], the others get theirs, to be freed with
 * quant_layer_free(), also after a failure. */
MUST_CHECK enum status quant_share_layers(struct team *team, struct quant_layer **layers,
                                          size_t count, struct error *err);

#endif
