// SPDX-License-Identifier: Apache-2.0
/* A quantized network as an ONNX graph of standard operators that computes the integer model's
 * integers, exactly, in floating point.
 *
 *   input [N, C, H, W] real values -> QuantizeLinear -> DequantizeLinear by 1
 *   weights int8 -> DequantizeLinear by 1 -> Conv or Gemm: sums of integers below 2^24, exact in
 *     binary32 in any order
 *   requantization: Mul, Add 0.5, Floor, Clip in binary64, where accumulator times multiplier is
 *     exact; QuantizeLinear would round halves to even, the core rounds them up
 *   average pooling: a Conv with weights 1, then the rounded quotient
 *   logits [N, classes]: int8 or uint8 -> DequantizeLinear by the last scale; class [N] int64
 *
 * Only standard operators of version 13. Metadata: input_scale, output_scale, bits. */
#ifndef MPQ_ONNX_EXPORT_H
#define MPQ_ONNX_EXPORT_H

#include "onnx/onnx_build.h"
#include "pack/model_file.h"

/* file: a QUANT file; label names it in errors. The caller frees *out by onnx_builder_free(), and
 * takes the message by onnx_builder_model(). Refuses containers whose accumulators may exceed 2^24,
 * which the quantizer does not make. */
MUST_CHECK enum status onnx_export(const struct model_file *file, const char *label,
                                   struct onnx_builder **out, struct error *err);

#endif
