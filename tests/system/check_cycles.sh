#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Cycles on the simulated core are exactly those of tests/bench/expected_cycles.tsv, layer by layer. Fewer cycles fail
# too: they are to be recorded (tests/bench/cycles.sh), or the next loss would go unseen. Sourced by test_cycles.sh and
# slow_cycles.sh, which set part to what cycles.sh is to measure.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
expected=tests/bench/expected_cycles.tsv

sh tests/bench/cycles.sh "$BUILD" "$part" >"$scratch/now.tsv" 2>"$scratch/err"
tap_equal cycles_are_measured "$? $(cat "$scratch/err")" "0 "
compiler=$(grep '^# compiler' "$expected")
now=$(grep '^# compiler' "$scratch/now.tsv")
if [ "$compiler" != "$now" ]; then
    echo "ok $((tap_count + 1)) - cycles_are_those_on_file # SKIP on file for ${compiler#\# }, this is ${now#\# }"
    tap_count=$((tap_count + 1))
    tap_end
fi

# changes NETWORK BITS COLUMN: the rows that differ
changes() {
    awk -F '\t' -v network="$1" -v bits="$2" -v column="$3" '
        $1 != network || $2 != bits { next }
        FNR == NR { old[$3] = $column; next }
        { seen[$3] = 1 }
        !($3 in old) { print "# " network " " bits " " $3 ": not on file, now " $column; next }
        $column != old[$3] {
            how = ($column > old[$3]) ? "grew" : "shrank: record it (tests/bench/cycles.sh)"
            printf("# %s %s %s: old %d, new %d (%+.2f %%), %s\n", network, bits, $3, old[$3], $column,
                   100 * ($column / old[$3] - 1), how)
        }
        END { for (layer in old) if (!(layer in seen)) print "# " network " " bits " " layer ": on file, not measured" }
    ' "$expected" "$scratch/now.tsv"
}

# check NETWORK BITS COLUMN TIER
check() {
    changed=$(changes "$1" "$2" "$3") || changed="# comparison failed"
    tap_result "$([ -z "$changed" ] && echo 0 || echo 1)" "cycles_are_those_on_file ($1 $2, $4)"
    [ -z "$changed" ] || echo "$changed"
}

grep -v '^#' tests/bench/networks.tsv | sed 1d >"$scratch/networks"
while read -r network speed bits; do
    bits=$(echo "$bits" | tr , -)
    [ "$part" = slow ] || check "$network" "$bits" 4 nn
    [ "$part-$speed" = quick-slow ] || [ "$part-$speed" = slow-quick ] || check "$network" "$bits" 5 rv32
done <"$scratch/networks"
tap_end
