#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The RISC-V project's architecture tests (I, M, C, Zifencei) on the modified core, in every configuration: the signature
# that a test computes must be the one of another implementation (arch_signatures.tsv).
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"

table=$(dirname "$0")/arch_signatures.tsv
for config in $(configurations); do
    programs=0
    while IFS="$(printf '\t')" read -r name want; do
        case $name in '#'*) continue ;; esac
        "$(simulator "$config")" --firmware "$BUILD/tests/rtl/arch/$name.elf" --stdio --max-cycles 20000000 \
            </dev/null >"$scratch/signature" 2>"$scratch/err"
        tap_equal "$name has the right signature ($config)" "exit code $?, $(cksum <"$scratch/signature") $(cat "$scratch/err")" \
            "exit code 0, $want "
        programs=$((programs + 1))
    done <"$table"
    [ "$programs" -gt 70 ]
    tap_result $? "all $programs programs of the table were run ($config)"
done
tap_end
