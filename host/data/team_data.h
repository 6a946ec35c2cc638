// SPDX-License-Identifier: Apache-2.0
/* A network's data for all processes of a team: read, scaled and kept once on each host. */
#ifndef MPQ_TEAM_DATA_H
#define MPQ_TEAM_DATA_H

#include "data/dataset.h"
#include "team/team.h"

struct team_data {
    struct data_split split; /* not to be written to */
    void *map;               /* what the host's processes share; NULL: split is this one's own */
    size_t map_bytes;
};

/* data_load() in the first process of each host; the others there map what it has read. All
 * processes come here together; the first failure is everyone's. *out is overwritten; free it with
 * team_data_free() also after a failure. */
MUST_CHECK enum status team_data_load(struct team *team, const struct net *net, const char *folder,
                                      size_t limit, struct team_data *out, struct error *err);
void team_data_free(struct team_data *data);

#endif
