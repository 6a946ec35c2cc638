#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The RISC-V project's instruction tests, rv32ui, rv32um and rv32uc, on the modified core, in
# every configuration.
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"

for config in $(configurations); do
    programs=0
    for program in "$BUILD"/tests/rtl/riscv/rv32*/*.elf; do
        name=$(basename "$(dirname "$program")")/$(basename "$program" .elf)
        output=$("$(simulator "$config")" --firmware "$program" --max-cycles 1000000 2>&1)
        tap_equal "$name passes ($config)" "exit code $?, $output" "exit code 0, "
        programs=$((programs + 1))
    done
    tap_equal "all 48 programs were run ($config)" "$programs" 48
done
tap_end
