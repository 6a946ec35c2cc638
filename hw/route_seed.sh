#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Area and clock of one placement, which starts from a random seed. Some placements cannot be routed in any useful time: after
# ROUTE_SECONDS (2400) without an end it is given up, says so, and exits with 124; FIGURES is gone then, an older one too.
# usage: hw/route_seed.sh MAKE SEED FIGURES
set -eu
make=$1 seed=$2 figures=$3
limit_s=${ROUTE_SECONDS:-2400}

running=
trap 'kill "$running" 2>/dev/null; exit 130' INT TERM
code=0
# timeout ends the tools that make has started too, if it is not in the foreground
# shellcheck disable=SC2086 # $make is a command and its options
timeout "$limit_s" $make SEED="$seed" "$figures" &
running=$!
wait "$running" || code=$?
if [ "$code" = 124 ]; then
    rm -f "$figures"
    echo "mpq: $figures: not routed in $limit_s s" >&2
fi
exit "$code"
