# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the shell tests of this folder share: TAP lines, the build's places, a folder of their own.
# Source it: . "$(dirname "$0")/tap.sh"
BUILD=${BUILD:-build}
export BUILD
source_folder=$(dirname "$0")/../..
# shellcheck disable=SC2034 # for those who source it
core_folder=$BUILD/tests/rtl/core
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tap_count=0
tap_failed=0

# tap_result CODE FACT: ok if CODE is 0.
tap_result() {
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_count - $2"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $2"
    fi
}

# tap_equal FACT GOT WANT
tap_equal() {
    if [ "$2" = "$3" ]; then
        tap_result 0 "$1"
    else
        tap_result 1 "$1"
        printf '# got:  %s\n# want: %s\n' "$2" "$3"
    fi
}

# tap_matches FACT GOT PATTERN: PATTERN is a basic regular expression for a line of GOT.
tap_matches() {
    if printf '%s\n' "$2" | grep -q -- "$3"; then
        tap_result 0 "$1"
    else
        tap_result 1 "$1"
        printf '# got:  %s\n# want a line that matches: %s\n' "$2" "$3"
    fi
}

tap_end() {
    echo "1..$tap_count"
    [ "$tap_failed" -eq 0 ]
    exit
}

# The simulator of a core configuration
simulator() {
    echo "$BUILD/sim/$1/mpq-sim"
}

# The names of all configurations
configurations() {
    awk -F '\t' '/^#/ || $1 == "name" { next } { print $1 }' "$source_folder/rtl/tables/core_configs.tsv"
}

# A configuration's row as tests/rtl/core/tap.h wants it
config_line() {
    awk -F '\t' -v name="$1" '/^#/ || $1 == "name" { next } $1 == name { print n $3 $4 $5 $6 $8 } { n++ }' n=0 \
        "$source_folder/rtl/tables/core_configs.tsv"
}
