#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The test programs of tests/rtl/core on the core, in each configuration where they have something to say.
# A program prints its own results; its exit code is the number of failed ones.
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"

# run CONFIGURATION PROGRAM [BYTES]: BYTES follow the configuration on the serial line
run() {
    printf '%s\n%s' "$(config_line "$1")" "${3:-}" |
        "$(simulator "$1")" --firmware "$core_folder/$2.elf" --stdio >"$scratch/out" 2>"$scratch/err"
    code=$?
    while IFS= read -r line; do
        case $line in
        'ok - '*) tap_result 0 "$2: ${line#ok - } ($1)" ;;
        'not ok - '*) tap_result 1 "$2: ${line#not ok - } ($1)" ;;
        *) echo "$line" ;;
        esac
    done <"$scratch/out"
    tap_equal "$2: program_ends_without_failures ($1)" "$code: $(cat "$scratch/err")" "0: "
}

for config in default two_stage multi_pump; do
    run $config cycles
    run $config context
done
run default stream_context
for config in $(configurations); do
    run $config encodings
    run $config system xyz
done
tap_end
