// SPDX-License-Identifier: Apache-2.0
/* A whole parsed container through the oracle, on the host. */
#include <stdlib.h>
#include "ref_layers.h"

/* Elements that the largest layer decodes to: at most four weights in each byte. */
static size_t largest_weights(const struct model *model)
{
    size_t most = 1;

    for (unsigned i = 0; i < model->layer_count; i++) {
        const size_t count = (size_t)model->layers[i].weight_bytes * 4;

        if (count > most)
            most = count;
    }
    return most;
}

bool ref_run_model(const struct model *model, uint8_t *arena)
{
    const size_t weight_room = largest_weights(model);
    struct ref_workspace workspace = {
        .weight = malloc(weight_room),
        .weight_room = weight_room,
        .channels = calloc(MODEL_MAX_DIM, sizeof(struct ref_channel)),
        .channel_room = MODEL_MAX_DIM,
    };
    bool ok = workspace.weight && workspace.channels;

    for (unsigned i = 0; ok && i < model->layer_count; i++)
        ok = ref_run_layer(model, i, arena, &workspace);
    free(workspace.weight);
    free(workspace.channels);
    return ok;
}
