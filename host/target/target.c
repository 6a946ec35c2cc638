// SPDX-License-Identifier: Apache-2.0
/* Everything on a target but the upload of models (target_load.c). */
#include "target/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bytes.h"
#include "target/session_rate.h"
#include "target/target_state.h"

enum {
    START_SPEED_HZ = 5000000, /* a simulator's; a board's clock_hz if that is less */
    SPEED_MIN_HZ = 100000,
    SPEED_RUN_MIN_MS = 20, /* shorter runs tell more of the line than of the core */
    WORK_MAX_MS = 600000,
    READ_HEAD = 10,
    COUNTERS_HEAD = 4,
    LAYER_COUNTERS_BYTES = 8 * COUNTER_COUNT,
};

/* Rough costs for the time that a run may take, on the high side; the kernels' real ones are
 * measured by mpq bench. */
enum { CYCLES_PER_MAC_NN = 2, CYCLES_PER_MAC_RV32 = 16, CYCLES_PER_ELEMENT = 16 };

int target_work_ms(const struct target *target, uint64_t cycles)
{
    const uint64_t ms = cycles / (target->speed_hz / 1000);
    return ms < WORK_MAX_MS ? (int)ms + 1 : WORK_MAX_MS;
}

/* A run's cycles and the time that it took. The slowest is believed at once, a faster one slowly:
 * too much patience costs less than too little. */
static void learn_speed(struct target *target, uint64_t cycles, int64_t took_ms)
{
    if (took_ms < SPEED_RUN_MIN_MS)
        return;
    uint64_t speed = cycles * 1000 / (uint64_t)took_ms;
    if (speed > target->speed_hz)
        speed = target->speed_hz + (speed - target->speed_hz) / 4;
    if (speed > target->info.clock_hz)
        speed = target->info.clock_hz;
    target->speed_hz = speed > SPEED_MIN_HZ ? (uint32_t)speed : SPEED_MIN_HZ;
}

enum status target_greet(struct target *target, struct error *err)
{
    target->loaded = false;
    target->held_size = 0;
    const enum status status = session_hello(&target->session, &target->info, err);
    if (status != STATUS_OK)
        return status;
    const uint32_t clock = target->info.clock_hz;
    target->speed_hz = clock < START_SPEED_HZ ? clock : START_SPEED_HZ;
    if (target->speed_hz < SPEED_MIN_HZ)
        target->speed_hz = SPEED_MIN_HZ;
    return session_speed_up(&target->session, clock, err);
}

enum status target_attach(struct link *link, struct target **out, struct error *err)
{
    struct target *target = calloc(1, sizeof *target);
    *out = NULL;
    if (!target) {
        const enum status status =
            error_set(err, STATUS_NO_MEMORY, "%s: out of memory", link->name);
        link_close(link);
        return status;
    }
    target->link = link;
    session_init(&target->session, link);
    const enum status status = target_greet(target, err);
    if (status == STATUS_OK)
        *out = target;
    else
        target_close(target);
    return status;
}

enum status target_open(const char *name, struct target **out, struct error *err)
{
    struct link *link;
    *out = NULL;
    const enum status status = link_open(name, &link, err);
    return status == STATUS_OK ? target_attach(link, out, err) : status;
}

void target_close(struct target *target)
{
    if (!target)
        return;
    session_leave(&target->session);
    link_close(target->link);
    free(target->held);
    free(target);
}

const struct target_info *target_info(const struct target *target)
{
    return &target->info;
}

int target_baud_hz(const struct target *target)
{
    return target->link->baud_hz;
}

const struct target_statistics *target_statistics(const struct target *target)
{
    return &target->session.statistics;
}

static enum status require_model(const struct target *target, const char *what, struct error *err)
{
    const char *name = target->link->name;
    if (target->loaded && target->session.open)
        return STATUS_OK;
    if (target->loaded)
        return error_set(err, STATUS_LINK,
                         "%s: %s: the core was lost since its model was loaded; load it again",
                         name, what);
    return error_set(err, STATUS_INPUT, "%s: %s: no model is loaded", name, what);
}

