#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Generated C for all networks of host/models/ with made-up weights of mixed widths: built, run and verified in both
# tiers. Random inputs, so that no data are needed.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
BUILD=$(cd "$BUILD" && pwd)
mpq=$BUILD/mpq
out=$scratch/out
unset MPQ_SIM MPQ_FIRMWARE MAKEFLAGS MAKELEVEL

# widths MODEL.json: 8,4,2,8,... for its layers with weights
widths() {
    python3 -c 'import json, sys
layers = json.load(open(sys.argv[1]))["layers"]
count = sum(layer["op"] in ("conv", "depthwise", "fc") for layer in layers)
print(",".join("842"[i % 3] for i in range(count)))' "$1"
}

for json in host/models/*.json; do
    name=$(basename "$json" .json)
    "$BUILD/tests/bench/make_model" "$json" "$(widths "$json")" "$scratch/model.quant" &&
        "$mpq" codegen "$scratch/model.quant" -o "$scratch/$name" --random-input --samples 1 -q
    tap_result $? "$name: c_is_generated"
    make -C "$scratch/$name" run >"$out" 2>&1
    code=$?
    tap_equal "$name: program_gives_the_expected_outputs" "$code $(grep -c '^1 of 1 outputs equal' "$out")" "0 2"
    [ "$code" -eq 0 ] || sed 's/^/# /' "$out"
    sed -n "s/^total  */# $name: cycles /p" "$out"
    "$mpq" verify "$scratch/$name" --random-input --samples 2 -q >"$out" 2>&1
    tap_equal "$name: both_tiers_equal_the_integer_model" "$? $(grep -c 'model: 2, mismatches: 0$' "$out")" "0 2"
    rm -rf "${scratch:?}/$name"
done
tap_end
