#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The kernel tests on a core without the instructions of version 2, where other kernels take their place.
set -u
build=${BUILD:-build}
MPQ_SIM=$build/sim/no_stream/mpq-sim exec sh "$(dirname "$0")/test_kernels_core.sh"
