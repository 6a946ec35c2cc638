#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A greedy search with QAT from end to end on a small network: jobs, interruption, resumption, starting over, and what
# it keeps of every trained candidate.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
data=$BUILD/data
out=$scratch/out err=$scratch/err
child=""
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

cp tests/system/search.json "$scratch/small.json"

# search FOLDER OPTION...: leaves $code, $out, $err
search() {
    folder=$1
    shift
    "$mpq" dse "$scratch/small.float" --data "$data" --search greedy --qat 1 --limit 600 --points 5 --samples 1 \
        --front-samples 2 --quiet -o "$folder" "$@" >"$out" 2>"$err"
    code=$?
}

# json FILE EXPRESSION: d is the object
json() {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$1" "$2"
}

# without_times FOLDER: results.json but for the times, which stand last
without_times() {
    sed '/^\t"timing":/,$d' "$1/results.json"
}

# measured FOLDER: records of trained and measured candidates in the journal
measured() {
    grep -c '"predicted_cycles"' "$1/journal.jsonl" 2>/dev/null
}

# begin_and_interrupt FOLDER OPTION...: a search in the background, stopped by Ctrl-C once it has measured a candidate
begin_and_interrupt() {
    folder=$1 tries=0
    shift
    "$mpq" dse "$scratch/small.float" --data "$data" --search greedy --qat 1 --limit 600 --points 5 --samples 1 \
        --front-samples 2 --quiet -o "$folder" "$@" >"$out" 2>"$err" &
    child=$!
    until { [ ! -e "$folder/results.json" ] && [ "$(measured "$folder")" -ge 1 ]; } 2>/dev/null || [ "$tries" -ge 2400 ]; do
        tries=$((tries + 1))
        sleep 0.02
    done
    kill -s INT "$child"
    wait "$child"
    code=$?
    child=""
}

test_search() {
    "$mpq" train "$scratch/small.json" --data "$data" --limit 3000 --quiet -o "$scratch/small.float" >"$out" 2>"$err" ||
        cat "$err"
    search "$scratch/one" --jobs 1
    tap_equal greedy_search_with_qat "$code: $([ "$code" -eq 0 ] || cat "$err")" "0: "
    tap_equal trained_candidates_agree_with_the_core \
        "$(json "$scratch/one/results.json" 'all(c["verified"] >= 1 and c["mismatches"] == 0 for c in d["candidates"])')" True
    search "$scratch/two" --jobs 2
    tap_equal jobs_do_not_change_the_results "$code $(without_times "$scratch/two")" "0 $(without_times "$scratch/one")"
}

test_candidates() {
    names=$(cd "$scratch/one/candidates" && echo *.mpq)
    tap_equal every_measured_candidate_is_kept "$(echo "$names" | wc -w)" \
        "$(json "$scratch/one/results.json" 'len(d["candidates"])')"
    first=${names%% *}
    "$mpq" info "$scratch/one/candidates/$first" --ram 1048576 --json >"$out" 2>"$err"
    tap_equal kept_candidates_say_what_they_are \
        "$? $(json "$out" '"-".join(map(str, d["bits"])), d["method"], d["qat_epochs"], d["seed"], d["accuracy"]')" \
        "0 ('${first%.mpq}', 'qat', 1, 1, None)"
}

test_interruption() {
    begin_and_interrupt "$scratch/stopped" --jobs 1
    tap_equal ctrl_c_ends_the_search "$code" 130
    search "$scratch/stopped" --jobs 2 --resume
    tap_equal resumed_search_gives_the_same "$code $(without_times "$scratch/stopped")" "0 $(without_times "$scratch/one")"
    tap_equal trained_candidates_are_not_trained_again \
        "$(json "$scratch/stopped/results.json" 'd["timing"]["resumed"] >= 1')" True
}

test_starting_over() {
    old=$(cat "$scratch/two/results.json")
    begin_and_interrupt "$scratch/two" --jobs 1 --force
    tap_equal starting_over_can_be_interrupted "$code" 130
    tap_equal old_results_do_not_pass_for_new_ones "$(ls "$scratch/two")" "candidates
journal.jsonl
previous-1"
    tap_equal old_results_are_kept_aside "$(cat "$scratch/two/previous-1/results.json")" "$old"
    "$mpq" report "$scratch/two/previous-1" >"$out" 2>"$err"
    tap_equal they_can_be_reported_from_there "$?" 0
}

# Training images differ in one pixel each
test_other_training_data() {
    mkdir -p "$scratch/data/mnist"
    for file in train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
        ln -s "$(realpath "$data/mnist/$file")" "$scratch/data/mnist/$file"
    done
    python3 - "$data/mnist/train-images-idx3-ubyte" "$scratch/data/mnist/train-images-idx3-ubyte" <<'PYTHON'
import sys
images = bytearray(open(sys.argv[1], "rb").read())
for i in range(16, len(images), 784):
    images[i] ^= 1
open(sys.argv[2], "wb").write(images)
PYTHON
    data=$scratch/data
    search "$scratch/one" --resume
    tap_matches resume_with_other_training_images_is_refused "$code $(cat "$err")" "2 mpq dse: .*--data"
}

test_search
test_candidates
test_interruption
test_starting_over
test_other_training_data
tap_end