enum status target_set_input(struct target *target, const uint8_t *input, size_t size,
                             struct error *err)
{
    const enum status status = require_model(target, "input", err);
    if (status != STATUS_OK)
        return status;
    const size_t want = target->model.buffers[target->model.input].size_bytes;
    if (size != want)
        return error_set(err, STATUS_INPUT, "%s: input: model %s wants %zu bytes, got %zu",
                         target->link->name, target->model.name, want, size);
    return session_write(&target->session, SPACE_INPUT, 0, input, size, err);
}

static uint64_t layer_cycles(const struct model *model, unsigned index, enum proto_tier tier)
{
    const struct model_layer *layer = &model->layers[index];
    const struct model_buffer *in = &model->buffers[layer->in], *out = &model->buffers[layer->out];
    const uint64_t window = (uint64_t)(layer->kernel_h ? layer->kernel_h : 1) *
                            (uint64_t)(layer->kernel_w ? layer->kernel_w : 1);
    const uint64_t elements = ((uint64_t)in->size_bytes + out->size_bytes * window);
    const uint64_t macs =
        layer->weight_bits ? (uint64_t)model_row_elements(layer, in) * out->size_bytes : 0;
    return elements * CYCLES_PER_ELEMENT +
           macs * (tier == TIER_NN ? CYCLES_PER_MAC_NN : CYCLES_PER_MAC_RV32);
}

static int run_work_ms(const struct target *target, enum proto_tier tier, unsigned layers)
{
    uint64_t cycles = 0;
    for (unsigned i = 0; i < layers; i++)
        cycles += layer_cycles(&target->model, i, tier);
    return target_work_ms(target, cycles);
}

static enum status check_run(const struct target *target, enum proto_tier tier, unsigned stop_layer,
                             struct error *err)
{
    const struct target_info *info = &target->info;
    const char *name = target->link->name;
    const enum status status = require_model(target, "run", err);
    if (status != STATUS_OK)
        return status;
    if (stop_layer > target->model.layer_count)
        return error_set(err, STATUS_INPUT, "%s: run: %u layers, but model %s has %u", name,
                         stop_layer, target->model.name, target->model.layer_count);
    if (!(info->tiers & 1u << tier))
        return error_set(err, STATUS_INPUT,
                         "%s: run: this core has no neural instructions; use the rv32 tier or "
                         "another core",
                         name);
    if (tier == TIER_NN && target->model.isa_version > info->isa_version)
        return error_set(err, STATUS_INPUT,
                         "%s: run: model %s needs version %u of the neural instructions, this core "
                         "has %u; use the rv32 tier or another core",
                         name, target->model.name, target->model.isa_version, info->isa_version);
    return STATUS_OK;
}

static enum status bad_answer(const struct target *target, enum proto_type type, size_t size,
                              struct error *err)
{
    return error_set(err, STATUS_LINK,
                     "%s: %s: an answer of %zu bytes that fits no request; use firmware and tool "
                     "of one build",
                     target->link->name, session_type_name(type), size);
}

static void get_counters(const uint8_t *data, uint64_t *out)
{
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        out[i] = get_u64(data + 8 * i);
}

static enum status parse_result(const struct target *target, const struct session_answer *answer,
                                struct target_result *result, struct error *err)
{
    const size_t output_bytes = answer->size < RUN_OUTPUT ? 0 : answer->size - RUN_OUTPUT;
    if (answer->size < RUN_OUTPUT || output_bytes > sizeof result->output ||
        get_u16(answer->data + RUN_OUTPUT_BYTES) != output_bytes)
        return bad_answer(target, PROTO_RUN, answer->size, err);
    memset(result, 0, sizeof *result);
    result->layers = get_u16(answer->data + RUN_LAYERS);
    result->class_index = get_u16(answer->data + RUN_CLASS);
    result->output_bytes = output_bytes;
    memcpy(result->output, answer->data + RUN_OUTPUT, output_bytes);
    get_counters(answer->data + RUN_TOTAL, result->counters);
    return STATUS_OK;
}

/* Says what it means for the user if the core has restarted. */
static enum status name_loss(const struct target *target, enum proto_type type, enum status status,
                             struct error *err)
{
    if (status == STATUS_OK || !target->session.restarted)
        return status;
    return error_set(err, STATUS_LINK,
                     "%s: %s: the core has restarted and lost its model; load it again",
                     target->link->name, session_type_name(type));
}

