#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The random programs of test_random_programs.c on the core without writeback stage and branch-target ALU.
BUILD=${BUILD:-build}
export BUILD
MPQ_ISA=1 MPQ_SIM=$BUILD/sim/two_stage/mpq-sim exec "$BUILD/tests/rtl/test_random_programs"
