#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mpq train that is interrupted and goes on: the FLOAT file of an uninterrupted one bit for bit, on any number of
# threads; what it refuses, and that nothing is lost then.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
out=$scratch/out err=$scratch/err
float=$scratch/small.float
part=$float.part
child=""
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# With all that a training remembers
cat >"$scratch/small.json" <<'JSON'
{"name": "small", "input": [28, 28, 1], "classes": 10,
 "data": {"format": "idx",
          "train_images": "mnist/train-images-idx3-ubyte", "train_labels": "mnist/train-labels-idx1-ubyte",
          "test_images": "mnist/t10k-images-idx3-ubyte", "test_labels": "mnist/t10k-labels-idx1-ubyte"},
 "train": {"epochs": [4, 8], "learning_rate": [0.003, 0.001], "schedule": "cosine", "early_stopping": 8,
           "augment": {"shift": 2, "zoom": 1.2}},
 "layers": [{"op": "conv", "channels": 4, "kernel": 5, "stride": 3}, {"op": "batchnorm"}, {"op": "relu"},
            {"op": "conv", "channels": 8, "kernel": 3, "stride": 2}, {"op": "batchnorm"}, {"op": "relu"},
            {"op": "fc", "outputs": 16}, {"op": "relu"}, {"op": "dropout", "rate": 0.1}, {"op": "fc", "outputs": 10}]}
JSON

# train OPTION...: leaves $code, $out, $err
train() {
    "$mpq" train "$scratch/small.json" --data "$BUILD/data" --limit 3000 --json "$@" >"$out" 2>"$err"
    code=$?
}

# interrupted SIGNAL EPOCH OPTION...: a training that gets the signal once it has printed this epoch
interrupted() {
    signal=$1 epoch=$2 tries=0
    shift 2
    : >"$out"
    "$mpq" train "$scratch/small.json" --data "$BUILD/data" --limit 3000 --json -o "$float" "$@" >"$out" 2>"$err" &
    child=$!
    until grep -q "\"epoch\":$epoch," "$out" || [ "$tries" -ge 3000 ]; do
        tries=$((tries + 1))
        sleep 0.02
    done
    kill -s "$signal" "$child"
    wait "$child"
    code=$?
    child=""
}

# Epochs that the last run printed, the first and the last one
epochs() {
    sed -n 's/.*"event":"epoch","epoch":\([0-9]*\),.*/\1/p' "$out" | sed -n '1p;$p' | tr '\n' ' '
}

# refused FACT CODE PATTERN OPTION...: and the checkpoint stays as it is
refused() {
    fact=$1 want=$2 pattern=$3
    shift 3
    cp "$part" "$scratch/before"
    train -o "$float" "$@"
    tap_matches "$fact" "$code $(grep '^mpq' "$err")" "^$want mpq train: $part: $pattern"
    tap_equal "$fact: nothing_is_lost" "$(cmp "$part" "$scratch/before" 2>&1)" ""
}

test_whole() {
    train -o "$scratch/whole.float" --threads 1
    tap_equal an_uninterrupted_training "$code $(epochs)" "0 1 12 "
    tap_equal it_leaves_no_checkpoint "$(ls "$scratch")" "err
out
small.json
whole.float"
}

test_interruption() {
    interrupted INT 2 --threads 2
    tap_matches ctrl_c_says_how_to_go_on "$code $(grep '^mpq' "$err")" \
        "^130 mpq train: interrupted in epoch [0-9]*; what is finished is kept in $part: the same command with --resume goes on\$"
    tap_equal ctrl_c_leaves_a_checkpoint_and_no_float_file "$(cd "$scratch" && echo small.float*)" small.float.part
}

test_refusals() {
    refused it_is_not_started_over_by_accident 2 "holds an interrupted training; --resume goes on with it, --force"
    refused another_seed_is_refused 2 'cannot resume: .* another --seed (seed "1", now "2"); .*--force' --resume --seed 2
    refused other_epochs_are_refused 2 'cannot resume: .* another --epochs (epochs \[4,8\], now \[4,9\])' --resume --epochs 13
    refused another_limit_is_refused 2 'cannot resume: .* another --limit (limit 3000, now 2900)' --resume --limit 2900
    cp "$scratch/small.json" "$scratch/kept.json"
    sed 's/0.003/0.002/' "$scratch/kept.json" >"$scratch/small.json"
    refused another_recipe_is_refused 2 \
        'cannot resume: .* another MODEL.json (line 5: .*0.003, .*, now .*0.002, .*); give the same' --resume
    cp "$scratch/kept.json" "$scratch/small.json"
    cp "$part" "$scratch/good"
    head -c 3000 "$scratch/good" >"$part"
    refused a_checkpoint_that_is_cut_short_is_refused 1 "checksum does not match; .*--force starts over" --resume
    { head -c 3000 "$scratch/good" && printf 'xyz' && tail -c +3004 "$scratch/good"; } >"$part"
    refused a_damaged_checkpoint_is_refused 1 "checksum does not match; .*--force starts over" --resume
    : >"$part"
    refused an_empty_checkpoint_is_refused 1 "not a checkpoint" --resume
    cp "$scratch/good" "$part"
    train -o "$float" --resume --force
    tap_matches resume_and_force_contradict_each_other "$code $(cat "$err")" "^2 mpq train: --resume and --force contradict"
    "$mpq" quantize "$part" --bits 8 -o "$scratch/x" 2>"$err"
    tap_matches a_checkpoint_is_no_float_file "$? $(cat "$err")" "^1 mpq quantize: $part: not a FLOAT file"
}

test_resumption() {
    interrupted TERM 5 --threads 1 --resume
    tap_matches it_goes_on_and_can_be_interrupted_again "$code $(epochs)" "^130 [3-9] "
    tap_matches it_says_where_it_goes_on "$(grep '"note":"goes on' "$err")" '"done":[1-9][0-9]*,.*"note":"goes on in epoch [3-9]"'
    train -o "$float" --threads 3 --resume
    tap_matches it_ends "$code $(epochs)" "^0 \([6-9]\|1[0-2]\) 12 "
    tap_equal the_float_file_is_that_of_an_uninterrupted_training "$(cmp "$float" "$scratch/whole.float" 2>&1)" ""
    tap_equal the_checkpoint_is_removed "$(cd "$scratch" && echo small.float*)" small.float
    train -o "$float" --resume --epochs 1
    tap_equal resume_without_a_checkpoint_begins "$code $(epochs)" "0 1 1 "
}

test_starting_over() {
    interrupted INT 1
    train -o "$float" --force
    tap_equal force_starts_over "$code $(epochs)" "0 1 12 "
    tap_equal force_gives_the_same_file_too "$(cmp "$float" "$scratch/whole.float" 2>&1)" ""
    tap_equal force_removes_the_old_checkpoint "$(cd "$scratch" && echo small.float*)" small.float
}

test_whole
test_interruption
test_refusals
test_resumption
test_starting_over
tap_end
