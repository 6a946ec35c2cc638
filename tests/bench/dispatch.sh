#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How fast one process hands out a search's candidates to 1,000 workers in four others (make bench-dispatch): work that
# takes a given time without a core, records as long as those of LeNet-5 (5 layers) and of mcunet_vww (46).
# usage: dispatch.sh BUILD
set -eu
build=${1:-build}
command -v mpirun >/dev/null || { echo "mpirun is not here; install libopenmpi-dev and openmpi-bin" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
MPQ_MPI=$build/mpq-mpi.so
export MPQ_MPI
for layers in 5 46; do
    for row in "20000 0" "20000 100000" "10000 200000" "10000 500000" "5000 1000000"; do
        mpirun -n 5 --oversubscribe --allow-run-as-root "$build/tests/bench/bench_dispatch" "$scratch" "$layers" \
            "${row% *}" 250 "${row#* }"
    done
done
