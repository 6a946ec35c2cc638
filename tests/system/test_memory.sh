#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where a target's memory goes: networks of host/models fit where they are said to, and what does not fit is refused
# with a table before the upload.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
out=$scratch/out err=$scratch/err

# make_model NAME MODEL.json BITS: $scratch/NAME.quant; BITS is one width for all layers, or a list
make_model() {
    case $3 in
    *,*) bits=$3 ;;
    *) bits=$(python3 -c 'import json, sys
layers = json.load(open(sys.argv[1]))["layers"]
print(",".join([sys.argv[2]] * sum(l["op"] in ("conv", "depthwise", "fc") for l in layers)))' "$2" "$3") ;;
    esac
    "$BUILD/tests/bench/make_model" "$2" "$bits" "$scratch/$1.quant" || exit 1
}

# memory NAME RAM EXPRESSION: of the table's object m, on a core with so many bytes
memory() {
    "$mpq" info "$scratch/$1.quant" --ram "$2" --json >"$out" 2>"$err" || { cat "$err" && return; }
    python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))["memory"]
print(eval(sys.argv[2]))' "$out" "$3"
}

test_networks() {
    make_model mcunet host/models/mcunet_vww.json 8
    make_model lenet8 host/models/lenet5_mnist.json 8
    make_model lenet host/models/lenet5_mnist.json 4,8,2,8,8
    tap_equal "mcunet_vww: container_activations_and_tables_have_the_sizes_on_file" \
        "$(memory mcunet 614400 'm["container"], m["activations"], m["tables"]')" "(449112, 102800, 7650)"
    tap_equal "mcunet_vww: fits_600_kib_at_8_bits_with_the_firmware" "$(memory mcunet 614400 'm["fits"]')" True
    tap_equal "lenet5_mnist: container_activations_and_tables_have_the_sizes_on_file" \
        "$(memory lenet 98304 'm["container"], m["activations"], m["tables"]')" "(27312, 7408, 1122)"
    tap_equal "lenet5_mnist: fits_96_kib_at_4_8_2_8_8_bits_with_the_firmware" "$(memory lenet 98304 'm["fits"]')" True
    tap_equal "lenet5_mnist: fits_128_kib_at_8_bits_with_the_firmware" "$(memory lenet8 131072 'm["fits"]')" True
    echo "# needed: mcunet_vww at 8 bits $(memory mcunet 1 'm["need"]') of 614400;" \
        "lenet5_mnist at 4,8,2,8,8 $(memory lenet 1 'm["need"]') of 98304, at 8 $(memory lenet8 1 'm["need"]') of 131072"
}

test_table() {
    tap_equal parts_make_up_the_whole \
        "$(memory mcunet 614400 '(m["code"] + m["data"] + m["stacks"] == m["firmware"] and
           m["header"] + m["parameters"] + m["weights"] == m["container"] and
           sum(l["weight_bytes"] for l in m["layers"]) == m["weights"] and
           m["firmware"] + m["container"] + m["activations"] + m["tables"] == m["need"])')" True
    tap_equal the_smallest_ram_that_fits_is_what_is_needed \
        "$(need=$(memory lenet 1 'm["need"]') && memory lenet "$need" 'm["fits"]' && memory lenet $((need - 1)) 'm["fits"]')" \
        "True
False"
    "$mpq" info "$scratch/lenet8.quant" --ram 65536 >"$out" 2>&1
    tap_matches what_is_missing_is_told "$(cat "$out")" "MISSING  *[0-9,]*"
    tap_matches layers_are_listed_with_their_bytes "$(cat "$out")" "fc1  *8 bit  *48,000"
    tap_matches fewer_bits_are_proposed "$(cat "$out")" "2 bits in every layer save about 46,404 bytes"
    "$mpq" info "$scratch/lenet8.quant" --target sim --json >"$out" 2>"$err"
    tap_equal the_simulator_tells_its_own_memory "$? $(python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))["memory"]
print(m["ram"], m["fits"], m["need"] == m["firmware"] + m["container"] + m["activations"] + m["tables"])' "$out")" \
        "0 1048576 True True"
}

