#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ONNX against onnxruntime: real exports of PyTorch, and the pattern of Keras' exports, imported and compared to 1e-4;
# quantized networks exported, whose integers must be equal. Python is needed here only: a virtual environment in DEPS.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
DEPS=${DEPS:-$BUILD/deps}
mpq=$BUILD/mpq
venv=$DEPS/onnx-venv
python=$venv/bin/python
networks=tests/system/onnx_networks.py

"${MAKE:-make}" --no-print-directory BUILD="$BUILD" DEPS="$DEPS" torch >"$scratch/torch.log" 2>&1 || {
    cat "$scratch/torch.log"
    exit 1
}

# The files' names are relative to the data folder
test_network() {
    name=$1 file=$scratch/$1 fact=$2
    # shellcheck disable=SC2046 # several words
    "$mpq" import "$file.onnx" --data-from "$file.like.json" $(cat "$file.options") -o "$file.json" >"$file.log" 2>&1 &&
        "$mpq" eval "$file.float" --data "$scratch" --outputs "$file.npy" --quiet >>"$file.log" 2>&1
    tap_equal "${fact}_says_what_onnxruntime_says" "$?: $(grep '^mpq' "$file.log"; "$python" "$networks" compare "$scratch" "$name" 2>&1 | tail -n 1)" "0: equal"
    "$mpq" quantize "$file.float" --bits 4 --data "$scratch" -o "$file.quant" --quiet >"$file.log" 2>&1 &&
        "$mpq" eval "$file.quant" --data "$scratch" --outputs "$file.npy" --quiet >>"$file.log" 2>&1 &&
        "$mpq" export "$file.quant" --onnx -o "$file.q.onnx" >>"$file.log" 2>&1
    tap_equal "${fact}_quantized_has_the_same_integers_in_onnxruntime" \
        "$("$python" "$networks" classes "$file.q.onnx" "$file.images.npy" "$file.npy" 2>&1 | tail -n 1)" \
        "images 12 classes differ 0 values differ 0"
}

names=$("$python" -W ignore "$networks" make "$scratch" host/models 2>"$scratch/make.log" | grep -v ' ')
tap_equal every_network_is_exported "$(echo "$names" | wc -w)" "$(($(find host/models -name '*.json' | wc -l) + 10))"
[ "$tap_failed" -eq 0 ] || cat "$scratch/make.log"
for name in $names; do
    test_network "$name" "$name"
done

# LeNet-5 as trained here, on all test images
lenet() {
    "$mpq" train host/models/lenet5_mnist.json --data "$BUILD/data" --epochs 1 --limit 20000 -o "$scratch/lenet.float" --quiet &&
        "$mpq" quantize "$scratch/lenet.float" --bits 4,8,2,8,8 --data "$BUILD/data" -o "$scratch/lenet.quant" --quiet &&
        "$mpq" eval "$scratch/lenet.quant" --data "$BUILD/data" --outputs "$scratch/lenet.npy" --quiet &&
        "$mpq" export "$scratch/lenet.quant" --onnx -o "$scratch/lenet.onnx" &&
        "$python" -c 'import numpy, sys
numpy.save(sys.argv[2], numpy.frombuffer(open(sys.argv[1], "rb").read(), numpy.uint8, offset=16).reshape(-1, 28, 28, 1))' \
            "$BUILD/data/mnist/t10k-images-idx3-ubyte" "$scratch/mnist.npy" &&
        "$python" "$networks" classes "$scratch/lenet.onnx" "$scratch/mnist.npy" "$scratch/lenet.npy"
}
tap_equal lenet5_has_the_same_integers_on_all_test_images "$(lenet 2>&1 | tail -n 1)" \
    "images 10000 classes differ 0 values differ 0"
tap_end
