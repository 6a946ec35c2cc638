// SPDX-License-Identifier: Apache-2.0
#include "host/loader_link.h"

#include "bytes.h"

enum { TRAP_LAYER = 2, TRAP_BYTES = 14 };

static void put_out(struct loader_link *link, uint8_t byte)
{
    if (link->out_size == link->out_room) {
        link->out_room = link->out_room ? 2 * link->out_room : 4096;
        link->out = realloc(link->out, link->out_room);
        assert_non_null(link->out);
    }
    link->out[link->out_size++] = byte;
}

static bool line_is_right(const struct loader_link *link)
{
    const int rate = link->base.baud_hz;
    return !rate || (rate == link->core_baud_hz && rate <= link->good_baud_hz);
}

/* Passes a byte over the line: 0, 1 or 2 times, perhaps changed. */
static unsigned pass(struct loader_link *link, uint8_t *byte)
{
    if (!line_is_right(link))
        *byte = (uint8_t)(*byte * 167u + 91u) | 1u;
    if (!link->noise || rng_below(&link->rng, link->noise))
        return 1;
    switch (rng_below(&link->rng, 3)) {
    case 0:
        return 0;
    case 1:
        *byte ^= (uint8_t)(1u << rng_below(&link->rng, 8));
        return 1;
    default:
        return 2;
    }
}

static void platform_send(void *context, const uint8_t *bytes, size_t size)
{
    struct loader_link *link = context;
    if (link->lose_answer_to && link->loader.receiver.bytes[0] == link->lose_answer_to) {
        link->lose_answer_to = 0;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];
        for (unsigned n = pass(link, &byte); n > 0; n--)
            put_out(link, byte);
    }
}

/* Each reading is a thousand cycles later than the one before. A run takes one in front of its
 * layers and one behind them. */
static void platform_read_counters(void *context, uint64_t counters[COUNTER_COUNT])
{
    static const uint64_t step[COUNTER_COUNT] = {1000, 700, 10, 20, 200, 100, 50, 30, 5};
    struct loader_link *link = context;
    link->readings++;
    for (int i = 0; i < COUNTER_COUNT; i++)
        counters[i] = link->readings * step[i];
    if (link->readings % 2 == 0 && link->after_run)
        link->after_run(link);
}

static void platform_set_leds(void *context, unsigned leds)
{
    (void)context;
    (void)leds;
}

static void platform_reset(void *context)
{
    struct loader_link *link = context;
    link->resets++;
}

static void platform_set_rate(void *context, uint32_t baud_hz)
{
    struct loader_link *link = context;
    link->core_baud_hz = (int)baud_hz;
    link->rates_set++;
}

static void platform_set_alarm(void *context, uint32_t cycles)
{
    struct loader_link *link = context;
    link->alarm_ms = cycles ? link->waited_ms + cycles / (LOADER_LINK_CLOCK_HZ / 1000) : 0;
}

void loader_link_restart(void *context)
{
    struct loader_link *link = context;
    link->core_baud_hz = PROTO_BAUD_HZ;
    link->alarm_ms = 0;
    loader_init(&link->loader, &link->platform, link->loader.area, link->loader.area_bytes);
}

void loader_link_trap(void *context)
{
    struct loader_link *link = context;
    uint8_t payload[TRAP_BYTES], frame[PROTO_FRAME_MAX], wire[PROTO_WIRE_MAX];
    put_u32(payload, 2);
    put_u32(payload + 4, 0x00101234);
    put_u32(payload + 8, 0xffffffff);
    put_u16(payload + 12, TRAP_LAYER);
    put_out(link, 0);
    platform_send(link, wire, frame_encode(PROTO_TRAP, 0, payload, sizeof payload, frame, wire));
    loader_link_restart(link);
}

void loader_link_die(void *context)
{
    struct loader_link *link = context;
    link->is_dead = true;
}

