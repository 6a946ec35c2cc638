#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Searches and evaluations by several processes under mpirun: the results of one, what each does, what happens when one
# of them dies or cannot begin; the batch script for Slurm.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
data=$BUILD/data
out=$scratch/out err=$scratch/err
child=""
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

cp tests/system/search.json "$scratch/small.json"

# together COMMAND...: three processes; leaves $code, $out, $err
together() {
    mpirun -n 3 --oversubscribe --allow-run-as-root "$@" >"$out" 2>"$err"
    code=$?
}

# alone COMMAND...
alone() {
    "$@" >"$out" 2>"$err"
    code=$?
}

# search HOW FOLDER OPTION...: HOW is alone or together
search() {
    how=$1 folder=$2
    shift 2
    $how "$mpq" dse "$scratch/small.float" --data "$data" --limit 600 --samples 1 --front-samples 3 -o "$folder" "$@"
}

# json FILE EXPRESSION: d is the object
json() {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$1" "$2"
}

# without_times FOLDER: results.json but for the times, which stand last
without_times() {
    sed '/^\t"timing":/,$d' "$1/results.json"
}

# said: what the tool itself said on stderr
said() {
    grep '^mpq' "$err"
}

# tried: the code of the last run and, if it failed, all it said
tried() {
    echo "$code$([ "$code" -eq 0 ] || cat "$err")"
}

# wait_for COMMAND...: until it succeeds, 60 s at most
wait_for() {
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 3000 ] || return 1
        sleep 0.02
    done
}

records() {
    wc -l 2>/dev/null <"$1/journal.jsonl" || echo 0
}

has_records() {
    [ "$(records "$1")" -ge "$2" ]
}

# ranks MPIRUN_PID: "PID RANK" of each of its processes
ranks() {
    for pid in $(pgrep -P "$1"); do
        rank=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^OMPI_COMM_WORLD_RANK=//p')
        [ -z "$rank" ] || echo "$pid $rank"
    done
}

# ---- Results --------------------------------------------------------------------------------------------------------
# same_results NAME OPTION...: of one process and of three
same_results() {
    name=$1
    shift
    search alone "$scratch/$name-one" --quiet --jobs 1 "$@"
    tap_equal "$name: one_process_searches" "$(tried)" 0
    search together "$scratch/$name-many" --quiet --jobs 2 "$@"
    tap_equal "$name: three_processes_search" "$(tried)" 0
    tap_equal "$name: results_are_those_of_one_process" "$(without_times "$scratch/$name-many")" \
        "$(without_times "$scratch/$name-one")"
    tap_equal "$name: quant_files_are_those_of_one_process" "$(cd "$scratch/$name-many" && cksum quant/*)" \
        "$(cd "$scratch/$name-one" && cksum quant/*)"
    tap_equal "$name: all_processes_have_worked" "$(json "$scratch/$name-many/results.json" 'd["timing"]["jobs"]')" 6
}

test_results() {
    alone "$mpq" train "$scratch/small.json" --data "$data" --limit 3000 --quiet -o "$scratch/small.float"
    tap_equal train_a_network "$(tried)" 0
    same_results exhaustive --bits 8,2
    same_results cheapest --search cheapest --max-acc-drop 5
    same_results binary --search binary --max-acc-drop 5
    same_results greedy --search greedy --points 5 --bits 8,2
    same_results qat --search greedy --qat 1 --points 4 --bits 8,2
}

test_output() {
    search together "$scratch/events" --json --bits 8,2
    tap_equal json_is_printed_once "$(json "$out" 'len(d["candidates"])')" 16
    tap_equal progress_of_all_is_told_once "$(grep -c '"event":"start","label":"search"' "$err")" 1
    tap_matches progress_counts_all_candidates "$(grep '"event":"end","label":"search"' "$err")" '"done":16,"total":16'
}

