// SPDX-License-Identifier: Apache-2.0
/* The candidates and their order. */
#include "dse.h"

size_t dse_space_count(const struct dse_space *space)
{
    size_t count = 1;
    for (int i = 0; i < space->layer_count; i++) {
        if (count > SIZE_MAX / (size_t)space->width_count) {
            return SIZE_MAX;
        }
        count *= (size_t)space->width_count;
    }
    return count;
}

void dse_space_bits(const struct dse_space *space, size_t index, int *bits)
{
    for (int i = space->layer_count - 1; i >= 0; i--) {
        bits[i] = space->widths[index % (size_t)space->width_count];
        index /= (size_t)space->width_count;
    }
}

size_t dse_space_stretch(const struct dse_space *space, size_t pending, size_t jobs)
{
    enum { STRETCHES_PER_JOB = 8 };
    const size_t most = pending / (jobs * STRETCHES_PER_JOB), factor = (size_t)space->width_count;
    size_t stretch = 1;
    while (factor > 1 && stretch <= most / factor) {
        stretch *= factor;
    }
    return stretch;
}

enum status dse_check(const struct dse_options *options, struct error *err)
{
    const size_t count = dse_space_count(&options->space);
    const size_t most = options->exhaustive ? DSE_MAX_EXHAUSTIVE : DSE_MAX_ORDERED;
    if (count <= most) {
        return STATUS_OK;
    }
    if (options->exhaustive) {
        return error_set(err, STATUS_USAGE,
                         "%d layers with %d widths each are more than the %zu candidates of an "
                         "exhaustive search; give "
                         "fewer widths (--bits 8,4), or search by cost (--max-acc-drop X)",
                         options->space.layer_count, options->space.width_count, most);
    }
    return error_set(err, STATUS_USAGE,
                     "%d layers with %d widths each are more than the %zu candidates that can be "
                     "put in order of cost; "
                     "give fewer widths (--bits 8,4)",
                     options->space.layer_count, options->space.width_count, most);
}
