// SPDX-License-Identifier: Apache-2.0
/* The loader: requests in, responses out (protocol.h has the conversation and the states).
 *
 * Invariants
 *  1. ready implies that model was parsed from area and nothing was written to space MODEL since;
 *     only then model's tables, calls and profile, which lie at the area's end, mean anything.
 *  2. expected is HELLO's seq + 1 + the requests answered since (mod 256).
 *  3. response[0 .. response_size + 2) holds type, seq and payload of the last answer, for a
 *     repetition.
 *  4. Writes go to *loader, to area[0 .. area_bytes), and through the platform; nowhere else. */
#include <string.h>
#include "bytes.h"
#include "loader.h"
#include "rate.h"
#include "request.h"
#include "run.h"

#ifndef MPQ_VERSION
#error "MPQ_VERSION: the firmware's version text; define it on the command line"
#endif

enum { LED_READY = 1, LED_RUNNING = 2, LED_ERROR = 4 };
enum { NO_DETAIL = 0xff, FIRMWARE_BYTES = HELLO_BUILD_ID - HELLO_FIRMWARE };
/* Fixed part of the requests' payloads. */
enum {
    HELLO_BYTES = 6,
    COMMIT_BYTES = 4,
    RUN_BYTES = 4,
    COUNTERS_BYTES = 2,
};
enum { LAYER_COUNTERS_BYTES = 8 * COUNTER_COUNT, COUNTERS_HEAD_BYTES = 4 };

static void send_response(struct loader *loader)
{
    const size_t size =
        frame_encode(loader->response[0], loader->response[1], response_payload(loader),
                     loader->response_size, loader->response, loader->wire);

    loader->platform->send(loader->platform->context, loader->wire, size);
}

/* Sends a short frame and leaves the stored response alone. */
static void send_short(struct loader *loader, uint8_t type, uint8_t seq, const uint8_t *payload,
                       size_t payload_size)
{
    uint8_t frame[PROTO_OVERHEAD + PROTO_STATUS_BYTES];
    const size_t size = frame_encode(type, seq, payload, payload_size, frame, loader->wire);

    loader->platform->send(loader->platform->context, loader->wire, size);
}

static void send_nak(struct loader *loader, uint8_t reason)
{
    const uint8_t payload[] = {loader->expected, reason};

    if (loader->nak_sent)
        return;
    loader->nak_sent = true;
    send_short(loader, PROTO_NAK, 0, payload, sizeof payload);
}

/* Starts the answer to a request: PROTO_OK without data. */
static void begin_response(struct loader *loader, const struct request *request)
{
    loader->response[0] = (uint8_t)(request->type | PROTO_RESPONSE);
    loader->response[1] = request->seq;
    memset(response_payload(loader), 0, PROTO_STATUS_BYTES);
    loader->response_size = PROTO_STATUS_BYTES;
}

static void set_status(struct loader *loader, enum proto_status status)
{
    response_payload(loader)[0] = (uint8_t)status;
    loader->response_size = PROTO_STATUS_BYTES;
}

static void set_leds(struct loader *loader, unsigned leds)
{
    loader->platform->set_leds(loader->platform->context, leds);
}

static bool tier_runs(const struct loader *loader, unsigned tier)
{
    return tier == TIER_RV32 || (tier == TIER_NN && loader->platform->isa_version);
}

/* The request is one that check_hello() lets pass. */
static enum proto_status do_hello(struct loader *loader, const struct request *request)
{
    const struct loader_platform *platform = loader->platform;
    uint8_t *data = response_data(loader);

    memset(data, 0, HELLO_DATA_BYTES);
    memcpy(data + HELLO_NONCE, request->payload, 4);
    put_u16(data + HELLO_VERSION, PROTO_VERSION);
    data[HELLO_WINDOW] = PROTO_WINDOW_MAX;
    data[HELLO_TIERS] = (uint8_t)(tier_runs(loader, TIER_NN) << TIER_NN | 1 << TIER_RV32);
    put_u16(data + HELLO_ISA_VERSION, platform->isa_version);
    put_u16(data + HELLO_MODEL_VERSION, MODEL_VERSION);
    put_u32(data + HELLO_CLOCK_HZ, platform->clock_hz);
    put_u32(data + HELLO_RAM_BYTES, platform->ram_bytes);
    put_u32(data + HELLO_MODEL_AREA_BYTES, loader->area_bytes);
    put_u32(data + HELLO_CORE_CONFIG, platform->core_config);
    put_u32(data + HELLO_MARCHID, platform->marchid);
    put_u32(data + HELLO_MIMPID, platform->mimpid);
    strncpy((char *)data + HELLO_FIRMWARE, MPQ_VERSION, FIRMWARE_BYTES - 1);
    put_u32(data + HELLO_BUILD_ID, platform->build_id);
    loader->response_size += HELLO_DATA_BYTES;
    loader->in_session = true;
    loader->expected = (uint8_t)(request->seq + 1);
    loader->answered = 0;
    return PROTO_OK;
}