/* A complete frame has arrived. Returns whether the loader may see its end. */
static bool act(struct loader_link *link)
{
    struct loader_link_event *event = &link->event;
    const struct frame_receiver *rx = &link->loader.receiver;
    const int type = rx->size >= PROTO_OVERHEAD && !rx->fault ? rx->bytes[0] : -1;
    if (type < 0 || link->is_dead)
        return true;
    if (event->act && (event->type < 0 || event->type == type) && event->after-- == 0) {
        void (*const now)(void *) = event->act;
        const bool swallow = event->swallow;
        event->act = NULL;
        now(event->context);
        if (swallow)
            return false;
    }
    link->requests[type & 15]++;
    return true;
}

static void feed(struct loader_link *link, uint8_t byte)
{
    if (byte == 0 && !act(link))
        return;
    if (!link->is_dead)
        loader_feed(&link->loader, byte);
}

static enum status loader_link_write(struct link *base, const uint8_t *bytes, size_t size,
                                     struct error *err)
{
    struct loader_link *link = (struct loader_link *)base;
    (void)err;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];
        for (unsigned n = pass(link, &byte); n > 0; n--)
            feed(link, byte);
    }
    return STATUS_OK;
}

static enum status loader_link_read(struct link *base, uint8_t *bytes, size_t size, int timeout_ms,
                                    size_t *got, struct error *err)
{
    struct loader_link *link = (struct loader_link *)base;
    const size_t left = link->out_size - link->out_at;
    (void)err;
    link->waited_ms += left ? 0 : (uint64_t)timeout_ms;
    if (link->alarm_ms && link->waited_ms >= link->alarm_ms && !link->is_dead)
        loader_alarm(&link->loader);
    *got = left < size ? left : size;
    if (*got)
        memcpy(bytes, link->out + link->out_at, *got);
    link->out_at += *got;
    if (link->out_at == link->out_size)
        link->out_at = link->out_size = 0;
    return STATUS_OK;
}

static void loader_link_close(struct link *base)
{
    struct loader_link *link = (struct loader_link *)base;
    if (link->closed)
        *link->closed = true;
    free(link->loader.area);
    free(link->out);
    free(link);
}

static enum status loader_link_set_baud(struct link *base, int baud_hz, struct error *err)
{
    (void)err;
    base->baud_hz = baud_hz;
    return STATUS_OK;
}

static const struct link_ops ops = {loader_link_read, loader_link_write, loader_link_close,
                                    loader_link_set_baud};

struct loader_link *loader_link_create(const struct loader_link_setup *setup)
{
    struct loader_link *link = calloc(1, sizeof *link);
    uint8_t *area = aligned_alloc(MODEL_ALIGN, setup->area_bytes);
    if (!link || !area)
        abort();
    link->base.ops = &ops;
    snprintf(link->base.name, sizeof link->base.name, "core");
    link->noise = setup->noise;
    link->base.baud_hz = setup->baud_max_hz ? PROTO_BAUD_HZ : 0;
    link->base.baud_max_hz = setup->baud_max_hz;
    link->good_baud_hz = setup->good_baud_hz;
    link->core_baud_hz = PROTO_BAUD_HZ;
    rng_init(&link->rng, setup->seed, 0);
    link->platform = (struct loader_platform){
        .context = link,
        .send = platform_send,
        .read_counters = platform_read_counters,
        .set_leds = platform_set_leds,
        .reset = platform_reset,
        .set_rate = platform_set_rate,
        .set_alarm = platform_set_alarm,
        .clock_hz = LOADER_LINK_CLOCK_HZ,
        .ram_bytes = 2 * setup->area_bytes,
        .core_config = 1,
        .marchid = 22,
        .mimpid = 3,
        .isa_version = setup->isa_version,
    };
    memset(area, 0xee, setup->area_bytes);
    loader_init(&link->loader, &link->platform, area, setup->area_bytes);
    return link;
}
