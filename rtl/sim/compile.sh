#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles what Verilator wrote. With a PROGRAM for the core, twice: the first build counts which branches it takes in
# that program, the second one is laid out by these counts. Only speed depends on them. Where the first build cannot
# run the program, it says so, and the simulator is one without counts.
# usage: compile.sh FOLDER JOBS [PROGRAM.elf]       makes FOLDER/Vsim_top; what make said is in FOLDER/../make.log
set -eu
folder=$1 jobs=$2 program=${3:-}
log=$(dirname "$folder")/make.log
cycles=3000000
want=4 # rtl/sim/simulation.h: SIM_EXIT_CYCLES

# compile FLAG...: Verilator's own library is compiled once, without them
compile() {
    find "$folder" -name '*.o' ! -name 'verilated*.o' -delete
    rm -f "$folder"/*.a "$folder/Vsim_top"
    MAKEFLAGS='' make --no-print-directory -C "$folder" -f Vsim_top.mk VM_PARALLEL_BUILDS=0 OPT_GLOBAL= \
        "OPT_FAST=$*" "OPT_SLOW=$*" "LDFLAGS=$*" "-j$jobs" >>"$log" 2>&1 || {
        cat "$log" >&2
        return 1
    }
}

: >"$log"
rm -f "$folder"/*.o "$folder"/*.gcda
[ -n "$program" ] || {
    compile
    exit
}
compile -fprofile-generate
code=0
"$folder/Vsim_top" --firmware "$program" --stdio --max-cycles "$cycles" </dev/null >>"$log" 2>&1 || code=$?
if [ "$code" -eq "$want" ] && [ -s "$folder/Vsim_top__ALL.gcda" ]; then
    compile -fprofile-use -Wno-missing-profile
else
    echo "mpq: $program ended with exit code $code while the simulator's branches were counted (want $want): the" \
        "simulator will be right, but slower; log: $log" >&2
    rm -f "$folder"/*.gcda
    compile
fi
rm -f "$folder"/*.gcda
