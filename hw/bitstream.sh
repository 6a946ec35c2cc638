#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The bitstream of the first placement that reaches the board's clock. Where cells lie starts from a random seed, and
# moves the clock by a tenth; a seed gives the same bitstream each time. Some placements cannot be routed in any useful
# time: after ROUTE_SECONDS (2400) without an end the next seed is tried.
# usage: hw/bitstream.sh MAKE BOARD CORE_CONFIGURATION FOLDER "SEED..." BITSTREAM
set -eu
make=$1 board=$2 core=$3 folder=$4 seeds=$5 bitstream=$6
limit_s=${ROUTE_SECONDS:-2400}

reaches_clock() {
    awk -F'\t' 'NR == 2 && $6 >= $5 { met = 1 } END { exit !met }' "$1"
}

running=
trap 'kill "$running" 2>/dev/null; exit 130' INT TERM
rm -f "$bitstream"
for seed in $seeds; do
    figures=$folder/seed$seed/figures.tsv
    code=0
    # timeout ends the tools that make has started too, if it is not in the foreground
    # shellcheck disable=SC2086 # $make is a command and its options
    timeout "$limit_s" $make SEED="$seed" "$figures" &
    running=$!
    wait "$running" || code=$?
    if [ "$code" = 124 ]; then
        echo "mpq: seed $seed: not routed in $limit_s s" >&2
        continue
    fi
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
