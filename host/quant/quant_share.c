// SPDX-License-Identifier: Apache-2.0
#include "quant/quant_share.h"

#include <stdlib.h>

static struct calibration *make_calibration(const struct net *net)
{
    const size_t n = (size_t)net->weighted_count;
    struct calibration *c = calloc(1, sizeof *c);
    if (!c) {
        return NULL;
    }
    c->weighted_count = net->weighted_count;
    c->layer_count = net->layer_count;
    c->in_scale = calloc(n, sizeof *c->in_scale);
    c->out_scale = calloc(n, sizeof *c->out_scale);
    c->in_signed = calloc(n, sizeof *c->in_signed);
    c->relu = calloc(n, sizeof *c->relu);
    c->adds = calloc((size_t)net->layer_count, sizeof *c->adds);
    if (!c->in_scale || !c->out_scale || !c->in_signed || !c->relu || !c->adds) {
        calibration_free(c);
        return NULL;
    }
    return c;
}

enum status quant_share_calibration(struct team *team, const struct net *net,
                                    struct calibration **calibration, struct error *err)
{
    const size_t n = (size_t)net->weighted_count;
    enum status status = STATUS_OK;
    if (team_rank(team) != 0) {
        *calibration = make_calibration(net);
        status = *calibration ? STATUS_OK
                              : error_set(err, STATUS_NO_MEMORY, "calibration of %s: out of memory",
                                          net->name);
    }
    status = team_agree(team, status, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct calibration *c = *calibration;
    team_broadcast(team, c->in_scale, n * sizeof *c->in_scale);
    team_broadcast(team, c->out_scale, n * sizeof *c->out_scale);
    team_broadcast(team, c->in_signed, n * sizeof *c->in_signed);
    team_broadcast(team, c->relu, n * sizeof *c->relu);
    team_broadcast(team, c->adds, (size_t)net->layer_count * sizeof *c->adds);
    team_broadcast(team, &c->logit_scale, sizeof c->logit_scale);
    return STATUS_OK;
}

/* Creates the layer by the first process's counts and scalars. */
static enum status take_head(struct team *team, struct quant_layer **layer, struct error *err)
{
    struct quant_layer head = {0};
    enum status status = STATUS_OK;
    if (team_rank(team) == 0) {
        head = **layer;
    }
    team_broadcast(team, &head, sizeof head); /* its pointers mean nothing to the others */
    if (team_rank(team) != 0) {
        status = quant_layer_create(head.out_count, head.row_count, layer, err);
    }
    if (team_rank(team) != 0 && status == STATUS_OK) {
        (*layer)->bits = head.bits;
        (*layer)->relu = head.relu;
        (*layer)->in_signed = head.in_signed;
        (*layer)->in_scale = head.in_scale;
        (*layer)->out_scale = head.out_scale;
    }
    return team_agree(team, status, err);
}

enum status quant_share_layers(struct team *team, struct quant_layer **layers, size_t count,
                               struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = take_head(team, &layers[i], err);
        if (status != STATUS_OK) {
            break;
        }
        struct quant_layer *layer = layers[i];
        const size_t channels = (size_t)layer->out_count;
        team_broadcast(team, layer->weight, channels * (size_t)layer->row_count);
        team_broadcast(team, layer->bias, channels);
        team_broadcast(team, layer->bias_shift, channels);
        team_broadcast(team, layer->multiplier, channels);
        team_broadcast(team, layer->shift, channels);
        team_broadcast(team, layer->weight_scale, channels * sizeof *layer->weight_scale);
    }
    return status;
}
