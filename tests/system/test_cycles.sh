#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cycles of all networks on the neural tier and of the quick ones on the plain tier are those on file (check_cycles.sh).
# shellcheck disable=SC1091,SC2034
part=quick
. "$(dirname "$0")/check_cycles.sh"
