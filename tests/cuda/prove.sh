#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On a machine with a GPU (make test-cuda): every layer and whole trainings beside the CPU's, repetition bit for bit, the
# speed of float training and of an exhaustive search with training; a table with the GPU's name. Without a GPU it says so.
# usage: prove.sh BUILD
set -eu
build=${1:-build}
mpq=$build/mpq
data=$build/data
MPQ_CUDA=${MPQ_CUDA:-$(realpath "$build")/mpq-cuda.so}
export MPQ_CUDA
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

if ! name=$("$build/tests/cuda/device_name"); then
    echo "no CUDA device: skipped ($name)"
    exit 0
fi

row() { printf '  %-52s %12s %s\n' "$1" "$2" "$3"; }
clock() { date +%s.%N; }
calculate() { awk "BEGIN { printf \"%.$1f\", $2 }"; }

# Seconds of the fastest epoch in the events of a training
fastest() {
    python3 -c 'import json, sys
print(min(d["seconds"] for d in map(json.loads, open(sys.argv[1])) if d["event"] == "epoch"))' "$1"
}

prove() {
    for program in test_device_layers test_device_train; do
        "$build/tests/cuda/$program" >"$scratch/log" 2>&1 || {
            cat "$scratch/log"
            echo "$name: $program failed"
            exit 1
        }
        grep '^# ' "$scratch/log"
    done
    for i in 1 2; do
        "$mpq" train host/models/lenet5_mnist.json --data "$data" --epochs 1 --device cuda --deterministic --quiet \
            -o "$scratch/lenet$i.float" >"$scratch/lenet$i"
    done
    cmp "$scratch/lenet1.float" "$scratch/lenet2.float"
    echo "# an epoch of lenet5_mnist, twice: equal bit for bit"
}

# Images of the shape of CIFAR-10's: for the speed, what they show does not matter
make_images() {
    [ -e "$data/cifar-10-batches-bin/test_batch.bin" ] && return
    data=$scratch/data
    mkdir -p "$data/cifar-10-batches-bin"
    python3 - "$data/cifar-10-batches-bin" <<'PYTHON'
import os, sys
for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
    with open(f"{sys.argv[1]}/{name}.bin", "wb") as file:
        for i in range(10000):
            file.write(bytes([i % 10]) + os.urandom(3072))
PYTHON
}

# train_cmsis FILE OPTION...: images a second, of 9 in 10 of the limit
train_cmsis() {
    events=$scratch/$1 limit=$2
    shift 2
    "$mpq" train host/models/cmsis_cnn.json --data "$data" --limit "$limit" --quiet --json -o "$scratch/cmsis.float" "$@" \
        >"$events"
    calculate 0 "0.9 * $limit / $(fastest "$events")"
}

bench_floats() {
    make_images
    cpu=$(train_cmsis cpu 10000 --epochs 1)
    gpu=$(train_cmsis gpu 50000 --epochs 3 --device cuda)
    row "cmsis_cnn, float training, $(nproc) CPU cores" "$cpu" "images/s"
    row "cmsis_cnn, float training, GPU" "$gpu" "images/s"
    row "  (goal: 50 times two CPU cores)" "$(calculate 1 "$gpu / $cpu")" "times these cores"
    data=$build/data
}

bench_search() {
    start=$(clock)
    "$mpq" dse "$scratch/lenet1.float" --data "$data" --search exhaustive --qat 1 --device cuda --samples 1 \
        --front-samples 1 --quiet -o "$scratch/run" >"$scratch/table"
    seconds=$(calculate 1 "$(clock) - $start")
    row "lenet5_mnist, 243 candidates trained and measured" "$seconds" "s (goal: 120)"
}

echo "$name"
prove
bench_floats
bench_search