/* Lays the tables of the container at the area's start out at the area's end. Returns what is left
 * for container and arena; all of it if the header's numbers cannot be, which model_parse() refuses
 * before it touches a table. */
static uint32_t place_tables(struct loader *loader)
{
    const uint16_t layers = get_u16(loader->area + MH_LAYER_COUNT);
    const uint16_t buffers = get_u16(loader->area + MH_BUFFER_COUNT);
    const uint32_t bytes = loader_table_bytes(layers, buffers);
    uintptr_t at;

    if (layers > MODEL_MAX_LAYERS || buffers > MODEL_MAX_BUFFERS)
        return loader->area_bytes;
    if (bytes > loader->area_bytes)
        return 0;
    at = ((uintptr_t)loader->area + loader->area_bytes - bytes + 3) & ~(uintptr_t)3;
    loader->model.layers = (struct model_layer *)at;
    at += layers * sizeof(struct model_layer);
    loader->model.buffers = (struct model_buffer *)at;
    at += buffers * sizeof(struct model_buffer);
#if UINTPTR_MAX > UINT32_MAX
    loader->calls = loader->call_room;
#else
    loader->calls = (struct run_call *)at;
#endif
    at += layers * RUN_CALL_BYTES;
    loader->profile = (uint32_t(*)[COUNTER_COUNT])at;
    return loader->area_bytes - bytes;
}

static enum proto_status do_commit(struct loader *loader, const struct request *request)
{
    struct model_fault fault = {MODEL_TOO_LARGE, -1, -1};
    uint8_t *detail = response_payload(loader) + 1;
    uint32_t size;

    if (request->size != COMMIT_BYTES)
        return PROTO_E_LENGTH;
    forget_model(loader);
    size = get_u32(request->payload);
    if (size <= loader->area_bytes)
        model_parse(loader->area, size, place_tables(loader), &loader->model, &fault);
    if (fault.code) {
        detail[0] = (uint8_t)fault.code;
        detail[1] = fault.layer >= 0    ? (uint8_t)fault.layer
                    : fault.buffer >= 0 ? (uint8_t)fault.buffer
                                        : NO_DETAIL;
        set_leds(loader, LED_READY | LED_ERROR);
        return PROTO_E_MODEL;
    }
    run_prepare(&loader->model, loader->area + loader->model.arena_start, loader->calls);
    loader->ready = true;
    set_leds(loader, LED_READY);
    return PROTO_OK;
}

static void put_counters(uint8_t *out, const uint64_t *counters)
{
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        put_u64(out + 8 * i, counters[i]);
}

static void put_profile(uint8_t *out, const uint32_t *counters)
{
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        put_u64(out + 8 * i, counters[i]);
}

static void read_counters(struct loader *loader, uint64_t *counters)
{
    loader->platform->read_counters(loader->platform->context, counters);
}

/* counters = now - counters. */
static void count_since(struct loader *loader, uint64_t *counters)
{
    uint64_t now[COUNTER_COUNT];

    read_counters(loader, now);
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        counters[i] = now[i] - counters[i];
}

/* Runs layers 0..layers-1 and leaves the cost of all in total. */
static void run_layers(struct loader *loader, unsigned tier, uint16_t layers, uint64_t *total)
{
    read_counters(loader, total);
    for (uint16_t i = 0; i < layers; i++) {
        loader->running_layer = i;
        run_call(&loader->calls[i], tier);
    }
    count_since(loader, total);
    loader->running_layer = MODEL_NONE;
}

/* The same with the cost of each layer in profile. */
static void run_layers_profiled(struct loader *loader, unsigned tier, uint16_t layers,
                                uint64_t *total)
{
    uint64_t counters[COUNTER_COUNT];

    read_counters(loader, total);
    for (uint16_t i = 0; i < layers; i++) {
        loader->running_layer = i;
        read_counters(loader, counters);
        run_call(&loader->calls[i], tier);
        count_since(loader, counters);
        for (unsigned j = 0; j < COUNTER_COUNT; j++)
            loader->profile[i][j] = counters[j] < UINT32_MAX ? (uint32_t)counters[j] : UINT32_MAX;
    }
    count_since(loader, total);
    loader->running_layer = MODEL_NONE;
    loader->profiled_layers = layers;
}

/* The class that the layers that ran have found, MODEL_NONE if they did not get there. */
static uint16_t found_class(const struct loader *loader, uint16_t layers)
{
    const struct model *model = &loader->model;
    uint16_t found = MODEL_NONE;

    for (uint16_t i = 0; i < layers; i++) {
        if (model->layers[i].op == OP_ARGMAX && model->layers[i].out == model->class_out)
            found = get_u16(loader->area + model->arena_start +
                            model->buffers[model->class_out].arena_offset);
    }
    return found;
}

