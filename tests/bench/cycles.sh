#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cycles of LeNet-5 with made-up weights on the simulated core, as a table: widths, layer, cycles of both tiers. They are
# the same on every machine with the same compiler. To record a change that is wanted:
#     sh tests/bench/cycles.sh build >new.tsv && mv new.tsv tests/bench/expected_cycles.tsv
# usage: cycles.sh BUILD
set -eu
build=${1:-build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

echo "# Cycles of LeNet-5 with made-up weights on the default core. Made by tests/bench/cycles.sh, which says how to change it."
echo "# compiler $(riscv64-unknown-elf-gcc -dumpfullversion)"
printf 'bits\tlayer\tnn\trv32\n'
for bits in 4,8,2,8,8 8,8,8,8,8 4,4,4,4,4 2,2,2,2,2; do
    "$build/tests/bench/make_model" host/models/lenet5_mnist.json "$bits" "$scratch/model.quant"
    "$build/mpq" bench "$scratch/model.quant" --target sim --random-input --quiet --json >"$scratch/bench.json"
    python3 - "$scratch/bench.json" "$bits" <<'PYTHON'
import json, sys
bench, bits = json.load(open(sys.argv[1])), sys.argv[2].replace(",", "-")
nn, rv32 = bench["tiers"]["nn"], bench["tiers"]["rv32"]
for a, b in zip(nn["layers"], rv32["layers"]):
    print(bits, a["name"], a["cycles"], b["cycles"], sep="\t")
print(bits, "total", nn["cycles"], rv32["cycles"], sep="\t")
PYTHON
done
