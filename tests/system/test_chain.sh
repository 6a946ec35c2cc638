#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tool as a user runs it, on a few images: train, quantize, eval, bench, info, dse, report; interruption, resumption
# and number of jobs; what it says to wrong input; what it says when the core computes something else.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
data=$BUILD/data
out=$scratch/out err=$scratch/err
children=""
# shellcheck disable=SC2086 # several words
trap '[ -z "$children" ] || kill $children 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# run ARGUMENT...: the tool; leaves $code, $out, $err
run() {
    "$mpq" "$@" >"$out" 2>"$err"
    code=$?
}

# done_well FACT: the last run ended with 0
done_well() {
    tap_equal "$1" "$code: $([ "$code" -eq 0 ] || cat "$err")" "0: "
}

# fails FACT CODE PATTERN ARGUMENT...: exit code, and a pattern that the message matches
fails() {
    fact=$1 want=$2 pattern=$3
    shift 3
    run "$@"
    tap_matches "$fact" "$code: $(grep '^mpq' "$err")" "^$want: mpq.*$pattern"
}

# json EXPRESSION: of the last run's output, its last line if there are several objects; d is the object
json() {
    python3 -c 'import json, sys
text = open(sys.argv[1]).read()
try:
    d = json.loads(text)
except ValueError:
    d = json.loads(text.strip().splitlines()[-1])
print(eval(sys.argv[2]))' "$out" "$1"
}

# without_times FOLDER: results.json but for the times, which stand last
without_times() {
    sed '/^\t"timing":/,$d' "$1/results.json"
}

# wait_for WHAT COMMAND...: until the command succeeds, 60 s at most
wait_for() {
    what=$1 tries=0
    shift
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || { echo "# waited in vain for $what" && return 1; }
        sleep 0.05
    done
}