# ---- Interruptions --------------------------------------------------------------------------------------------------
test_death() {
    mpirun -n 3 --oversubscribe --allow-run-as-root "$mpq" dse "$scratch/small.float" --data "$data" --limit 600 \
        --samples 30 --front-samples 30 --bits 8,2 --quiet --jobs 1 -o "$scratch/killed" >"$out" 2>"$err" &
    child=$!
    wait_for has_records "$scratch/killed" 5
    shared=0
    for pid in $(ranks "$child" | cut -d' ' -f1); do
        grep -q 'mpq-data-' "/proc/$pid/maps" && shared=$((shared + 1))
    done
    tap_equal data_are_one_copy_for_a_host "$shared" 3
    kill -KILL "$(ranks "$child" | sed -n 's/ 2$//p')"
    wait "$child"
    code=$?
    child=""
    tap_equal a_process_that_dies_ends_the_job "$([ "$code" -ne 0 ] && [ ! -e "$scratch/killed/results.json" ] && echo ended)" \
        ended
    tap_matches its_death_is_told "$(cat "$err")" "rank 2 .*signal 9"
    finished=$(grep -c '"predicted_cycles"' "$scratch/killed/journal.jsonl")
    search together "$scratch/killed" --samples 30 --front-samples 30 --bits 8,2 --quiet --jobs 1 --resume
    tap_equal resume_goes_on "$(tried)" 0
    tap_equal nothing_that_was_finished_is_done_again "$(json "$scratch/killed/results.json" 'd["timing"]["resumed"]')" \
        "$finished"
    search alone "$scratch/whole" --samples 30 --front-samples 30 --bits 8,2 --quiet
    tap_equal results_are_those_of_an_undisturbed_search "$(without_times "$scratch/killed")" "$(without_times "$scratch/whole")"
}

# The simulator of another process dies
test_lost_core() {
    mpirun -n 2 --oversubscribe --allow-run-as-root "$mpq" dse "$scratch/small.float" --data "$data" --limit 600 \
        --samples 30 --front-samples 30 --bits 8,2 --quiet --jobs 1 -o "$scratch/lost" >"$out" 2>"$err" &
    child=$!
    wait_for has_records "$scratch/lost" 3
    pkill -KILL -P "$(ranks "$child" | sed -n 's/ 1$//p')"
    wait "$child"
    code=$?
    child=""
    tap_matches a_core_that_is_lost_elsewhere_is_named "$code $(said)" "^1 mpq dse: candidate .*: process 1: .*sim"
}

test_failures() {
    search together "$scratch/exhaustive-one"
    tap_equal a_run_is_not_overwritten "$code $(said | grep -c '^mpq dse: .*--resume')" "2 1"
    mpirun --oversubscribe --allow-run-as-root -n 1 "$mpq" dse "$scratch/small.float" --data "$data" --limit 600 -o "$scratch/no" : \
        -n 1 env MPQ_SIM=/none "$mpq" dse "$scratch/small.float" --data "$data" --limit 600 -o "$scratch/no" >"$out" 2>"$err"
    code=$?
    tap_matches a_process_without_a_simulator_is_named "$code $(said)" "^1 mpq dse: host .*: /none: .*make sim"
    cp "$BUILD/firmware/loader.elf" "$scratch/other.elf"
    printf ' ' >>"$scratch/other.elf"
    mpirun --oversubscribe --allow-run-as-root -n 1 "$mpq" dse "$scratch/small.float" --data "$data" --limit 600 -o "$scratch/no" : \
        -n 1 env MPQ_FIRMWARE="$scratch/other.elf" "$mpq" dse "$scratch/small.float" --data "$data" --limit 600 -o "$scratch/no" \
        >"$out" 2>"$err"
    code=$?
    tap_matches another_firmware_is_refused "$code $(said)" "^1 mpq dse: host .*: sim: another core, simulator or firmware"
    MPQ_MPI=/none together "$mpq" eval "$scratch/small.float" --data "$data"
    tap_matches a_tool_without_mpi_says_so "$(said)" "started by mpirun or srun .*/none: .*libopenmpi-dev"
    together "$mpq" dse "$scratch/small.float"
    tap_equal wrong_options_are_told_once "$code $(said | grep -c '^mpq dse: -o RUN')" "2 1"
}

# ---- Evaluation -----------------------------------------------------------------------------------------------------
# same_report NAME ARGUMENT...: of eval, by one process and by three
same_report() {
    name=$1
    shift
    alone "$mpq" eval "$@" --data "$data" --json
    cp "$out" "$scratch/report"
    together "$mpq" eval "$@" --data "$data" --json
    tap_equal "$name: report_is_that_of_one_process" "$code$(cat "$out")" "0$(cat "$scratch/report")"
}

