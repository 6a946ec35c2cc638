#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The proofs of tests/formal, all of them; the planted bugs of one lane.
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"
cd "$source_folder" || exit 1

bugs=${MPQ_FORMAL_BUGS:-ci}
MPQ_FORMAL=$BUILD/formal/tools.sh
export MPQ_FORMAL
if [ ! -f "$MPQ_FORMAL" ]; then
    echo "ok 1 - proofs # SKIP Yosys or the solver could not be installed from PyPI (make formal says why)"
    echo "1..1"
    exit 0
fi
sh tests/formal/formal.sh "$bugs" >"$scratch/table" 2>&1
proofs=0
while IFS= read -r line; do
    case $line in
    *' s  '*)
        proofs=$((proofs + 1))
        printf '%s\n' "$line" | grep -q ' s  PASS   \(found\|-\) '
        tap_result $? "$(printf '%s' "$line" | tr -s ' ')"
        ;;
    *) echo "# $line" ;;
    esac
done <"$scratch/table"
[ "$proofs" -eq "$(grep -vc '^#\|^name' tests/formal/proofs.tsv)" ]
tap_result $? "every proof was run"
tap_end