has_lines() {
    [ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

float=$scratch/lenet.float
ptq=$scratch/ptq.quant
qat=$scratch/qat.quant

# ---- The chain ------------------------------------------------------------------------------------------------------
test_models() {
    run train host/models/lenet5_mnist.json --data "$data" --epochs 1 --limit 4000 --json -o "$float"
    done_well train_writes_a_float_file
    tap_equal one_epoch_on_4000_images_gets_most_of_them_right "$(json 'd["accuracy"] > 70')" True
    run quantize "$float" --bits 8 --data "$data" --limit 4000 --json -o "$ptq"
    done_well ptq_writes_a_quant_file
    tap_equal ptq_at_8_bits_keeps_the_accuracy "$(json 'd["float_accuracy"] - d["accuracy"] < 1')" True
    tap_equal ptq_tells_its_size "$(json 'd["size_bytes"] > 60000')" True
    run quantize "$float" --bits 4,8,2,8,8 --qat 1 --data "$data" --limit 4000 --json -o "$qat"
    done_well qat_writes_a_quant_file
    tap_equal qat_keeps_the_accuracy "$(json 'd["float_accuracy"] - d["accuracy"] < 3')" True
    quantized=$(json 'd["accuracy"]')
}

test_eval() {
    run eval "$float" --data "$data"
    done_well eval_of_a_float_file
    run eval "$qat" --data "$data" --samples 4000 --json
    done_well eval_on_the_host
    tap_equal eval_on_the_host_gives_the_accuracy_that_quantize_gave "$(json 'd["accuracy"]')" "$quantized"
    run eval "$qat" --data "$data" --target sim --samples 6 --json
    done_well eval_on_the_core
    tap_equal core_equals_integer_model "$(json '[d["verified"], d["mismatches"]]')" "[6, 0]"
    accuracy=$(json 'd["accuracy"]')
    run eval "$qat" --data "$data" --samples 6 --json
    tap_equal host_and_core_give_the_same_accuracy "$(json 'd["accuracy"]')" "$accuracy"
    run eval "$ptq" --data "$data" --target sim --tier rv32 --samples 2 --json
    tap_equal core_equals_integer_model_without_neural_instructions "$code $(json '[d["verified"], d["mismatches"]]')" "0 [2, 0]"
}

test_bench() {
    run bench "$qat" --data "$data" --json
    done_well bench
    tap_equal bench_measures_both_tiers "$(json 'sorted(d["tiers"])')" "['nn', 'rv32']"
    tap_equal neural_instructions_are_faster "$(json 'd["tiers"]["nn"]["cycles"] < d["tiers"]["rv32"]["cycles"]')" True
    tap_equal layers_make_up_the_whole_run \
        "$(json '0.9 < sum(l["cycles"] for l in d["tiers"]["nn"]["layers"]) / d["tiers"]["nn"]["cycles"] < 1.1')" True
    run bench "$qat" --data "$data"
    tap_matches bench_prints_a_table "$(cat "$out")" "^fc1 *2 *48,000"
    run info sim --json
    tap_equal info_names_the_core "$code $(json '[d["core"], d["tiers"]]')" "0 ['default', ['nn', 'rv32']]"
    run info sim
    tap_matches info_prints_text "$(cat "$out")" "^protocol  *version"
}

# The simulator as a board on a serial port
test_serial_port() {
    "$BUILD/mpq-sim" --firmware "$BUILD/firmware/loader.elf" --pty --once >"$scratch/pty" 2>"$scratch/sim_err" &
    sim=$!
    children="$children $sim"
    wait_for "the pseudo-terminal" test -s "$scratch/pty"
    run eval "$qat" --data "$data" --target "$(cat "$scratch/pty")" --samples 2 --json
    tap_equal eval_on_a_serial_port "$code $(json '[d["verified"], d["mismatches"]]')" "0 [2, 0]"
    wait "$sim"
}

# ---- The search -----------------------------------------------------------------------------------------------------
# search FOLDER OPTION...: 32 candidates on 40 images
search() {
    folder=$1
    shift
    run dse "$float" --data "$data" --bits 8,2 --limit 40 --samples 1 --quiet -o "$folder" "$@"
}

test_search() {
    search "$scratch/one" --jobs 1
    done_well dse_with_one_job
    cp "$scratch/one/results.json" "$out"
    tap_equal every_candidate_is_measured "$(json 'len(d["candidates"]), all(c["cycles"] > 0 for c in d["candidates"])')" \
        "(32, True)"
    tap_equal no_candidate_mismatches "$(json 'sum(c["mismatches"] for c in d["candidates"])')" 0
    tap_equal every_candidate_is_verified "$(json 'min(c["verified"] for c in d["candidates"])')" 1
    tap_equal points_of_the_front_are_verified_on_more_images \
        "$(json 'min(c["verified"] for c in d["candidates"] if c["pareto"])')" 40
    search "$scratch/two" --jobs 2
    done_well dse_with_two_jobs
    tap_equal jobs_do_not_change_the_results "$(without_times "$scratch/two")" "$(without_times "$scratch/one")"
    selected=$(find "$scratch/one/quant" -name '*.mpq' | sort | head -n 1)
    run eval "$selected" --data "$data" --samples 40
    done_well quant_files_of_the_run_can_be_used
    fails a_run_is_not_overwritten 2 "$scratch/one.*--resume" dse "$float" --data "$data" -o "$scratch/one"
    fails resume_with_other_options_is_refused 2 "begun with another --bits" \
        dse "$float" --data "$data" --bits 8 --limit 40 --samples 1 -o "$scratch/one" --resume
}

test_searches() {
    search "$scratch/greedy" --search greedy --front-samples 2 --points 4
    done_well greedy_search
    cp "$scratch/greedy/results.json" "$out"
    tap_equal greedy_measures_points_of_what_it_screened \
        "$(json 'd["search"]["screened"] >= 6 and len(d["candidates"]) <= 5')" True
    tap_equal predicted_cycles_are_those_measured \
        "$(json 'all(abs(c["cycles"] - c["predicted_cycles"]) < 1e-3 * c["cycles"] for c in d["candidates"])')" True
    search "$scratch/binary" --search binary --max-acc-drop 100
    done_well binary_search
    cp "$scratch/binary/results.json" "$out"
    tap_equal binary_search_bisects "$(json 'len(d["candidates"])')" 6 # 16, 8, 4, 2, 1, 0 of 32
    search "$scratch/ram" --search cheapest --max-ram 1000 --max-acc-drop 100
    tap_matches limits_that_nothing_keeps_are_told "$code $(cat "$err")" "1 mpq dse: none of the configurations .* 1000 bytes of RAM"
}

test_rebuilt_firmware() {
    cp "$BUILD/firmware/loader.elf" "$scratch/rebuilt.elf"
    printf ' ' >>"$scratch/rebuilt.elf"
    MPQ_FIRMWARE=$scratch/rebuilt.elf fails resume_with_a_rebuilt_firmware_is_refused 2 "another simulator or firmware" \
        dse "$float" --data "$data" --bits 8,2 --limit 40 --samples 1 -o "$scratch/one" --resume
}

# interrupt NAME SIGNAL CODE: stops a search in the middle and goes on
interrupt() {
    folder=$scratch/$1
    "$mpq" dse "$float" --data "$data" --bits 8,2 --limit 40 --samples 1 --quiet --jobs 2 -o "$folder" >"$out" 2>"$err" &
    child=$!
    children="$children $child"
    wait_for "the search to begin" has_lines "$folder/journal.jsonl" 9
    kill -s "$2" "$child"
    wait "$child" 2>/dev/null
    tap_equal "$1: search_ends" "$?" "$3"
    tap_equal "$1: search_stops_before_its_end" "$([ -e "$folder/results.json" ] && echo "complete")" ""
    search "$folder" --jobs 2 --resume
    done_well "$1: search_goes_on"
    tap_equal "$1: results_are_those_of_an_uninterrupted_search" "$(without_times "$folder")" "$(without_times "$scratch/one")"
    cp "$folder/results.json" "$out"
    tap_equal "$1: finished_candidates_are_not_repeated" "$(json 'd["timing"]["resumed"] >= 8')" True
}

test_report() {
    rm "$scratch/one/pareto.png" "$scratch/one/report.html"
    run report "$scratch/one"
    done_well report
    tap_matches report_prints_the_front "$(cat "$out")" "Pareto front"
    tap_equal report_makes_picture_and_page \
        "$([ -s "$scratch/one/pareto.png" ] && [ -s "$scratch/one/report.html" ] && echo both)" both
}

# ---- A core that computes something else ------------------------------------------------------------------------------
test_faulty_core() {
    socket=$scratch/core
    "$BUILD/tests/system/faulty_core" "$socket" "$BUILD/mpq-sim" "$BUILD/firmware/loader.elf" &
    children="$children $!"
    wait_for "the faulty core" test -S "$socket"
    run eval "$ptq" --data "$data" --target "$socket" --samples 2
    tap_equal eval_ends_with_3_on_a_mismatch "$code" 3
    tap_matches a_mismatch_names_image_layer_element_and_values "$(cat "$out")" \
        "image 1, layer 0 conv1 .*element [0-9]* .*got -*[0-9]*, want -*[0-9]"
    run bench "$ptq" --data "$data" --target "$socket"
    tap_equal bench_ends_with_3_on_a_mismatch "$code" 3
    run dse "$float" --data "$data" --bits 8 --limit 10 --samples 1 --target "$socket" -o "$scratch/faulty"
    tap_equal dse_ends_with_3_on_a_mismatch "$code" 3
    tap_matches dse_names_the_candidate_that_mismatches "$(cat "$out")" "candidate 8-8-8-8-8: .*image 0, layer 0 conv1"
}

# ---- Wrong input ------------------------------------------------------------------------------------------------------
test_wrong_files() {
    corrupt=$scratch/corrupt.quant short=$scratch/short.quant text=$scratch/text
    { head -c 5000 "$ptq" && printf 'x' && tail -c +5002 "$ptq"; } >"$corrupt"
    head -c 5000 "$ptq" >"$short"
    echo "not a model" >"$text"
    fails missing_model_file_is_named 1 "$scratch/none.json" train "$scratch/none.json" --data "$data" -o "$scratch/x"
    fails missing_float_file_is_named 1 "$scratch/none" quantize "$scratch/none" --bits 8 --data "$data" -o "$scratch/x"
    fails quantize_wants_a_float_file 1 "$ptq: not a FLOAT file" quantize "$ptq" --bits 8 --data "$data" -o "$scratch/x"
    fails unwritable_output_is_named 1 "$scratch/none/x" quantize "$float" --bits 8 --limit 100 --data "$data" -o "$scratch/none/x"
    fails missing_quant_file_is_named 1 "$scratch/none" eval "$scratch/none" --data "$data"
    fails corrupt_quant_file_is_named 1 "$corrupt.*checksum" eval "$corrupt" --data "$data"
    fails short_quant_file_is_named 1 "$short" bench "$short" --data "$data"
    fails other_files_are_named 1 "$text: neither a FLOAT nor a QUANT" eval "$text" --data "$data"
    fails a_float_file_cannot_run_on_a_core 1 "$float.*mpq quantize" eval "$float" --target sim --data "$data"
    fails missing_data_are_named 1 "$scratch/nodata/mnist" eval "$ptq" --data "$scratch/nodata"
    fails missing_run_is_named 1 "$scratch/none/results.json" report "$scratch/none"
}

test_wrong_options() {
    fails unknown_command_gets_a_proposal 2 "quantise.*did you mean 'quantize'" quantise
    fails unknown_option_gets_a_proposal 2 "--sample: no such option; did you mean --samples" eval "$ptq" --sample 2
    fails list_of_bits_must_fit_the_layers 2 "--bits: .*5 layers.*conv1.*got '8,4'" \
        quantize "$float" --bits 8,4 -o "$scratch/x"
    fails bits_must_be_8_4_or_2 2 "--bits: .*got '3'" quantize "$float" --bits 3 -o "$scratch/x"
    fails bits_must_be_given 2 "--bits is missing" quantize "$float" -o "$scratch/x"
    fails unknown_target_is_named 2 "simm: no such target" info simm
    fails unknown_core_configuration_is_named 2 "sim:none: no such core configuration" info sim:none
    fails missing_port_is_named 1 "/dev/none: no such port" info /dev/none
    fails unknown_tier_is_named 2 "--tier: want nn or rv32, got 'rv64'" eval "$ptq" --target sim --tier rv64
    fails samples_must_exist 2 "--samples: want 1 to 10000" eval "$ptq" --data "$data" --samples 10001
    fails samples_are_a_number_or_all 2 "--samples: want 1 to 10000 .* or all, got some" \
        eval "$ptq" --data "$data" --samples some
    fails bench_wants_a_sample 2 "--samples: want 1 or more" bench "$ptq" --data "$data" --samples 0
}

test_models
test_eval
test_bench
test_serial_port
test_search
test_searches
test_rebuilt_firmware
interrupt ctrl_c INT 130
interrupt kill KILL 137
test_report
test_faulty_core
test_wrong_files
test_wrong_options
tap_end
