// SPDX-License-Identifier: Apache-2.0
/* The loader's protocol, version 3: the only definition, compiled into firmware and host.
 * Freestanding. Fields are little-endian.
 *
 * Frame on the wire
 *   COBS(type u8 | seq u8 | payload | crc32 u32) 0x00
 *   The CRC covers type, seq and payload. COBS (Cheshire and Baker, 1997) keeps 0x00 for the
 *   delimiter, so that whatever is lost or damaged, the next 0x00 starts afresh.
 *
 * Conversation
 *   The host sends requests; each gets exactly one response: type | PROTO_RESPONSE, the same seq,
 *   payload status u8 | detail u8[3] | data.
 *   HELLO may come at any time and restarts the numbering: the request after it has seq = HELLO's
 *   seq + 1 (mod 256). A refused HELLO changes nothing. Before the first HELLO every other request
 *   gets PROTO_E_NO_SESSION.
 *   Up to `window` requests (HELLO's answer tells) may be on their way, but anything other than
 *   WRITE only as the last of them. The core executes requests in order, each once. A request is
 *     the expected one             executed and answered
 *     one of the last `window`     not executed, but answered again: the last one with its stored
 *                                  answer, older ones, which can only be WRITEs, with PROTO_OK
 *     any other, or a bad frame    refused by a NAK: expected seq u8, reason u8 (enum proto_nak)
 *   After a NAK the host goes back to the expected request (go-back-N). The core sends no second
 *   NAK until a good frame has come. After a silence the host repeats from the oldest unanswered
 *   request on.
 *
 * Rate of the line
 *   PROTO_BAUD_HZ at start-up. RATE is answered at the old rate; then the core goes over to the new
 *   one, and so does the host once it has the answer. A core at another rate than that of start-up
 *   goes back to it, and keeps its session, when PROTO_RATE_DOUBT_MS pass without a good frame after
 *     it went over, or
 *     a byte that begins a part of a frame, a lost byte or a framing error.
 *   So it comes back when the new rate does not work, and when it meets a host at another rate; it
 *   does not while the line is silent.
 *
 * State of the core
 *   EMPTY --COMMIT accepted--> READY
 *   READY --WRITE to space MODEL, or COMMIT refused--> EMPTY
 *   A trap is reported by an unsolicited PROTO_TRAP frame (seq 0); then the core restarts into
 *   EMPTY and waits for HELLO.
 *
 * Requests: payload, and data of their PROTO_OK response. place: space u8, 0 u8, index u16,
 * offset u32.
 *   HELLO     nonce u32, version u16                   HELLO_* offsets below
 *   WRITE     place, bytes                             -
 *   HASH      place, total_bytes u32, block_bytes u32  crc32 u32 of each block, 256 at most
 *   READ      place, count u16                         bytes
 *   COMMIT    container_bytes u32                      -
 *   RUN       tier u8, flags u8, stop_layer u16        RUN_* offsets below
 *   COUNTERS  first_layer u16                          first u16, count u16, counters
 *   RESET     -                                        -
 *   RATE      baud_hz u32                              -
 *   ECHO      bytes, PROTO_DATA_MAX at most            the same bytes
 * WRITE takes space MODEL, and INPUT if READY. PROTO_E_MODEL of COMMIT has the detail fault code,
 * layer or buffer (0xff: none), 0. RUN runs layers 0 .. stop_layer - 1 (0: all). COUNTERS gives
 * what the last RUN with RUN_PROFILE counted: COUNTER_COUNT u64 for each of `count` layers, as many
 * as fit. RESET restarts the core after the answer. RATE is refused (PROTO_E_RANGE) if the clock
 * does not make the rate: line_divisor() in line_rate.h.
 */
#ifndef MPQ_PROTOCOL_H
#define MPQ_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "crc32.h"

enum {
    PROTO_VERSION = 3,
    PROTO_RESPONSE = 0x80,
    PROTO_OVERHEAD = 6,    /* type, seq, crc */
    PROTO_DATA_MAX = 1024, /* bytes of WRITE, READ, HASH, COUNTERS data in one frame */
    PROTO_PAYLOAD_MAX = PROTO_DATA_MAX + 96, /* RUN carries its counters beside the data */
    PROTO_FRAME_MAX = PROTO_PAYLOAD_MAX + PROTO_OVERHEAD,
    PROTO_WIRE_MAX = PROTO_FRAME_MAX + PROTO_FRAME_MAX / 254 + 2, /* COBS overhead and delimiter */
    PROTO_WINDOW_MAX = 16,
    PROTO_STATUS_BYTES = 4, /* status and detail at the head of a response */
    PROTO_BAUD_HZ = 115200, /* rate at start-up */
    PROTO_RATE_DOUBT_MS = 125,
};

enum proto_type {
    PROTO_HELLO = 0x01,
    PROTO_WRITE = 0x02,
    PROTO_HASH = 0x03,
    PROTO_READ = 0x04,
    PROTO_COMMIT = 0x05,
    PROTO_RUN = 0x06,
    PROTO_COUNTERS = 0x07,
    PROTO_RESET = 0x08,
    PROTO_RATE = 0x09,
    PROTO_ECHO = 0x0a,
    PROTO_NAK = 0xf0, /* core to host, unsolicited */
    /* Core to host: mcause u32, mepc u32, mtval u32, layer u16 (MODEL_NONE: not running). */
    PROTO_TRAP = 0xf1,
};

