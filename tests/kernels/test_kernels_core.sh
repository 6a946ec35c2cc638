#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The kernel tests on the simulated core: the program prints its own TAP lines.
# MPQ_SIM names another simulator than $BUILD/mpq-sim.
set -u
build=${BUILD:-build}
exec "${MPQ_SIM:-$build/mpq-sim}" --firmware "$build/tests/kernels/core/test_kernels.elf" --stdio --stats
