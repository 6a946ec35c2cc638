#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Generated C: a network with every operation, built with the stock compiler, run in the simulator without the tool, and
# proved equal to the integer model in both tiers; changes that must be found. The commands that mpq init prints.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
BUILD=$(cd "$BUILD" && pwd)
mpq=$BUILD/mpq
out=$scratch/out err=$scratch/err
folder=$scratch/small
unset MPQ_SIM MPQ_FIRMWARE MAKEFLAGS MAKELEVEL

# run COMMAND...: leaves $code, $out, $err
run() {
    "$@" >"$out" 2>"$err"
    code=$?
}

# fails FACT CODE PATTERN COMMAND...
fails() {
    fact=$1 want=$2 pattern=$3
    shift 3
    run "$@"
    tap_matches "$fact" "$code: $(grep '^mpq' "$err")" "^$want: mpq.*$pattern"
}

# change FILE ARRAY: other digits in the array's first word
change() {
    awk -v array=" $2[" '
        found { word = substr($1, 3, 8); other = ""
                for (i = 1; i <= 8; i++) other = other substr("89abcdef01234567", index("0123456789abcdef", substr(word, i, 1)), 1)
                sub(word, other); found = 0 }
        index($0, array) { found = 1 }
        { print }' "$1" >"$scratch/changed" && cp "$scratch/changed" "$1"
}

# mismatch FACT: the tier that uses neural instructions no longer equals the integer model
mismatch() {
    fails "$1" 3 "program and integer model differ in [1-9]" \
        "$mpq" verify "$folder" --random-input --samples 6 --tier optimized -q
}

model() {
    cat <<'JSON'
{"name": "small", "input": {"shape": [9, 11, 5], "signed": true}, "classes": 7,
 "data": {"format": "npy", "train_images": "a.npy", "train_labels": "b.npy", "split": {"test": 0.2}},
 "layers": [
  {"op": "conv", "name": "3x2 stem/*", "channels": 8, "kernel": [3, 2], "padding": "same"}, {"op": "relu"},
  {"op": "depthwise", "kernel": 3, "padding": "same"},
  {"op": "conv", "name": "grouped", "channels": 8, "kernel": 3, "padding": "same", "groups": 2},
  {"op": "add", "with": "relu1"}, {"op": "relu6"},
  {"op": "maxpool", "kernel": 3, "stride": 2, "padding": 1},
  {"op": "conv", "channels": 6, "kernel": 1, "stride": [2, 1]},
  {"op": "avgpool", "kernel": 2, "stride": 1}, {"op": "relu"},
  {"op": "fc", "name": "head", "outputs": 7}]}
JSON
}

test_folder() {
    model >"$scratch/small.json"
    run "$BUILD/tests/bench/make_model" "$scratch/small.json" 8,2,4,8,4 "$scratch/small.quant"
    tap_equal made_up_network_is_there "$code $(cat "$err")" "0 "
    run "$mpq" codegen "$scratch/small.quant" -o "$folder" --random-input --samples 3
    tap_equal codegen_writes_a_folder "$code $(cat "$err")" "0 "
    fails a_folder_is_not_written_over 2 "$folder.*--force" "$mpq" codegen "$scratch/small.quant" -o "$folder" --random-input
    tap_equal expected_outputs_depend_on_the_input \
        "$(sed -n '/^     {$/{n;p}' "$folder/inputs.h" | sort -u | wc -l | tr -d ' ')" 3
}

# The folder elsewhere, without the tool
test_make_run() {
    cp -r "$folder" "$scratch/elsewhere"
    sed -i '/^SIM/d' "$scratch/elsewhere/simulator.mk"
    run env PATH=/usr/bin:/bin make -C "$scratch/elsewhere" run "SIM=$BUILD/mpq-sim"
    tap_equal folder_builds_and_runs_anywhere "$code $(cat "$err")" "0 "
    tap_equal both_tiers_give_the_expected_outputs "$(grep -c '^3 of 3 outputs equal' "$out")" 2
    tap_matches cycles_are_told_by_layer "$(cat "$out")" '^depthwise1  *[1-9][0-9]*$'
    tap_matches odd_names_become_names_of_c "$(cat "$out")" '^layer_3x2_stem__  *[1-9]'
    optimized=$(awk '/^total/ { print $2; exit }' "$out") original=$(awk '/^total/ { n = $2 } END { print n }' "$out")
    tap_result "$([ "$optimized" -lt "$original" ] && echo 0 || echo 1)" neural_instructions_are_faster
    for tier in optimized original; do
        riscv64-unknown-elf-objdump -d "$scratch/elsewhere/$tier/build/program.elf" | grep -c '\.4byte.*0b$' >"$scratch/$tier"
    done
    tap_equal original_has_no_neural_instruction \
        "$([ "$(cat "$scratch/optimized")" -gt 0 ] && cat "$scratch/original")" 0
    sed -i '/^     {$/{n;s/[0-9][0-9]*/77/}' "$scratch/elsewhere/inputs.h"
    run make -C "$scratch/elsewhere/original" run "SIM=$BUILD/mpq-sim"
    tap_matches other_outputs_fail_the_run "$code $(cat "$out")" "^input 0: .*outputs DIFFER"
    tap_result "$([ "$code" -ne 0 ] && echo 0 || echo 1)" and_make_says_so
}

