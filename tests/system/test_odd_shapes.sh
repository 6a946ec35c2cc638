#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A network of a user's own whose shapes fit nothing: 9x11 images of 5 channels, kernels 3x2, strides 2x1, a residual
# over a block, signed activations, 7 classes. It trains, quantizes and runs on the core like any other.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
out=$scratch/out

# Class k: rows and columns of a wave whose lengths follow from k, with noise.
python3 - "$scratch" <<'PY' || exit 1
import random, struct, sys
random.seed(1)
def npy(name, shape, data):
    head = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s,), }" % ", ".join(map(str, shape))
    head += " " * (-(len(head) + 11) % 64) + "\n"
    with open(sys.argv[1] + "/" + name, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + bytes(data))
labels = [i % 7 for i in range(700)]
def value(k, c, y, x):
    wave = 30 if (y * (k + 2) // 5 + x * (c + 1) // 4 + k) % 2 else -30
    return min(255, max(0, 128 + wave + random.randint(-90, 90)))
npy("images.npy", (700, 5, 9, 11), [value(k, c, y, x) for k in labels for c in range(5) for y in range(9) for x in range(11)])
npy("labels.npy", (700,), labels)
PY

cat >"$scratch/odd.json" <<'JSON'
{
  "name": "odd", "input": {"shape": [9, 11, 5], "signed": true}, "classes": 7,
  "data": {"format": "npy", "train_images": "images.npy", "train_labels": "labels.npy", "layout": "nchw",
           "split": {"test": 0.2, "stratified": true}},
  "layers": [
    {"op": "conv", "channels": 13, "kernel": [3, 2], "stride": [2, 1], "padding": "same"},
    {"op": "batchnorm"},
    {"op": "relu6"},
    {"op": "conv", "channels": 6, "kernel": 1, "name": "narrow"},
    {"op": "conv", "channels": 13, "kernel": [3, 2], "padding": [1, 0, 1, 1]},
    {"op": "batchnorm"},
    {"op": "relu"},
    {"op": "depthwise", "kernel": [2, 3], "padding": "same"},
    {"op": "batchnorm"},
    {"op": "relu6"},
    {"op": "conv", "channels": 6, "kernel": 1, "bias": false},
    {"op": "batchnorm"},
    {"op": "add", "with": "narrow"},
    {"op": "conv", "channels": 9, "kernel": [2, 3], "groups": 3, "stride": [1, 2]},
    {"op": "relu"},
    {"op": "avgpool", "kernel": [2, 3], "stride": 1},
    {"op": "dropout", "rate": 0.1},
    {"op": "fc", "outputs": 7},
    {"op": "log_softmax"}
  ],
  "train": {"batch": 16, "epochs": 8, "learning_rate": 0.005, "schedule": "cosine", "seed": 1}
}
JSON

# run ARGUMENT...: the tool on this data; leaves $code and $out
run() {
    "$mpq" "$@" --data "$scratch" >"$out" 2>"$scratch/err"
    code=$?
}

# json EXPRESSION: d is the last object that was printed
json() {
    python3 -c 'import json, sys
text = open(sys.argv[1]).read()
d = json.loads(text if text.startswith("{\n") else text.strip().splitlines()[-1])
print(eval(sys.argv[2]))' "$out" "$1"
}

run train "$scratch/odd.json" --json -o "$scratch/odd.float"
tap_equal an_odd_network_learns "$code: $(json 'd["accuracy"] > 60')" "0: True"
run quantize "$scratch/odd.float" --bits 8 --json -o "$scratch/ptq.quant"
tap_equal ptq_at_8_bits_keeps_its_accuracy "$code: $(json 'd["float_accuracy"] - d["accuracy"] < 4')" "0: True"
run quantize "$scratch/odd.float" --bits 8,4,2,8,4,2,8 --qat 2 --json -o "$scratch/qat.quant"
tap_equal qat_of_mixed_widths_keeps_its_accuracy "$code: $(json 'd["float_accuracy"] - d["accuracy"] < 10')" "0: True"
for file in ptq qat; do
    for tier in nn rv32; do
        run eval "$scratch/$file.quant" --target sim --tier "$tier" --samples 20 --json
        tap_equal "${file}_on_the_core_in_tier_${tier}_equals_the_integer_model" \
            "$code: $(json '[d["verified"], d["mismatches"]]')" "0: [20, 0]"
    done
done
run dse "$scratch/odd.float" --search greedy --points 4 --samples 2 --quiet --json -o "$scratch/run"
tap_equal the_search_measures_its_front "$code: $(json 'len(d["candidates"]) > 2')" "0: True"
tap_equal all_its_runs_are_equal "$(json '[sum(c["mismatches"] for c in d["candidates"]), min(c["verified"] for c in d["candidates"])]')" "[0, 2]"
tap_end
