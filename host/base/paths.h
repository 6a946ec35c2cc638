// SPDX-License-Identifier: Apache-2.0
/* Where the tool finds what was built with it: beside its binary, or where the environment says. */
#ifndef MPQ_PATHS_H
#define MPQ_PATHS_H

#include <stddef.h>
#include "base/error.h"

enum { PATHS_MAX = 4096 };

/* The simulator of a core configuration ("": the default one): MPQ_SIM, else mpq-sim in the
 * binary's folder; a named configuration is sim/CONFIG/mpq-sim in the same folder. Errors say what
 * to build. */
MUST_CHECK enum status paths_simulator(const char *config, char path[PATHS_MAX], struct error *err);

/* The firmware for the core: MPQ_FIRMWARE, else firmware/loader.elf in the binary's folder. */
MUST_CHECK enum status paths_firmware(char path[PATHS_MAX], struct error *err);

/* The library that speaks MPI: MPQ_MPI, else mpq-mpi.so in the binary's folder. Errors say how to
 * get it. */
MUST_CHECK enum status paths_mpi(char path[PATHS_MAX], struct error *err);

/* The library that trains on a GPU: MPQ_CUDA, else mpq-cuda.so in the binary's folder. Errors say how
 * to get it. */
MUST_CHECK enum status paths_cuda(char path[PATHS_MAX], struct error *err);

/* Where `make bitstream BOARD=board` puts the bitstream, in the binary's folder. It need not be
 * there. */
MUST_CHECK enum status paths_bitstream(const char *board, char path[PATHS_MAX], struct error *err);

#endif
