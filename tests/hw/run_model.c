// SPDX-License-Identifier: Apache-2.0
/* Runs a model on a simulator that may be a hundred times slower than any timeout of the tool: the
 * loader's protocol without clocks. Prints what the core answered, for comparison.
 * usage: run_model QUANT SIMULATOR [ARGUMENT]...    The serial line is file descriptor 3. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "pack/pack.h"
#include "protocol.h"

enum {
    LINE_FD = 3,
    SEED = 12345,
    INPUT_BYTES_MAX = 1024,
    BANKS = 4, /* of the RAM of a ULX3S */
    BANK_BYTES = 65536,
    PATTERN_BYTES = 64
};

struct line {
    int fd;
    uint8_t seq;
    struct frame_receiver receiver;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "run_model: %s: %s\n", what, strerror(errno));
    exit(1);
}

static pid_t start(char **command, int *fd)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        die("socketpair");
    const pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (!pid) {
        close(fds[0]);
        if (fds[1] != LINE_FD) {
            dup2(fds[1], LINE_FD);
            close(fds[1]);
        }
        execv(command[0], command);
        die(command[0]);
    }
    close(fds[1]);
    *fd = fds[0];
    return pid;
}

static void send_request(struct line *line, uint8_t type, const uint8_t *payload, size_t size)
{
    uint8_t frame[PROTO_FRAME_MAX], wire[PROTO_WIRE_MAX];
    const size_t bytes = frame_encode(type, line->seq, payload, size, frame, wire);
    for (size_t sent = 0; sent < bytes;) {
        const ssize_t count = write(line->fd, wire + sent, bytes - sent);
        if (count <= 0)
            die("write");
        sent += (size_t)count;
    }
}

/* Sends a request and waits for its answer, as long as it takes. Returns the answer's data, which
 * last until the next request. */
static const uint8_t *request(struct line *line, uint8_t type, const uint8_t *payload, size_t size)
{
    size_t answer_size = 0;
    uint8_t byte;
    send_request(line, type, payload, size);
    for (;;) {
        if (read(line->fd, &byte, 1) != 1)
            die("the simulator ended");
        const enum frame_event event = frame_receiver_feed(&line->receiver, byte, &answer_size);
        if (event == FRAME_READY)
            break;
        if (event == FRAME_BAD)
            die("damaged frame");
    }
    const uint8_t *frame = line->receiver.bytes;
    if (frame[0] != (type | PROTO_RESPONSE) || frame[1] != line->seq || frame[2] != PROTO_OK) {
        fprintf(stderr, "run_model: request 0x%02x: got type 0x%02x, status %d %d %d\n", type,
                frame[0], frame[2], frame[3], frame[4]);
        exit(1);
    }
    line->seq++;
    return frame + 2 + PROTO_STATUS_BYTES;
}

/* Returns the size of the model area. */
static uint32_t hello(struct line *line)
{
    uint8_t payload[6];
    put_u32(payload, SEED);
    put_u16(payload + 4, PROTO_VERSION);
    const uint8_t *data = request(line, PROTO_HELLO, payload, sizeof payload);
    printf("hello nonce %" PRIu32 " tiers %d isa %d core_config %" PRIu32 "\n",
           get_u32(data + HELLO_NONCE), data[HELLO_TIERS], get_u16(data + HELLO_ISA_VERSION),
           get_u32(data + HELLO_CORE_CONFIG));
    fprintf(stderr, "clock_hz %" PRIu32 " ram_bytes %" PRIu32 "\n", get_u32(data + HELLO_CLOCK_HZ),
            get_u32(data + HELLO_RAM_BYTES));
    return get_u32(data + HELLO_MODEL_AREA_BYTES);
}

static void write_block(struct line *line, uint8_t space, uint32_t offset, const uint8_t *bytes,
                        size_t size)
{
    uint8_t payload[8 + PROTO_DATA_MAX] = {space};
    put_u32(payload + 4, offset);
    memcpy(payload + 8, bytes, size);
    request(line, PROTO_WRITE, payload, 8 + size);
}

static void write_bytes(struct line *line, uint8_t space, const uint8_t *bytes, size_t size)
{
    for (size_t offset = 0; offset < size; offset += PROTO_DATA_MAX) {
        const size_t rest = size - offset;
        write_block(line, space, (uint32_t)offset, bytes + offset,
                    rest < PROTO_DATA_MAX ? rest : PROTO_DATA_MAX);
    }
}

