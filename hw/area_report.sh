#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Table of what the core configurations need, as Markdown: usage: hw/area_report.sh FOLDER "BOARD..." "CONFIGURATION..."
# "SEED..."
# Reads FOLDER/board/configuration/seed$n/figures.tsv, as far as they are there; the clock is the median of the seeds, with the lowest and the highest.
# Growth is against the configuration `pristine` of the same board.
set -eu
folder=$1 boards=$2 configs=$3 seeds=$4

# one line for a configuration: LUT FF DSP RAM, lowest, median and highest clock (- where there is none)
figures() {
    for seed in $seeds; do sed -n 2p "$folder/$1/$2/seed$seed/figures.tsv" 2>/dev/null || :; done | sort -t "$(printf '\t')" -k 6 -g |
        awk -F'\t' '{ line = $1 " " $2 " " $3 " " $4; mhz[NR] = $6 } END { if (NR) print line, mhz[1], mhz[int((NR + 1) / 2)], mhz[NR] }'
}

for board in $boards; do
    device=$(awk -F'\t' -v board="$board" '$1 == board { print $3 }' hw/boards.tsv)
    printf '\n%s (%s), the whole system\n\n' "$board" "$device"
    echo '| core | LUT | growth | FF | multiplier blocks | RAM blocks | clock, MHz (lowest to highest) | against pristine |'
    echo '|---|---|---|---|---|---|---|---|'
    pristine=$(figures "$board" pristine)
    [ -n "$pristine" ] || { echo "area_report.sh: $board: no figures of pristine" >&2; exit 1; }
    for config in pristine $(printf '%s\n' "$configs" | tr ' ' '\n' | grep -vx pristine); do
        echo "$pristine $(figures "$board" "$config")" | awk -v config="$config" '{
            if (NF < 8) {
                printf "| %s | not routed | | | | | | |\n", config
                next
            }
            printf "| %s | %d | %.2f | %d | %d | %g |", config, $8, $8 / $1, $9, $10, $11
            if ($13 == "-")
                print " - | - |"
            else
                printf " %.1f (%.1f to %.1f) | %.2f |\n", $13, $12, $14, $13 / $6
        }'
    done
done
