// SPDX-License-Identifier: Apache-2.0
/* The formats of data files; dataset.c chooses by net->data.format. */
#ifndef MPQ_DATASET_FORMATS_H
#define MPQ_DATASET_FORMATS_H

#include "data/dataset_raw.h"

/* IDX files of unsigned bytes, as MNIST comes in: magic 0 0 8 rank, then as many big-endian 32-bit
 * sizes as the rank says, then the bytes. Images have rank 3, or 4 with channels last. */
MUST_CHECK data_read_fn dataset_idx_read;

/* The binary version of CIFAR-10: data_batch_1.bin to data_batch_5.bin and test_batch.bin in
 * net->data.folder, records of a label byte and three planes of 32x32 bytes. */
MUST_CHECK data_read_fn dataset_cifar_read;

/* NumPy arrays in .npy files or .npz archives ("name.npz:array"): images of uint8, float32 or
 * float64 in C order, NHWC or NCHW (or without the dimensions that are 1); labels of any integer
 * type, [count] or [count][1]. */
MUST_CHECK data_read_fn dataset_npy_read;

/* Comma-separated values with a header row; rows are counted from it, the first. Every column but
 * the label and the dropped ones is an input, in the file's order. Missing: an empty cell, NA, NaN
 * and the like. Labels are class numbers if all are whole numbers below class_count; else the
 * different labels of the training file, sorted (as numbers if all are), are the classes. */
MUST_CHECK data_read_fn dataset_csv_read;

#endif