static void put_run_result(struct loader *loader, uint16_t layers, const uint64_t *total)
{
    const struct model *model = &loader->model;
    const struct model_buffer *output = &model->buffers[model->output];
    uint8_t *data = response_data(loader);
    uint16_t output_bytes = 0;

    if (layers == model->layer_count && output->size_bytes <= PROTO_DATA_MAX)
        output_bytes = (uint16_t)output->size_bytes;
    put_u16(data + RUN_LAYERS, layers);
    put_u16(data + RUN_CLASS, found_class(loader, layers));
    put_u16(data + RUN_OUTPUT_BYTES, output_bytes);
    put_u16(data + RUN_RESERVED, 0);
    put_counters(data + RUN_TOTAL, total);
    memcpy(data + RUN_OUTPUT, loader->area + model->arena_start + output->arena_offset,
           output_bytes);
    loader->response_size += RUN_OUTPUT + (size_t)output_bytes;
}

/* A function of its own, and aligned: what is written in front of it must not move its loops by half
 * a word, which a run's total would show. */
static __attribute__((noinline)) enum proto_status do_run(struct loader *loader,
                                                          const struct request *request)
{
    uint64_t total[COUNTER_COUNT];
    uint16_t layers;
    unsigned tier;

    if (request->size != RUN_BYTES)
        return PROTO_E_LENGTH;
    if (!loader->ready)
        return PROTO_E_NO_MODEL;
    tier = request->payload[0];
    if (!tier_runs(loader, tier))
        return PROTO_E_TIER;
    if (tier == TIER_NN && loader->model.isa_version > loader->platform->isa_version) {
        response_payload(loader)[1] = MODEL_BAD_ISA;
        return PROTO_E_TIER;
    }
    layers = get_u16(request->payload + 2);
    if (layers > loader->model.layer_count)
        return PROTO_E_LAYER;
    if (!layers)
        layers = loader->model.layer_count;
    set_leds(loader, LED_READY | LED_RUNNING);
    if (request->payload[1] & RUN_PROFILE)
        run_layers_profiled(loader, tier, layers, total);
    else
        run_layers(loader, tier, layers, total);
    set_leds(loader, LED_READY);
    put_run_result(loader, layers, total);
    return PROTO_OK;
}

static enum proto_status do_counters(struct loader *loader, const struct request *request)
{
    const uint16_t fits = (PROTO_DATA_MAX - COUNTERS_HEAD_BYTES) / LAYER_COUNTERS_BYTES;
    uint8_t *data = response_data(loader);
    uint16_t first, count;

    if (request->size != COUNTERS_BYTES)
        return PROTO_E_LENGTH;
    if (!loader->ready)
        return PROTO_E_NO_MODEL;
    first = get_u16(request->payload);
    if (first >= loader->profiled_layers)
        return PROTO_E_LAYER;
    count = (uint16_t)(loader->profiled_layers - first);
    if (count > fits)
        count = fits;
    put_u16(data, first);
    put_u16(data + 2, count);
    data += COUNTERS_HEAD_BYTES;
    for (uint16_t i = 0; i < count; i++, data += LAYER_COUNTERS_BYTES)
        put_profile(data, loader->profile[first + i]);
    loader->response_size = (size_t)(data - response_payload(loader));
    return PROTO_OK;
}

static enum proto_status do_echo(struct loader *loader, const struct request *request)
{
    if (request->size > PROTO_DATA_MAX)
        return PROTO_E_LENGTH;
    memcpy(response_data(loader), request->payload, request->size);
    loader->response_size += request->size;
    return PROTO_OK;
}

static enum proto_status execute(struct loader *loader, const struct request *request)
{
    switch (request->type) {
    case PROTO_HELLO:
        return do_hello(loader, request);
    case PROTO_WRITE:
        return do_write(loader, request);
    case PROTO_HASH:
        return do_hash(loader, request);
    case PROTO_READ:
        return do_read(loader, request);
    case PROTO_COMMIT:
        return do_commit(loader, request);
    case PROTO_RUN:
        return do_run(loader, request);
    case PROTO_COUNTERS:
        return do_counters(loader, request);
    case PROTO_RATE:
        return rate_check(loader, request->payload, request->size);
    case PROTO_ECHO:
        return do_echo(loader, request);
    case PROTO_RESET:
        return request->size ? PROTO_E_LENGTH : PROTO_OK;
    default:
        return PROTO_E_TYPE;
    }
}

/* Executes a request and answers it. */
static void serve(struct loader *loader, const struct request *request)
{
    enum proto_status status;

    begin_response(loader, request);
    status = execute(loader, request);
    if (status)
        set_status(loader, status);
    send_response(loader);
}