test_verify() {
    run "$mpq" verify "$folder" --random-input --samples 20 --json -q
    tap_equal both_tiers_equal_the_integer_model "$code $(tr -d '\t\n' <"$out")$(cat "$err")" "0 $(
        printf '{"folder":"%s","model":"small","tiers":{"optimized":{"verified":20,"mismatches":0},' "$folder"
        printf '"original":{"verified":20,"mismatches":0}}}'
    )"
    run "$mpq" verify "$folder" --random-input --samples 4 --tier optimized --target sim,--line,bit
    tap_equal verify_works_on_the_true_serial_line "$code" 0
}

test_planted() {
    for array in weights.h:layer_3x2_stem___weights weights.h:depthwise1_weights weights.h:head_weights \
        scales.h:grouped_params scales.h:add1_params; do
        file=$folder/${array%:*}
        cp "$file" "$scratch/saved"
        change "$file" "${array#*:}"
        mismatch "a_change_is_found (${array#*:})"
        cp "$scratch/saved" "$file"
    done
    sed -i 's/"head", fc_w4_nn/"head", fc_w2_nn/' "$folder/optimized/network.c"
    mismatch a_change_of_the_program_is_found
    tap_matches a_mismatch_names_input_output_and_values "$(cat "$out")" \
        "^first mismatch: optimized: input 0, output [0-9]: got byte [0-9]*, want [0-9]*$"
    printf 'int broken' >>"$folder/original/network.c"
    fails a_program_that_does_not_compile_is_named 1 "small/original: cannot be built: .*network.c" \
        "$mpq" verify "$folder" --random-input --tier original
}

test_wrong() {
    fails a_folder_without_a_model_is_named 1 "$scratch/network.quant" "$mpq" verify "$scratch" --random-input
    fails other_tiers_are_refused 2 "--tier: want optimized or original, got 'nn'" "$mpq" verify "$folder" --tier nn
    fails boards_are_refused 2 "--target: want sim" "$mpq" verify "$folder" --target /dev/ttyUSB0
    fails too_many_samples_are_refused 1 "RAM of 1048576" \
        "$mpq" codegen "$scratch/small.quant" -o "$scratch/none" --random-input --samples 9999
}

# The commands that init prints, one after the other, as they stand
test_init() {
    cd "$scratch" || exit 1
    run "$mpq" init "$scratch/own"
    tap_equal init_writes_a_folder "$code $(cat "$err")" "0 "
    grep '^    mpq ' "$out" >"$scratch/commands"
    tap_equal readme_has_these_commands "$(grep '^    mpq ' "$scratch/own/README.md")" "$(cat "$scratch/commands")"
    PATH=$BUILD:$PATH sh -e "$scratch/commands" >"$out" 2>"$err"
    code=$?
    tap_equal printed_commands_run "$code: $([ "$code" -eq 0 ] || cat "$err")" "0: "
    accuracy=$(sed -n 's/^test accuracy  *\([0-9]*\)\.[0-9]* %$/\1/p' "$out")
    tap_result "$([ "${accuracy:-0}" -ge 85 ] && echo 0 || echo 1)" "the_network_learns (${accuracy:-no} %)"
    run "$mpq" verify own/c --data own/data --samples 5 --tier optimized
    tap_matches trained_network_equals_the_integer_model "$(cat "$out" "$err")" "model: 5, mismatches: 0$"
    fails init_writes_nothing_over 2 "own: there are files" "$mpq" init "$scratch/own"
}

test_folder
test_make_run
test_verify
test_planted
test_wrong
test_init
tap_end
