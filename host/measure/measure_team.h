// SPDX-License-Identifier: Apache-2.0
/* measure.h on several cores at once: of this process, and of all processes of its team. Each image
 * is measured by one of them; which one changes nothing. */
#ifndef MPQ_MEASURE_TEAM_H
#define MPQ_MEASURE_TEAM_H

#include "measure/measure.h"
#include "team/team.h"

struct measure_cores {
    const char *name; /* as in link_open() */
    size_t count;     /* of this process; more than one: simulators */
    struct team *team;
};

struct measure_team;

/* Opens the cores beside subject->target, which is the first one, loads the model into all, and
 * measures image 0. All processes of a team come here together; those that are not the first one
 * measure for it until it closes, and come back with *out NULL. Everything is borrowed. */
MUST_CHECK enum status measure_team_open(const struct measure_subject *subject,
                                         const struct measure_options *options,
                                         const struct measure_cores *cores,
                                         struct measure_team **out, struct error *err);
size_t measure_team_cores(const struct measure_team *team);
/* Seconds that all images will take, by the first one's. */
double measure_team_estimate(const struct measure_team *team);
/* Measures the other images; tells of those that differ at the end, by their numbers. A core that is
 * lost is opened again and its image measured again, three times for an image; after a failure the
 * text says how many were compared and how many of them differed. */
MUST_CHECK enum status measure_team_run(struct measure_team *team, struct progress *progress,
                                        struct measure_result *out, struct error *err);
void measure_team_close(struct measure_team *team); /* accepts NULL */

#endif