/* Not the core's memory, but its state: as after power-up. */
static void restart(struct loader *loader)
{
    loader->platform->reset(loader->platform->context);
    loader_init(loader, loader->platform, loader->area, loader->area_bytes);
}

static void serve_expected(struct loader *loader, const struct request *request)
{
    loader->expected++;
    if (loader->answered < PROTO_WINDOW_MAX)
        loader->answered++;
    serve(loader, request);
    if (request->type == PROTO_RESET && response_payload(loader)[0] == PROTO_OK)
        restart(loader);
}

/* The answer to the last request has been sent at the old rate; also if it was sent again, as the
 * core may have gone back meanwhile. */
static void change_rate_if_asked(struct loader *loader, const struct request *request)
{
    if (request->type == PROTO_RATE && response_payload(loader)[0] == PROTO_OK)
        rate_change(loader, get_u32(request->payload));
}

/* Answers a request that was executed before. age: 1 for the last one. */
static void repeat_answer(struct loader *loader, const struct request *request, unsigned age)
{
    static const uint8_t done[PROTO_STATUS_BYTES] = {PROTO_OK};

    if (age == 1)
        send_response(loader);
    else
        send_short(loader, (uint8_t)(request->type | PROTO_RESPONSE), request->seq, done,
                   sizeof done);
}

static enum proto_status check_hello(const struct request *request)
{
    if (request->size != HELLO_BYTES)
        return PROTO_E_LENGTH;
    return get_u16(request->payload + 4) == PROTO_VERSION ? PROTO_OK : PROTO_E_VERSION;
}

/* A refused HELLO changes nothing, not even the stored response. */
static void serve_hello(struct loader *loader, const struct request *request)
{
    uint8_t refusal[PROTO_STATUS_BYTES] = {(uint8_t)check_hello(request)};

    if (refusal[0] == PROTO_OK) {
        serve(loader, request);
        return;
    }
    if (refusal[0] == PROTO_E_VERSION)
        refusal[1] = PROTO_VERSION;
    send_short(loader, PROTO_HELLO | PROTO_RESPONSE, request->seq, refusal, sizeof refusal);
}

static void accept_request(struct loader *loader, const struct request *request)
{
    static const uint8_t no_session[PROTO_STATUS_BYTES] = {PROTO_E_NO_SESSION};
    const unsigned age = (uint8_t)(loader->expected - request->seq);

    if (request->type != PROTO_HELLO && loader->in_session && age > loader->answered) {
        send_nak(loader, NAK_SEQUENCE);
        return;
    }
    loader->nak_sent = false;
    rate_prove(loader);
    if (request->type == PROTO_HELLO)
        serve_hello(loader, request);
    else if (!loader->in_session)
        send_short(loader, (uint8_t)(request->type | PROTO_RESPONSE), request->seq, no_session,
                   sizeof no_session);
    else if (age == 0)
        serve_expected(loader, request);
    else
        repeat_answer(loader, request, age);
    if (loader->in_session && age <= 1)
        change_rate_if_asked(loader, request);
}

void loader_init(struct loader *loader, const struct loader_platform *platform, uint8_t *area,
                 uint32_t area_bytes)
{
    loader->platform = platform;
    loader->area = area;
    loader->area_bytes = area_bytes;
    loader->in_session = false;
    loader->nak_sent = false;
    loader->rate_changed = false;
    loader->rate_doubted = false;
    loader->expected = 0;
    loader->answered = 0;
    loader->running_layer = MODEL_NONE;
    loader->response_size = 0;
    forget_model(loader);
    frame_receiver_init(&loader->receiver);
    set_leds(loader, LED_READY);
}

static void end_of_frame(struct loader *loader)
{
    struct request request;

    switch (frame_receiver_feed(&loader->receiver, 0, &request.size)) {
    case FRAME_READY:
        request.type = loader->receiver.bytes[0];
        request.seq = loader->receiver.bytes[1];
        request.payload = loader->receiver.bytes + 2;
        accept_request(loader, &request);
        break;
    case FRAME_BAD:
        send_nak(loader, loader->receiver.fault);
        break;
    case FRAME_NONE:
        break;
    }
}

void loader_feed(struct loader *loader, uint8_t byte)
{
    size_t unused;

    if (!byte) {
        end_of_frame(loader);
    } else {
        rate_doubt(loader);
        (void)frame_receiver_feed(&loader->receiver, byte, &unused); /* no event, no delimiter */
    }
}

void loader_overrun(struct loader *loader)
{
    rate_doubt(loader);
    loader->receiver.fault = NAK_OVERRUN;
    loader->receiver.code_left = 1; /* not between frames: the fault holds until the delimiter */
}
