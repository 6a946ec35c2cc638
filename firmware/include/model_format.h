// SPDX-License-Identifier: Apache-2.0
/* The model container, version 6: a quantized network as data. The only definition; host and core
 * compile it.
 *
 *   header | buffer table | layer table | parameters and weights, each block 4-byte aligned
 *
 * Little-endian; offsets count bytes from the start of the container unless named *_arena_*. Fields
 * are read and written with bytes.h at the offsets below, never by struct casts. Reserved bytes are
 * zero.
 *
 * Activations are dense [height][width][channel] bytes (NHWC, batch 1), uint8 or int8 by buffer.
 * They live in the arena: arena_bytes of RAM behind the container, 16-byte aligned. Every buffer is
 * followed by MODEL_SLACK bytes of arena which kernels may read. What they write there they give back, at once.
 *
 * Lanes count from the most significant byte of a word. A 32-bit load of four bytes in memory order
 * puts byte i into lane 3-i. Host packing follows that, so that memory always holds the natural
 * order:
 *   out-channel group g holds channels 4g..4g+3; in lane k stands channel 4g+3-k.
 *   activation word m of a row holds elements 4m..4m+3; in lane j stands element 4m+3-j.
 * Channels and elements beyond the true count have zero weights, biases and multipliers.
 *
 * Weights of one group: K = row length in elements, Kw = ceil(K/4) words of activations, W(c,e) the
 * weight of channel c and element e. For each activation word m in turn:
 *   8 bit  4 words t=0..3: lane k = W(4g+3-k, 4m+3-t)   (MAC number t uses activation lane t)
 *   4 bit  2 words b=0,1:  bits [31-4k:28-4k] = W(4g+3-k, 4m+3-2b),
 *                          bits [15-4k:12-4k] = W(4g+3-k, 4m+2-2b)
 *   2 bit  1 word:         bits [31-8j-2k:30-8j-2k] = W(4g+3-k, 4m+3-j)
 * Groups follow one another. FC: K = in_h*in_w*in_c, elements in memory order. Convolution:
 * K = kernel_w*D, elements in the order (kx, ky, channel): kernel_w columns of kernel_h*in_c. With
 * kernel_h > 1 elements that do not exist follow each column up to a multiple of four, D, if these
 * are an eighth of the column at most; else D = kernel_h*in_c. Weight block size:
 * out_groups * Kw * {4,2,1} * 4 bytes.
 *
 * Convolution in G = ML_GROUPS groups: G divides in_c and out_c; input channels g*in_c/G .. make
 * output channels g*out_c/G .. .
 *   G = in_c = out_c > 1 (depthwise): for each channel group of four, T = kernel_h*kernel_w taps in
 *   the order (ky, kx), W(c,t) the weight of channel c and tap t:
 *     8 bit  T words: lane k of word t = W(4g+3-k, t)
 *     4 bit  ceil(T/2) words: half word i (from the low end) of word m holds tap 2m+i, its nibble n
 *            (from the low end) channel 4g+n
 *     2 bit  ceil(T/4) words: byte i of word m holds tap 4m+i, its bit pair n channel 4g+n
 *   The mode in the parameters is 1 (depthwise) at every width; kernels widen the weights first.
 *   Any other G > 1: G convolutions of in_c/G to out_c/G channels one after the other, each with
 *   its own blocks of weights and parameters as above, so that each one's channels are filled up to
 *   a multiple of four.
 *
 * Parameters of one group, 16 bytes, groups follow one another; the four words are the operands of
 * the instructions:
 *   +0   biases (rs1 of neur_init)         +4   bias shifts and mode (rs2)
 *   +8   multipliers (rs1 of neur_res)     +12  shifts and relu (rs2)
 *   rs2: shift of lane 0..3 in bits [31:27] [24:20] [17:13] [10:6]; mode in [2:0], relu in [0];
 *   other bits zero.
 *
 * ADD: out = requantize(ma * in + mb * in2, multiplier, shift, relu), element by element; in, in2
 * and out have the same shape, each its own sign (out: uint8 with relu, else int8). No weight
 * block; one parameter group: +0 ma and +4 mb, each 0..127 and the same in all four bytes, +8 the
 * multiplier in all four bytes, +12 shifts (all equal) and relu. in or in2 may lie in place of out.
 *
 * Padding elements of a convolution are the value 0. Max pooling ignores padding; average pooling
 * has none: average = floor((2*sum + n) / (2*n)), n = window elements (round half up, also for
 * negative sums). ARGMAX: index of the largest element, the first one wins; its out buffer is one
 * uint16, little-endian (h=w=1, c=2).
 *
 * Checksum: sum = MODEL_MAGIC; for each 32-bit word: sum = (sum ^ word) * MODEL_CHECKSUM_FACTOR mod
 * 2^32, sum ^= sum >> MODEL_CHECKSUM_SHIFT. Each step is one-to-one, so that a change within one word
 * is always seen, any other but for one in 2^32. The bytes came in frames with a CRC-32; what this
 * guards against is a container put together wrongly, in fewer cycles than another CRC.
 */