/* A request that needs a model. */
static enum status demand(struct target *target, const struct session_request *request,
                          struct session_answer *answer, struct error *err)
{
    const enum status status = session_demand(&target->session, request, answer, err);
    return name_loss(target, request->type, status, err);
}

enum status target_run(struct target *target, enum proto_tier tier, bool profile,
                       unsigned stop_layer, struct target_result *result, struct error *err)
{
    struct session_answer answer;
    enum status status = check_run(target, tier, stop_layer, err);
    if (status != STATUS_OK)
        return status;
    const unsigned layers = stop_layer ? stop_layer : target->model.layer_count;
    uint8_t payload[4] = {(uint8_t)tier, profile ? RUN_PROFILE : 0};
    put_u16(payload + 2, (uint16_t)stop_layer);
    const struct session_request request = {PROTO_RUN, payload, sizeof payload,
                                            run_work_ms(target, tier, layers), 0};
    status = session_drain(&target->session, err); /* the input, so that it is not timed */
    if (status != STATUS_OK)
        return name_loss(target, PROTO_WRITE, status, err);
    const int64_t began_ms = clock_ms();
    status = demand(target, &request, &answer, err);
    if (status == STATUS_OK)
        status = parse_result(target, &answer, result, err);
    if (status == STATUS_OK)
        learn_speed(target, result->counters[COUNTER_CYCLES], clock_ms() - began_ms);
    return status;
}

enum status target_counters(struct target *target, size_t layer_count,
                            uint64_t (*out)[COUNTER_COUNT], struct error *err)
{
    enum status status = require_model(target, "counters", err);
    size_t done = 0;
    while (done < layer_count && status == STATUS_OK) {
        struct session_answer answer;
        uint8_t payload[2];
        put_u16(payload, (uint16_t)done);
        const struct session_request request = {PROTO_COUNTERS, payload, sizeof payload, 0, 0};
        status = demand(target, &request, &answer, err);
        if (status != STATUS_OK)
            break;
        const size_t count = answer.size < COUNTERS_HEAD ? 0 : get_u16(answer.data + 2);
        if (!count || get_u16(answer.data) != done ||
            answer.size != COUNTERS_HEAD + count * LAYER_COUNTERS_BYTES)
            return bad_answer(target, PROTO_COUNTERS, answer.size, err);
        for (size_t i = 0; i < count && done < layer_count; i++)
            get_counters(answer.data + COUNTERS_HEAD + i * LAYER_COUNTERS_BYTES, out[done++]);
    }
    return status;
}

enum status target_read_buffer(struct target *target, unsigned buffer, size_t offset, size_t size,
                               uint8_t *out, struct error *err)
{
    enum status status = require_model(target, "read", err);
    if (status != STATUS_OK)
        return status;
    const size_t have =
        buffer < target->model.buffer_count ? target->model.buffers[buffer].size_bytes : 0;
    if (offset > have || size > have - offset)
        return error_set(err, STATUS_INPUT, "%s: read: bytes %zu..%zu of buffer %u, which has %zu",
                         target->link->name, offset, offset + size, buffer, have);
    while (size > 0 && status == STATUS_OK) {
        const size_t chunk = target->session.chunk_bytes, part = size < chunk ? size : chunk;
        uint8_t payload[READ_HEAD] = {SPACE_BUFFER};
        struct session_answer answer;
        put_u16(payload + 2, (uint16_t)buffer);
        put_u32(payload + 4, (uint32_t)offset);
        put_u16(payload + 8, (uint16_t)part);
        const struct session_request request = {PROTO_READ, payload, sizeof payload, 0, 0};
        status = demand(target, &request, &answer, err);
        if (status == STATUS_OK && answer.size != part)
            status = bad_answer(target, PROTO_READ, answer.size, err);
        if (status != STATUS_OK)
            break;
        memcpy(out, answer.data, part);
        out += part;
        offset += part;
        size -= part;
    }
    return status;
}

enum status target_reset(struct target *target, struct error *err)
{
    const struct session_request request = {PROTO_RESET, NULL, 0, 0, 0};
    struct session_answer answer;
    enum status status = STATUS_OK;
    if (!target->session.open)
        status = target_greet(target, err);
    if (status == STATUS_OK)
        status = session_demand(&target->session, &request, &answer, err);
    if (status != STATUS_OK && !target->session.restarted) /* its answer was lost, not the reset */
        return status;
    return target_greet(target, err);
}
