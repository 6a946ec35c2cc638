#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All networks of host/models whose data are there (make models): training, search on the simulated core, and a table.
# What an earlier run has finished is kept, what was interrupted goes on. Delete the runs folder to start over.
# usage: models.sh BUILD JOBS [NETWORK...]
set -eu
build=$1 jobs=$2
shift 2
mpq=$build/mpq
runs=$build/runs
table=$runs/models.md
began=$(date +%s)
[ $# -gt 0 ] || set -- elderly_fall uci_fann_net lenet5_mnist cmsis_cnn cifar10_dws_cnn mcunet_vww

say() { printf '[%5d s] %s\n' $(($(date +%s) - began)) "$1"; }

# field NAME: a text of the model file
field() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$model" | head -n 1; }

# The file or folder that training reads first.
needs() {
    for name in train_images train folder; do
        file=$(field $name)
        [ -z "$file" ] || { echo "$file" && return; }
    done
}

# test_accuracy MODEL.json OPTION...: of one training, in percent
test_accuracy() {
    "$mpq" train "$@" --data "$build/data" -o "$runs/scores.float" --force --quiet | sed -n 's/^test accuracy *\([0-9.]*\).*/\1/p'
}

# Small data sets score by chance as well: the mean over folds or seeds.
spread() {
    scores=""
    case $1 in
    elderly_fall)
        for fold in 0 1 2 3 4; do
            sed 's/"fold": 0/"fold": '$fold/ "$model" >"$runs/fold.json"
            scores="$scores $(test_accuracy "$runs/fold.json")"
        done
        what="elderly_fall, float, five folds (each person is tested once; 76 of 100 are no fallers)"
        ;;
    uci_fann_net)
        for seed in 1 2 3 4 5; do
            scores="$scores $(test_accuracy "$model" --seed $seed)"
        done
        what="uci_fann_net, float, seeds 1 to 5 (each splits the data anew)"
        ;;
    *) return 0 ;;
    esac
    rm -f "$runs/fold.json" "$runs/scores.float"
    echo "$what:$scores %; mean $(echo "$scores" | awk '{ for (i = 1; i <= NF; i++) sum += $i; printf "%.2f", sum / NF }') %" |
        tee "$runs/$1.spread"
}

# search_of NETWORK: into its run folder
search_of() {
    how=""
    [ ! -e "$runs/$1/journal.jsonl" ] || how=--resume
    "$mpq" dse "$runs/$1.float" --data "$build/data" --jobs "$jobs" $how -o "$runs/$1"
}

mkdir -p "$runs"
: >"$table"
head=--head notes="" absent=""
for network in "$@"; do
    model=host/models/$network.json
    [ -e "$model" ] || { echo "models.sh: $model: no such network" >&2 && exit 2; }
    if [ ! -e "$build/data/$(needs)" ]; then
        say "$network: skipped, $build/data/$(needs) is not there (host/README.md, Networks, says where to get it)"
        absent="$absent $network"
        continue
    fi
    if [ ! -e "$runs/$network.float" ]; then
        say "$network: training"
        "$mpq" train "$model" --data "$build/data" --resume -o "$runs/$network.float"
    fi
    [ -e "$runs/$network.spread" ] || spread "$network"
    if [ ! -e "$runs/$network/results.json" ]; then
        say "$network: search"
        search_of "$network"
    fi
    "$mpq" report "$runs/$network" --summary $head >>"$table"
    head=""
    [ ! -e "$runs/$network.spread" ] || notes="$notes$(cat "$runs/$network.spread")
"
done
say "done; pictures and reports are in $runs/NETWORK, this table is $table"
cat "$table"
printf '%s' "$notes"
[ -z "$absent" ] || echo "without their data:$absent"