#ifndef MPQ_MODEL_FORMAT_H
#define MPQ_MODEL_FORMAT_H

enum {
    MODEL_MAGIC = 0x4d51504d, /* "MPQM" */
    MODEL_VERSION = 6,
    MODEL_COLUMN_FILL = 8, /* a column is filled up by one part in so many at most */
    MODEL_HEADER_BYTES = 64,
    MODEL_BUFFER_BYTES = 16,
    MODEL_LAYER_BYTES = 48,
    MODEL_GROUP_BYTES = 16,
    MODEL_MAX_LAYERS = 128,
    MODEL_MAX_BUFFERS = 129,
    MODEL_MAX_DIM = 4096,
    MODEL_SLACK = 16,
    MODEL_NAME_BYTES = 16,
    MODEL_NONE = 0xffff, /* no buffer */
    MODEL_ALIGN = 16,    /* of the arena and of every buffer in it */
    MODEL_CHECKSUM_SHIFT = 15,
};
#define MODEL_CHECKSUM_FACTOR                                                                      \
    0x9e3779b1u /* near 2^32 / golden ratio, odd (Knuth 1973, section 6.4) */

/* Header. */
enum {
    MH_MAGIC = 0,           /* u32 */
    MH_VERSION = 4,         /* u16 */
    MH_HEADER_BYTES = 6,    /* u16 */
    MH_CONTAINER_BYTES = 8, /* u32, multiple of 4 */
    MH_CHECKSUM = 12,       /* u32, of the bytes from 16 to the end */
    MH_ISA_VERSION = 16,    /* u16, instructions that the nn tier needs */
    MH_LAYER_COUNT = 18,    /* u16 */
    MH_BUFFER_COUNT = 20,   /* u16 */
    MH_INPUT_BUFFER = 22,   /* u16 */
    MH_OUTPUT_BUFFER = 24,  /* u16, the network's values (logits) */
    MH_CLASS_BUFFER = 26,   /* u16, out of ARGMAX, or MODEL_NONE */
    MH_ARENA_BYTES = 28,    /* u32 */
    MH_SCRATCH_OFFSET = 32, /* u32, in the arena, MODEL_ALIGN aligned */
    MH_SCRATCH_BYTES = 36,  /* u32, at least what model_scratch_bytes() asks for every layer */
    MH_BUFFER_TABLE = 40,   /* u32 */
    MH_LAYER_TABLE = 44,    /* u32 */
    MH_NAME = 48,           /* MODEL_NAME_BYTES, NUL-padded */
};

/* Buffer table entry. */
enum {
    MB_ARENA_OFFSET = 0, /* u32 */
    MB_HEIGHT = 4,       /* u16 */
    MB_WIDTH = 6,        /* u16 */
    MB_CHANNELS = 8,     /* u16 */
    MB_FLAGS = 10,       /* u16, BUFFER_* */
    MB_RESERVED = 12,    /* 4 bytes */
};
enum { BUFFER_SIGNED = 1 };

/* Layer table entry. */
enum {
    ML_OP = 0,             /* u8, enum model_op */
    ML_WEIGHT_BITS = 1,    /* u8: 8, 4, 2; 0 without weights */
    ML_FLAGS = 2,          /* u8, LAYER_* */
    ML_RESERVED_A = 3,     /* 1 byte */
    ML_IN_BUFFER = 4,      /* u16 */
    ML_IN2_BUFFER = 6,     /* u16, MODEL_NONE but for operations with two inputs */
    ML_OUT_BUFFER = 8,     /* u16 */
    ML_GROUPS = 10,        /* u16, groups of a convolution, else 0 */
    ML_KERNEL_H = 12,      /* u8, window of convolution and pooling, else 0 */
    ML_KERNEL_W = 13,      /* u8 */
    ML_STRIDE_H = 14,      /* u8 */
    ML_STRIDE_W = 15,      /* u8 */
    ML_PAD_TOP = 16,       /* u8, each less than the kernel in its direction */
    ML_PAD_LEFT = 17,      /* u8 */
    ML_PAD_BOTTOM = 18,    /* u8 */
    ML_PAD_RIGHT = 19,     /* u8 */
    ML_WEIGHT_OFFSET = 20, /* u32 */
    ML_WEIGHT_BYTES = 24,  /* u32 */
    ML_PARAM_OFFSET = 28,  /* u32 */
    ML_PARAM_BYTES = 32,   /* u32 */
    ML_RESERVED_B = 36,    /* 12 bytes */
};
enum { LAYER_RELU = 1 };

/* The values are part of the format. */
enum model_op {
    OP_CONV2D = 1,
    OP_FC = 2,
    OP_MAXPOOL = 3,
    OP_AVGPOOL = 4,
    OP_RELU = 5,
    OP_FLATTEN = 6,
    OP_ARGMAX = 7,
    OP_ADD = 8,
};

#endif
