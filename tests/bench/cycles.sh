#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cycles of the networks of networks.tsv with made-up weights on the simulated core, as a table: network, bits, layer,
# cycles of both tiers. They are the same on every machine with the same compiler. To record a change that is wanted:
#     sh tests/bench/cycles.sh build all >new.tsv && mv new.tsv tests/bench/expected_cycles.tsv
# usage: cycles.sh BUILD PART
#   all       everything, minutes
#   quick     tier nn of all networks, tier rv32 of the quick ones; "-" stands for what was not measured
#   slow      tier rv32 of the slow networks
set -eu
build=$1
part=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# bench NETWORK BITS [OPTION...]: rows of one network
bench() {
    network=$1
    bits=$2
    shift 2
    "$build/tests/bench/make_model" "host/models/$network.json" "$bits" "$scratch/model.quant"
    "$build/mpq" bench "$scratch/model.quant" --target sim --random-input --quiet --json "$@" >"$scratch/bench.json"
    python3 - "$scratch/bench.json" "$bits" <<'PYTHON'
import json, sys
bench, bits = json.load(open(sys.argv[1])), sys.argv[2].replace(",", "-")
tiers = [bench["tiers"].get(tier) for tier in ("nn", "rv32")]
measured = tiers[0] or tiers[1]
cell = lambda of, i: of["layers"][i]["cycles"] if of else "-"
for i, layer in enumerate(measured["layers"]):
    print(bench["model"], bits, layer["name"], *(cell(tier, i) for tier in tiers), sep="\t")
print(bench["model"], bits, "total", *(tier["cycles"] if tier else "-" for tier in tiers), sep="\t")
PYTHON
}

echo "# Cycles of the networks with made-up weights on the default core. Made by tests/bench/cycles.sh, which says how to"
echo "# change it."
echo "# compiler $(riscv64-unknown-elf-gcc -dumpfullversion)"
printf 'network\tbits\tlayer\tnn\trv32\n'
grep -v '^#' tests/bench/networks.tsv | sed 1d | while read -r network speed bits; do
    case $part-$speed in
    quick-slow) bench "$network" "$bits" --tier nn ;;
    slow-slow) bench "$network" "$bits" --tier rv32 ;;
    slow-quick) ;;
    *) bench "$network" "$bits" ;;
    esac
done