test_eval() {
    quant=$(find "$scratch/exhaustive-one/quant" -name '*.mpq' | sort | head -n 1)
    same_report float_on_the_host "$scratch/small.float"
    same_report integers_on_the_host "$quant"
    same_report core "$quant" --target sim --samples 41
    tap_matches how_long_it_will_take_is_told_before "$(head -n 1 "$err")" '"event":"estimate".*"images":41,"cores":3,"seconds"'
    alone "$mpq" eval "$quant" --data "$data" --target sim --samples 10 --jobs 3
    tap_matches also_by_one_process "$code $(cat "$err")" "10 images on 3 cores: about"
}

# Simulators that die in the middle
test_lost_simulators() {
    quant=$(find "$scratch/exhaustive-one/quant" -name '*.mpq' | sort | head -n 1)
    "$mpq" eval "$quant" --data "$data" --target sim --samples 300 --jobs 2 --json >"$out" 2>"$err" &
    child=$!
    wait_for grep -q '"event":"start"' "$err"
    pkill -KILL -P "$child"
    wait "$child"
    code=$?
    child=""
    tap_equal lost_simulators_are_started_anew \
        "$code $(json "$out" 'd["verified"], d["mismatches"], d["reopened"]')" "0 (300, 0, 2)"
}

# ---- Slurm ----------------------------------------------------------------------------------------------------------
# fake NAME LINE: a program that comes first on the path
fake() {
    mkdir -p "$scratch/bin"
    printf '#!/bin/sh\n%s\n' "$2" >"$scratch/bin/$1"
    chmod +x "$scratch/bin/$1"
}

# batch CODE: runs the script with an mpirun that adds a record, if $grows, and ends so; leaves $code, $out
batch() {
    # shellcheck disable=SC2016 # for the script
    fake mpirun 'printf "%s|" "$@" >>"$scratch/words"; [ -z "$grows" ] || echo record >>"$run/journal.jsonl"; exit "$ends"'
    rm -f "$scratch/queued" "$scratch/words"
    (
        PATH=$scratch/bin:$PATH SLURM_JOB_ID=7 ends=$1
        export PATH SLURM_JOB_ID ends scratch run grows
        sh "$scratch/job.sh" >"$out" 2>"$err"
    )
    code=$?
}

test_slurm() {
    run="$scratch/it's here"
    mkdir -p "$run"
    grows=yes
    alone "$mpq" dse net.float -o "$run" --slurm "$scratch/job.sh" --bits 8,2
    tap_equal slurm_writes_a_script "$(tried)" 0
    tap_matches slurm_may_start_it_again "$(cat "$scratch/job.sh")" "^#SBATCH --requeue$"
    fake scontrol "echo \"\$@\" >'$scratch/queued'"
    batch 137
    tap_equal a_killed_run_is_queued_again "$code $(cat "$scratch/queued")" "0 requeue 7"
    tap_equal the_search_is_what_was_given_and_goes_on "$(cat "$scratch/words")" \
        "$(realpath "$mpq")|dse|net.float|-o|$run|--bits|8,2|--resume|"
    for final in 0 2 3; do
        batch $final
        tap_equal "code_${final}_is_final" "$code $([ ! -e "$scratch/queued" ] && echo final)" "$final final"
    done
    grows=""
    batch 137
    tap_equal a_run_that_finished_nothing_is_not_repeated "$code $([ ! -e "$scratch/queued" ] && echo final)" "137 final"
    alone "$mpq" dse net.float -o "$run" --slurm "$scratch/job.sh" --force
    tap_matches starting_over_each_time_is_refused "$code $(said)" "^2 mpq dse: --slurm: .*--force"
}

if ! command -v mpirun >/dev/null || [ ! -e "$BUILD/mpq-mpi.so" ]; then
    echo "ok 1 - searches_by_several_processes # SKIP no MPI here; install libopenmpi-dev and openmpi-bin"
    # shellcheck disable=SC2034 # tap.sh counts on
    tap_count=1
    test_slurm
    tap_end
fi
tap_matches version_names_mpi "$("$mpq" --version)" "^MPI: Open MPI v"
test_results
test_output
test_death
test_lost_core
test_failures
test_eval
test_lost_simulators
test_slurm
tap_end
