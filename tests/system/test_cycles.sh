#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cycles on the simulated core are exactly those of tests/bench/expected_cycles.tsv, layer by layer and in both tiers.
# Fewer cycles fail too: they are to be recorded (tests/bench/cycles.sh), or the next loss would go unseen.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
expected=tests/bench/expected_cycles.tsv

sh tests/bench/cycles.sh "$BUILD" >"$scratch/now.tsv" 2>"$scratch/err"
tap_equal cycles_are_measured "$? $(cat "$scratch/err")" "0 "
compiler=$(grep '^# compiler' "$expected")
now=$(grep '^# compiler' "$scratch/now.tsv")
if [ "$compiler" != "$now" ]; then
    echo "ok $((tap_count + 1)) - cycles_are_those_on_file # SKIP on file for ${compiler#\# }, this is ${now#\# }"
    tap_count=$((tap_count + 1))
    tap_end
fi

# changes BITS COLUMN: the rows that differ
changes() {
    awk -F '\t' -v bits="$1" -v column="$2" '
        $1 != bits { next }
        FNR == NR { old[$2] = $column; next }
        { seen[$2] = 1 }
        !($2 in old) { print "# " bits " " $2 ": not on file, now " $column; next }
        $column != old[$2] {
            how = ($column > old[$2]) ? "grew" : "shrank: record it (tests/bench/cycles.sh)"
            printf("# %s %s: old %d, new %d (%+.2f %%), %s\n", bits, $2, old[$2], $column, 100 * ($column / old[$2] - 1), how)
        }
        END { for (layer in old) if (!(layer in seen)) print "# " bits " " layer ": on file, not measured" }
    ' "$expected" "$scratch/now.tsv"
}

models=$(grep -v '^#' "$expected" | awk -F '\t' 'NR > 1 && !seen[$1]++ { print $1 }')
for bits in $models; do
    column=3
    for tier in nn rv32; do
        changed=$(changes "$bits" "$column") || changed="# comparison failed"
        tap_result "$([ -z "$changed" ] && echo 0 || echo 1)" "cycles_are_those_on_file ($bits, $tier)"
        [ -z "$changed" ] || echo "$changed"
        column=$((column + 1))
    done
done
tap_end
