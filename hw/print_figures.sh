#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Says in words what a build needs: usage: hw/print_figures.sh BOARD CORE_CONFIGURATION figures.tsv
set -eu
awk -F'\t' -v board="$1" -v config="$2" 'NR == 2 {
    printf "%s, core configuration %s: %d LUT, %d FF, %d multiplier blocks, %g RAM blocks\n", board, config, $1, $2, $3, $4
    if ($6 == "-")
        print "clock: not known before place and route"
    else
        printf "clock: %.1f MHz wanted, %.1f MHz reached, slack %.1f ns\n", $5, $6, 1000 / $5 - 1000 / $6
}' "$3"