# More weights than the simulator has memory
test_refusal() {
    cat >"$scratch/large.json" <<'JSON'
{"name": "large", "input": [32, 32, 16], "classes": 80,
 "data": {"format": "idx", "train_images": "x", "train_labels": "x", "test_images": "x", "test_labels": "x"},
 "layers": [{"op": "fc", "name": "wide", "outputs": 80}]}
JSON
    make_model large "$scratch/large.json" 8
    "$mpq" bench "$scratch/large.quant" --target sim --random-input >"$out" 2>"$err"
    tap_equal a_model_that_does_not_fit_is_an_error "$?" 1
    tap_matches its_table_is_printed "$(cat "$err")" "wide  *8 bit  *1,310,720"
    tap_matches its_error_names_target_model_and_sizes "$(grep '^mpq' "$err")" \
        "mpq bench: sim: model large does not fit: it needs [0-9]* bytes, the target has 1048576"
    "$mpq" bench "$scratch/large.quant" --target sim --random-input --json >"$out" 2>"$err"
    tap_equal with_json_the_table_is_an_object "$? $(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["memory"]["fits"])' "$out")" "1 False"
}

# large_network OUTPUTS: $scratch/search.json, whose first layer has 16,384 weights for each output, and images
large_network() {
    cat >"$scratch/search.json" <<JSON
{"name": "search", "input": [128, 128, 1], "classes": 4,
 "data": {"format": "idx", "train_images": "images", "train_labels": "labels", "test_images": "images",
          "test_labels": "labels"},
 "train": {"epochs": 1, "validation": 0.2}, "calibration": {"samples": 20},
 "layers": [{"op": "fc", "name": "wide", "outputs": $1}, {"op": "relu"}, {"op": "fc", "outputs": 4}]}
JSON
    python3 - "$scratch" <<'PYTHON'
import random, struct, sys
count, size = 40, 128 * 128
random.seed(1)
open(sys.argv[1] + "/images", "wb").write(struct.pack(">IIII", 0x803, count, 128, 128) + random.randbytes(count * size))
open(sys.argv[1] + "/labels", "wb").write(struct.pack(">II", 0x801, count) + bytes(i % 4 for i in range(count)))
PYTHON
    "$mpq" train "$scratch/search.json" --data "$scratch" -o "$scratch/search.float" --quiet >"$out" 2>&1 || cat "$out"
}

# At 8 bits the first layer does not fit the simulator's memory
test_search() {
    large_network 64
    "$mpq" dse "$scratch/search.float" --data "$scratch" --bits 8,2 --samples 1 --front-samples 1 --jobs 1 --quiet \
        -o "$scratch/run" >"$out" 2>"$err"
    tap_equal a_search_leaves_out_what_does_not_fit "$? $(cat "$err")" "0 "
    tap_equal what_fits_is_measured_and_priced "$(python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print([c["bits"] for c in d["candidates"]],
      all(c["verified"] and not c["mismatches"] and abs(c["cycles"] - c["predicted_cycles"]) < 0.001 * c["cycles"]
          for c in d["candidates"]))' "$scratch/run/results.json")" "[[2, 8], [2, 2]] True"
    tap_equal what_does_not_fit_is_listed "$(python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print([c["bits"] for c in d["too_large"]], all(c["ram_bytes"] > d["versions"]["ram_bytes"] for c in d["too_large"]))' \
        "$scratch/run/results.json")" "[[8, 8], [8, 2]] True"
    tap_matches the_table_tells_of_it "$(cat "$out")" "too large for the core's 1,048,576 bytes of RAM, left out: 2 conf"
}

test_search_of_nothing() {
    "$mpq" dse "$scratch/search.float" --data "$scratch" --bits 8 --quiet -o "$scratch/none" >"$out" 2>"$err"
    tap_matches a_search_where_nothing_fits_is_refused "$? $(grep '^mpq' "$err")" \
        "1 mpq dse: no configuration fits the core's memory: the smallest needs [0-9]* bytes, the core has 1048576"
    tap_matches the_smallest_ones_table_is_printed "$(cat "$err")" "wide  *8 bit  *1,048,576"
    "$mpq" dse "$scratch/search.float" --data "$scratch" --bits 8 --quiet --json --force -o "$scratch/none" >"$out" 2>"$err"
    tap_equal with_json_its_table_is_an_object_too "$? $(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["memory"]["fits"])' "$out")" "1 False"
}

test_networks
test_table
test_refusal
test_search
test_search_of_nothing
tap_end
