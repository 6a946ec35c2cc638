#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The ULX3S after synthesis, in simulation, against the simulator of the source: the loader in the netlist's block RAM
# answers over the serial line, takes a model, and gives the same outputs and the same counts.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
netlist=$BUILD/hw/ulx3s/default/netlist-sim
firmware=${MPQ_FIRMWARE:-$BUILD/firmware/loader.elf}
run_model=$BUILD/tests/hw/run_model

cat >"$scratch/model.json" <<'JSON'
{
  "name": "small", "input": [8, 8, 2], "classes": 4,
  "data": {"format": "idx", "train_images": "x", "train_labels": "x", "test_images": "x", "test_labels": "x"},
  "layers": [
    {"op": "conv", "channels": 4, "kernel": 3, "padding": "same"}, {"op": "relu"},
    {"op": "maxpool", "kernel": 2},
    {"op": "conv", "channels": 8, "kernel": 3, "padding": "valid"}, {"op": "relu"},
    {"op": "flatten"},
    {"op": "fc", "outputs": 4}
  ],
  "train": {"optimizer": "adam", "batch": 8, "epochs": [1], "learning_rate": [1e-3], "seed": 1}
}
JSON
"$BUILD/tests/bench/make_model" "$scratch/model.json" 4,2,8 "$scratch/model.quant" || exit 1

# talk SIMULATOR: the same conversation with each, over the true serial line. It takes some ten million cycles;
# a netlist that is wrong may never answer.
talk() {
    "$run_model" "$scratch/model.quant" "$1" --firmware "$firmware" --fd 3 --line bit --max-cycles 30000000
}

talk "$BUILD/mpq-sim" >"$scratch/want" 2>"$scratch/want_system"
tap_equal "the_source_runs_the_model" "$?" 0
talk "$netlist" >"$scratch/got" 2>"$scratch/got_system"
tap_equal "the_netlist_runs_the_model" "$?: $(grep -v ram_bytes "$scratch/got_system")" "0: "
tap_matches "the_netlist_has_the_boards_clock_and_ram" "$(cat "$scratch/got_system")" "$(awk -F'\t' '
    $1 == "name" { for (i = 1; i <= NF; i++) column[$i] = i }
    $1 == "ulx3s" { print "clock_hz " $column["clock_hz"] " ram_bytes " $column["ram_bytes"] }' hw/boards.tsv)"
for what in hello tier total layer activations bank; do
    tap_equal "the_netlist_gives_the_same_${what}_lines" \
        "$(grep "^$what" "$scratch/got" || echo none)" "$(grep "^$what" "$scratch/want" || echo some)"
done
tap_end
