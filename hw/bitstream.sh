#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The bitstream of the first placement that reaches the board's clock. Where cells lie starts from a random seed, and
# moves the clock by a tenth; a seed gives the same bitstream each time. A seed that is not routed in time is left out.
# usage: hw/bitstream.sh MAKE BOARD CORE_CONFIGURATION FOLDER "SEED..." BITSTREAM
set -eu
make=$1 board=$2 core=$3 folder=$4 seeds=$5 bitstream=$6

reaches_clock() {
    awk -F'\t' 'NR == 2 && $6 >= $5 { met = 1 } END { exit !met }' "$1"
}

rm -f "$bitstream"
for seed in $seeds; do
    figures=$folder/seed$seed/figures.tsv
    code=0
    sh hw/route_seed.sh "$make" "$seed" "$figures" || code=$?
    [ "$code" != 124 ] || continue
    [ "$code" = 0 ] || exit "$code"
    sh hw/print_figures.sh "$board" "$core" "$figures"
    if reaches_clock "$figures"; then
        made=$folder/seed$seed/mpq_$board.bit
        $make BOARD="$board" CORE="$core" SEED="$seed" "$made"
        cp "$made" "$bitstream"
        echo "$bitstream (seed $seed)"
        exit
    fi
done
echo "mpq: the clock is not reached with seed $seeds; try another SEED, or lower clock_hz in hw/boards.tsv" >&2
exit 1
