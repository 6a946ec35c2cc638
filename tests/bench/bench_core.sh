#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where the cycles go (make bench-core): each network of networks.tsv with made-up weights on the neural tier of the
# simulated core, layer by layer. Columns: cycles; useful MAC a cycle and their share of the issue limit (16; on a core with the
# instructions of version 1 alone 4, 8 or 16 at 8, 4 or 2 bits, depthwise 4); cycles that issue an instruction, then those that do not: a load or store that is waited for
# (or whose result is used at once), a fetch that is waited for (behind most taken branches), and all the others (second
# cycles of neur_res, unaligned accesses, multiplications, divisions). Then how many loads, stores and taken branches.
# usage: bench_core.sh BUILD [NETWORK]
set -eu
build=$1
only=${2:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

grep -v '^#' tests/bench/networks.tsv | sed 1d | while read -r network _ bits; do
    [ -z "$only" ] || [ "$only" = "$network" ] || continue
    "$build/tests/bench/make_model" "host/models/$network.json" "$bits" "$scratch/model.quant"
    "$build/mpq" bench "$scratch/model.quant" --target sim --tier nn --random-input --quiet --json >"$scratch/bench.json"
    python3 - "$scratch/bench.json" <<'PYTHON'
import json, sys
bench = json.load(open(sys.argv[1]))
total = bench["tiers"]["nn"]
title = "\n{} at {} bits: {:,} cycles, {:,} MAC, {:.2f} MAC a cycle"
print(title.format(bench["model"], "-".join(map(str, bench["bits"])), total["cycles"], bench["macs"], total["macs_per_cycle"]))
row = "{:<16} {:>4} {:>10} {:>7} {:>8} {:>10} {:>9} {:>9} {:>9} {:>10} {:>9} {:>9}"
print(row.format("layer", "bits", "cycles", "MAC/cyc", "of limit", "issued", "load wait", "fetch", "other", "loads", "stores", "taken"))

def show(name, count, has_macs):
    rate, share = "", ""
    if has_macs:
        rate, share = "%.2f" % count["macs_per_cycle"], "%.1f %%" % (100 * count["share_of_issue_limit"])
    issued, loads, fetch = count["instructions"], count["load_store_stalls"], count["fetch_wait"]
    other = count["cycles"] - issued - loads - fetch
    print(row.format(name, count.get("bits", ""), count["cycles"], rate, share, issued, loads, fetch, other,
                     count["loads"], count["stores"], count["branches_taken"]))

for layer in total["layers"]:
    show(layer["name"], layer, "macs_per_cycle" in layer)
show("one inference", total, False)
PYTHON
done