static void print_read(struct line *line, const char *what, uint8_t space, uint16_t index,
                       uint32_t offset, uint16_t count)
{
    uint8_t place[10] = {space};
    put_u16(place + 2, index);
    put_u32(place + 4, offset);
    put_u16(place + 8, count);
    const uint8_t *data = request(line, PROTO_READ, place, sizeof place);
    printf("%s", what);
    for (unsigned i = 0; i < count; i++)
        printf(" %d", data[i]);
    printf("\n");
}

/* Another pattern at the same place of each bank: a bank must not answer for another. */
static void print_banks(struct line *line, uint32_t area_bytes)
{
    uint8_t pattern[PATTERN_BYTES];
    const uint32_t last = (area_bytes - PATTERN_BYTES) & ~3u;
    for (unsigned bank = 0; bank < BANKS && bank * BANK_BYTES <= last; bank++) {
        for (unsigned i = 0; i < PATTERN_BYTES; i++)
            pattern[i] = (uint8_t)(37 * i + 59 * bank);
        write_block(line, SPACE_MODEL, last - bank * BANK_BYTES, pattern, PATTERN_BYTES);
    }
    for (unsigned bank = 0; bank < BANKS && bank * BANK_BYTES <= last; bank++)
        print_read(line, "bank", SPACE_MODEL, 0, last - bank * BANK_BYTES, PATTERN_BYTES);
}

static void print_counters(const char *what, const uint8_t *counters)
{
    printf("%s", what);
    for (int i = 0; i < COUNTER_COUNT; i++)
        printf(" %" PRIu64, get_u64(counters + 8 * i));
    printf("\n");
}

static void run(struct line *line, uint8_t tier, unsigned layers)
{
    const uint8_t run_payload[4] = {tier, RUN_PROFILE, 0, 0}, first_layer[2] = {0, 0};
    const uint8_t *data = request(line, PROTO_RUN, run_payload, sizeof run_payload);
    printf("tier %d class %d output", tier, get_u16(data + RUN_CLASS));
    for (int i = 0; i < get_u16(data + RUN_OUTPUT_BYTES); i++)
        printf(" %d", data[RUN_OUTPUT + i]);
    printf("\n");
    print_counters("total", data + RUN_TOTAL);
    data = request(line, PROTO_COUNTERS, first_layer, sizeof first_layer);
    for (unsigned i = 0; i < layers && i < get_u16(data + 2); i++)
        print_counters("layer", data + 4 + (size_t)i * 8 * COUNTER_COUNT);
}

/* The activations behind each layer: the run stops there, before another layer reuses the buffer. */
static void print_activations(struct line *line, const struct model *model)
{
    for (uint16_t i = 0; i < model->layer_count; i++) {
        const uint16_t buffer = model->layers[i].out;
        const uint32_t size = model->buffers[buffer].size_bytes;
        const uint16_t count = (uint16_t)(size < PROTO_DATA_MAX ? size : PROTO_DATA_MAX);
        uint8_t run_payload[4] = {TIER_NN};

        put_u16(run_payload + 2, (uint16_t)(i + 1));
        request(line, PROTO_RUN, run_payload, sizeof run_payload);
        print_read(line, "activations", SPACE_BUFFER, buffer, 0, count);
    }
}

static void run_model(struct line *line, const struct container *container)
{
    const struct model *model = container->model;
    const size_t input_bytes = model->buffers[model->input].size_bytes;
    uint8_t input[INPUT_BYTES_MAX], size[4];
    uint32_t state = SEED, area_bytes;

    if (input_bytes > sizeof input)
        die("input too large");
    for (size_t i = 0; i < input_bytes; i++) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes */
        input[i] = (uint8_t)(state >> 24);
    }
    area_bytes = hello(line);
    write_bytes(line, SPACE_MODEL, container->bytes, container->size);
    put_u32(size, (uint32_t)container->size);
    request(line, PROTO_COMMIT, size, sizeof size);
    write_bytes(line, SPACE_INPUT, input, input_bytes);
    run(line, TIER_NN, model->layer_count);
    run(line, TIER_RV32, model->layer_count);
    print_activations(line, model);
    print_banks(line, area_bytes);
}

int main(int argc, char **argv)
{
    struct container *container;
    struct line line = {0};
    struct error err = {0};

    if (argc < 3) {
        fprintf(stderr, "usage: run_model QUANT SIMULATOR [ARGUMENT]...\n");
        return 2;
    }
    if (container_load(argv[1], &container, &err)) {
        fprintf(stderr, "run_model: %s\n", err.text);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    frame_receiver_init(&line.receiver);
    const pid_t pid = start(argv + 2, &line.fd);
    run_model(&line, container);
    container_free(container);
    close(line.fd);
    return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}
