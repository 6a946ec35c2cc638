#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Many more random programs than test_random_programs runs, in the configurations whose
# timing differs, and with the unit multi-pumped.
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"

for config in default two_stage multi_pump; do
    version=1
    [ "$config" != default ] || version=2
    for seed in $(seq 1001 1400); do
        output=$(MPQ_ISA=$version MPQ_SIM=$(simulator $config) "$BUILD/tests/rtl/test_random_programs" "$seed" 2>&1)
        tap_result $? "$(printf '%s' "$output" | sed -n 's/^\(not \)\{0,1\}ok 1 - //p') ($config)"
        printf '%s\n' "$output" | grep '^#'
    done
done
tap_end
