#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mpq train, quantize and dse with --device cuda, on the stand-in for CUDA's libraries; and every way of not having a GPU.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
standin=$(realpath "$BUILD")/tests/cuda/mpq-cuda-standin.so
out=$scratch/out err=$scratch/err

# run ARGUMENT...: leaves $code, $out, $err
run() {
    "$mpq" "$@" --quiet >"$out" 2>"$err"
    code=$?
}

train() {
    run train tests/system/search.json --data "$BUILD/data" --limit 400 -o "$scratch/small.float" "$@"
}

test_without_library() {
    MPQ_CUDA=$scratch/none.so train --device cuda
    tap_matches a_missing_library_is_named "$code $(cat "$err")" "1 mpq train: --device cuda: .*none.so: .*make cuda"
    tap_equal nothing_is_written_then "$(ls "$scratch/small.float" 2>/dev/null)" ""
    tap_matches the_version_says_what_is_missing "$(MPQ_CUDA=$scratch/none.so "$mpq" --version)" "CUDA: .*none.so: .*make cuda"
    echo "no library" >"$scratch/broken.so"
    MPQ_CUDA=$scratch/broken.so train --device cuda
    tap_matches a_broken_library_is_named "$code $(cat "$err")" "1 mpq train: --device cuda: .*broken.so"
    train --device gpu
    tap_matches an_unknown_device_is_refused "$code $(cat "$err")" "2 mpq train: --device: want cpu, cuda or cuda:N"
}

test_without_gpu() {
    MPQ_STANDIN_GPUS=0 train --device cuda
    tap_matches no_gpu_is_no_cpu "$code $(cat "$err")" "1 mpq train: --device cuda: no CUDA device on this machine"
    MPQ_STANDIN_GPUS=driver train --device cuda
    tap_matches no_driver "$code $(cat "$err")" "1 mpq train: --device cuda: no NVIDIA driver"
    MPQ_STANDIN_MEMORY=100000 train --device cuda
    tap_matches too_little_memory "$code $(cat "$err")" "1 mpq train: small: its training needs [0-9]* MiB on the GPU"
    train --device cuda:1
    tap_equal another_gpu_can_be_chosen "$code: $(cat "$err")" "1: mpq train: --device cuda:1: no GPU number 1; this machine has 1, from 0"
}

test_training() {
    tap_matches the_version_says_so "$("$mpq" --version)" "CUDA: [0-9]*[.][0-9]*, cuDNN [0-9]"
    train --device cuda --deterministic
    tap_equal floats_are_trained "$code: $(cat "$err")" "0: "
    cp "$scratch/small.float" "$scratch/first.float"
    train --device cuda --deterministic
    tap_equal deterministic_training_repeats_bit_for_bit "$(cmp "$scratch/first.float" "$scratch/small.float")" ""
    run quantize "$scratch/small.float" --bits 4 --qat 1 --device cuda --data "$BUILD/data" --limit 400 -o "$scratch/small.mpq"
    tap_equal integers_are_trained "$code: $(cat "$err")" "0: "
    run quantize "$scratch/small.float" --bits 4 --device cuda --data "$BUILD/data" -o "$scratch/small.mpq"
    tap_matches without_training_no_gpu_is_wanted "$code $(cat "$err")" "2 mpq quantize: --device cuda: .*add --qat EPOCHS"
}

# Parameters, moments and statistics are on the host: a training on a GPU goes on as one on the CPU does.
test_resumption() {
    train --device cuda --deterministic --epochs 30 --limit 2000
    cp "$scratch/small.float" "$scratch/whole.float"
    rm "$scratch/small.float"
    "$mpq" train tests/system/search.json --data "$BUILD/data" --epochs 30 --limit 2000 --device cuda --deterministic --json \
        -o "$scratch/small.float" >"$out" 2>"$err" &
    child=$! tries=0
    until grep -q '"epoch":2,' "$out" || [ "$tries" -ge 3000 ]; do
        tries=$((tries + 1))
        sleep 0.02
    done
    kill -s INT "$child"
    wait "$child"
    tap_matches ctrl_c_leaves_a_checkpoint "$? $(cat "$err")" "^mpq train: interrupted .*small.float.part: .*--resume"
    train --epochs 30 --limit 2000 --resume
    tap_matches the_cpu_does_not_go_on_with_it "$code $(cat "$err")" \
        '^2 mpq train: .*another --device (device "cuda, deterministic", now "cpu")'
    train --device cuda --deterministic --epochs 30 --limit 2000 --resume
    tap_equal a_resumed_training_gives_the_same_file "$code: $(cat "$err") $(cmp "$scratch/whole.float" "$scratch/small.float")" "0:  "
}

# results FOLDER: what was found, without times
results() {
    sed '/^\t"timing":/,$d' "$1/results.json"
}

test_search() {
    for jobs in 1 3; do
        run dse "$scratch/small.float" --bits 8,2 --qat 1 --device cuda --deterministic --data "$BUILD/data" --limit 200 \
            --samples 1 --front-samples 1 --jobs "$jobs" --train-at-once 2 -o "$scratch/run$jobs"
        tap_equal "search_with_${jobs}_jobs" "$code: $(cat "$err")" "0: "
    done
    tap_equal trained_at_once_they_are_the_same "$(results "$scratch/run3")" "$(results "$scratch/run1")"
    run dse "$scratch/small.float" --device cuda --data "$BUILD/data" -o "$scratch/none"
    tap_matches a_search_without_training_wants_no_gpu "$code $(cat "$err")" "2 mpq dse: --device cuda: .*add --qat EPOCHS"
}

if [ ! -e "$standin" ]; then
    test_without_library
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - training_on_a_gpu # SKIP nvcc or the headers of cuDNN are missing (make cuda)"
    tap_end
fi
MPQ_CUDA=$standin
export MPQ_CUDA
test_without_library
test_without_gpu
test_training
test_resumption
test_search
tap_end
