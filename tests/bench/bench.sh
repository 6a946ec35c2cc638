#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Benchmarks (make bench): speed of the simulator, of training, of the integer model and of the search on this machine;
# cycles of LeNet-5 on the core. Takes the demo's trained network if there is one.
# usage: bench.sh BUILD
set -eu
build=${1:-build}
mpq=$build/mpq
data=$build/data
model=host/models/lenet5_mnist.json
bits=4,8,2,8,8
scratch=$(mktemp -d)
sim=""
trap '[ -z "$sim" ] || kill "$sim" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

row() { printf '%-44s %14s %s\n' "$1" "$2" "$3"; }

# json FILE EXPRESSION: d is the object, the last one of several lines
json() {
    python3 -c 'import json, sys
text = open(sys.argv[1]).read()
d = json.loads(text) if text.startswith("{\n") else [json.loads(line) for line in text.splitlines()]
print(eval(sys.argv[2]))' "$1" "$2"
}

bench_training() {
    "$mpq" train "$model" --data "$data" --epochs 1 --quiet --json -o "$scratch/float" >"$scratch/train.json"
    # 60,000 images without the tenth that is for validation
    row "training" "$(json "$scratch/train.json" 'round(54000 / d[0]["seconds"])')" "images/s, all cores"
}

bench_integer_model() {
    "$mpq" quantize "$1" --data "$data" --bits "$bits" --quiet -o "$scratch/quant" >"$scratch/out"
    "$build/tests/bench/bench_infer" "$scratch/quant" | while IFS= read -r line; do
        rest=${line##*: }
        row "${line%: *}" "${rest%% *}" "images/s"
    done
}

# On a pseudo-terminal, so that the simulator's own figures are seen
bench_simulator() {
    "$build/mpq-sim" --firmware "$build/firmware/loader.elf" --pty --once --stats >"$scratch/pty" 2>"$scratch/stats" &
    sim=$!
    until [ -s "$scratch/pty" ]; do
        kill -0 "$sim" # ends with the shell if the simulator did
        sleep 0.05
    done
    "$mpq" bench "$scratch/quant" --data "$data" --target "$(cat "$scratch/pty")" --samples 3 --quiet --json >"$scratch/bench.json"
    wait "$sim"
    sim=""
    row "simulator" "$(sed -n 's/.*, \([0-9.]*\) MHz$/\1/p' "$scratch/stats")" "MHz, one core"
}

bench_search() {
    "$mpq" dse "$1" --data "$data" --quiet -o "$scratch/run" >"$scratch/out"
    cp "$scratch/run/results.json" "$scratch/results.json"
    row "search of $(json "$scratch/results.json" 'len(d["candidates"])') candidates" \
        "$(json "$scratch/results.json" 'round(d["timing"]["seconds"], 1)')" \
        "s, $(json "$scratch/results.json" 'd["timing"]["jobs"]') jobs, $(json "$scratch/results.json" \
            'sum(c["verified"] for c in d["candidates"])') runs verified"
}

print_cycles() {
    for tier in nn rv32; do
        row "LeNet-5 at $bits bits, tier $tier" "$(json "$scratch/bench.json" "d['tiers']['$tier']['cycles']")" \
            "cycles, $(json "$scratch/bench.json" "'%.2f' % d['tiers']['$tier']['macs_per_cycle']") MAC per cycle"
    done
}

bench_training
float=$build/runs/lenet5_mnist.float
[ -e "$float" ] || float=$scratch/float
bench_integer_model "$float"
bench_simulator
print_cycles
bench_search "$float"
