#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mpq beside PyTorch on the CPU of this machine, in one run (make bench-peers): training, in images a second, and the
# integer model beside PyTorch's float inference. Writes BUILD/bench/peers.tsv, peers.json and peers.md.
# mpq's training is three whole epochs; PyTorch's is the best of its rounds of steps.
# usage: peers.sh BUILD PYTHON
set -eu
build=$1 python=$2
mpq=$build/mpq
out=$build/bench
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$out"
most=$(nproc)

# images NETWORK: of one epoch, so that a measurement takes some seconds
images() {
    case $1 in
    lenet5_mnist) echo 54000 ;;
    cmsis_cnn) echo 6400 ;;
    *) echo 2560 ;;
    esac
}

# Three epochs on one part of the data; the same steps as PyTorch's: no augmentation, no validation.
mpq_training() {
    sed -e '/"augment"/d' -e 's/"seed": 1,$/"seed": 1/' -e "s/\"batch\": [0-9]*/\"batch\": $2/" \
        -e 's/"schedule": "cosine"/"schedule": "constant"/' -e '/"warmup"/d' \
        -e 's/"validation": [0-9.]*/"validation": 0/' "host/models/$1.json" >"$scratch/model.json"
    "$mpq" train "$scratch/model.json" --data "$build/data" --threads "$3" --epochs 3 --limit "$(images "$1")" --json \
        -o "$scratch/float" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2 && exit 1; }
    # {"event":"end","label":"train","done":162000,...,"elapsed_s":5.310,...}
    sed -n 's/.*"event":"end","label":"train","done":\([0-9]*\).*"elapsed_s":\([0-9.]*\).*/\1 \2/p' "$scratch/log" |
        awk '{ printf "%.0f", $1 / $2 }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# add WHAT NETWORK BATCH THREADS MPQ PYTORCH
add() {
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" "$(ratio "$5" "$6")" | tee -a "$out/peers.tsv"
}

printf 'what\tnetwork\tbatch\tthreads\tmpq_images_s\tpytorch_images_s\tratio\n' | tee "$out/peers.tsv"
for network in lenet5_mnist cmsis_cnn cifar10_dws_cnn; do
    [ "$network" = lenet5_mnist ] || [ -e "$build/data/cifar-10-batches-bin" ] || {
        echo "$network: skipped, $build/data/cifar-10-batches-bin is not there" >&2
        continue
    }
    for batch in 64 256; do
        for threads in 1 2; do
            [ "$threads" -le "$most" ] || continue
            add train "$network" "$batch" "$threads" "$(mpq_training "$network" "$batch" "$threads")" \
                "$("$python" tests/bench/peers.py train "host/models/$network.json" "$batch" "$threads" "$(images "$network")")"
        done
    done
done
"$build/tests/bench/bench_infer" >"$scratch/infer"
for threads in 1 2; do
    ours=$(sed -n "s/.*, $threads threads: \([0-9]*\) .*/\1/p" "$scratch/infer" | sort -n | tail -n 1)
    [ -z "$ours" ] || add integer_model lenet5_mnist 1000 "$threads" "$ours" \
        "$("$python" tests/bench/peers.py infer host/models/lenet5_mnist.json 1000 "$threads" 10000)"
done

awk -F'\t' 'NR == 1 { print "| what | network | batch | threads | mpq, images/s | PyTorch, images/s | ratio |\n|---|---|---|---|---|---|---|"; next }
    { printf "| %s | %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, $6, $7 }' "$out/peers.tsv" >"$out/peers.md"
"$python" -c 'import csv, json, sys
print(json.dumps(list(csv.DictReader(sys.stdin, delimiter="\t")), indent=1))' <"$out/peers.tsv" >"$out/peers.json"
echo "written: $out/peers.tsv, peers.json, peers.md"