/* Every status has a text for the user; the core sends the number. */
#define PROTO_STATUSES(X)                                                                          \
    X(PROTO_OK, "done")                                                                            \
    X(PROTO_E_VERSION, "the core speaks another protocol version")                                 \
    X(PROTO_E_NO_SESSION, "the core restarted or has seen no hello")                               \
    X(PROTO_E_TYPE, "request type not known to the core")                                          \
    X(PROTO_E_LENGTH, "request of the wrong length")                                               \
    X(PROTO_E_SPACE, "no such address space, or it cannot be written")                             \
    X(PROTO_E_RANGE, "address range outside the space")                                            \
    X(PROTO_E_MODEL, "the model was refused")                                                      \
    X(PROTO_E_NO_MODEL, "no model is loaded")                                                      \
    X(PROTO_E_TIER, "the core lacks the instructions of this tier")                                \
    X(PROTO_E_LAYER, "no such layer")

enum proto_status {
#define X(name, text) name,
    PROTO_STATUSES(X)
#undef X
};

enum proto_nak {
    NAK_CRC = 1,
    NAK_COBS = 2,
    NAK_TOO_LONG = 3,
    NAK_TOO_SHORT = 4,
    NAK_SEQUENCE = 5,
    NAK_OVERRUN = 6
};
enum proto_space {
    SPACE_MODEL = 0,
    SPACE_INPUT = 1,
    SPACE_BUFFER = 2, /* index: buffer number; read only */
};
enum proto_tier { TIER_NN = 0, TIER_RV32 = 1 };
enum proto_run_flags {
    RUN_PROFILE = 1, /* also count each layer; costs some cycles at each layer's edge */
};

/* Data of HELLO's answer. */
enum {
    HELLO_NONCE = 0,             /* u32, the request's */
    HELLO_VERSION = 4,           /* u16 */
    HELLO_WINDOW = 6,            /* u8 */
    HELLO_TIERS = 7,             /* u8, bit t: tier t can run */
    HELLO_ISA_VERSION = 8,       /* u16 */
    HELLO_MODEL_VERSION = 10,    /* u16, container version */
    HELLO_CLOCK_HZ = 12,         /* u32 */
    HELLO_RAM_BYTES = 16,        /* u32 */
    HELLO_MODEL_AREA_BYTES = 20, /* u32 */
    HELLO_CORE_CONFIG = 24,      /* u32, row of core_configs.tsv */
    HELLO_MARCHID = 28,          /* u32, CSR marchid */
    HELLO_MIMPID = 32,           /* u32, CSR mimpid */
    HELLO_FIRMWARE = 36,         /* 12 bytes, version text, NUL-padded */
    HELLO_BUILD_ID = 48,         /* u32, hash of the firmware's program */
    HELLO_DATA_BYTES = 52,
};

/* Counters, in this order, each u64. */
#define PROTO_COUNTERS_LIST(X)                                                                     \
    X(CYCLES, "cycles")                                                                            \
    X(INSTRUCTIONS, "instructions")                                                                \
    X(LSU_WAIT, "load_store_stalls")                                                               \
    X(FETCH_WAIT, "fetch_wait")                                                                    \
    X(LOADS, "loads")                                                                              \
    X(STORES, "stores")                                                                            \
    X(BRANCHES, "branches")                                                                        \
    X(BRANCHES_TAKEN, "branches_taken")                                                            \
    X(JUMPS, "jumps")
enum proto_counter {
#define X(name, text) COUNTER_##name,
    PROTO_COUNTERS_LIST(X)
#undef X
        COUNTER_COUNT
};

/* Data of RUN's answer; the output follows. */
enum {
    RUN_LAYERS = 0, /* u16, layers that were run */
    RUN_CLASS = 2,  /* u16, from the class buffer; 0xffff: none or not reached */
    /* u16, bytes of the output buffer that follow; 0 if stopped earlier or more than
     * PROTO_DATA_MAX. */
    RUN_OUTPUT_BYTES = 4,
    RUN_RESERVED = 6, /* u16 */
    RUN_TOTAL = 8,    /* COUNTER_COUNT u64 */
    RUN_OUTPUT = RUN_TOTAL + 8 * COUNTER_COUNT,
};

/* Encodes size <= PROTO_FRAME_MAX bytes by COBS into out (room: PROTO_WIRE_MAX), delimiter
 * included. Returns the bytes written. in and out do not overlap. */
size_t cobs_encode(const uint8_t *in, size_t size, uint8_t *out);

/* Builds a whole frame for the wire: type, seq, payload, CRC, COBS, delimiter. frame: work space of
 * PROTO_FRAME_MAX bytes, wire: PROTO_WIRE_MAX. Returns the bytes of wire to send. */
size_t frame_encode(uint8_t type, uint8_t seq, const uint8_t *payload, size_t size, uint8_t *frame,
                    uint8_t *wire);

/* A COBS code of this value stands for a run without a zero behind it. */
enum { COBS_RUN_MAX = 0xff };

/* Incremental receiver. Feed every byte; it never writes outside bytes[]. */
struct frame_receiver {
    uint8_t bytes[PROTO_FRAME_MAX]; /* decoded: type, seq, payload, crc */
    uint16_t size;                  /* decoded so far */
    uint32_t crc;                   /* crc32_step() over them */
    uint8_t code_left;              /* COBS: bytes left in the current run */
    uint8_t pending_zero;           /* COBS: a zero goes before the next run */
    uint8_t fault;                  /* enum proto_nak, 0 none; skips up to the delimiter */
};

enum frame_event { FRAME_NONE, FRAME_READY, FRAME_BAD };

void frame_receiver_init(struct frame_receiver *rx);

/* FRAME_READY: bytes[0] type, bytes[1] seq, payload from bytes + 2, *payload_size bytes; valid
 * until the next feed. FRAME_BAD: a frame ended that is damaged; rx->fault says how. Empty frames
 * (two delimiters) are FRAME_NONE. */
enum frame_event frame_receiver_feed(struct frame_receiver *rx, uint8_t byte, size_t *payload_size);

#endif
