#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cycles of the slow networks on the plain tier are those on file (check_cycles.sh).
# shellcheck disable=SC1091,SC2034
part=slow
. "$(dirname "$0")/check_cycles.sh"
