#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A whole search over serial ports, which simulators play: results as on the target sim; two boards at once; a board that
# dies, one that is reset and comes back under the same name, a host that is killed.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
data=$BUILD/data
float=$scratch/small.float
children=""
# shellcheck disable=SC2086 # several words
trap '[ -z "$children" ] || kill $children 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# wait_for WHAT COMMAND...: until the command succeeds, 60 s at most
wait_for() {
    what=$1 tries=0
    shift
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "# waited in vain for $what" && return 1; }
        sleep 0.1
    done
}

has_lines() {
    [ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

# board NAME: a simulator behind the name $scratch/NAME; leaves its process in $board
board() {
    : >"$scratch/$1.pty"
    "$BUILD/mpq-sim" --firmware "$BUILD/firmware/loader.elf" --pty >"$scratch/$1.pty" 2>/dev/null &
    board=$!
    children="$children $board"
    wait_for "a pseudo-terminal" test -s "$scratch/$1.pty"
    ln -sfn "$(cat "$scratch/$1.pty")" "$scratch/$1"
}

# without_times FOLDER: results.json but for the times, which stand last
without_times() {
    sed '/^\t"timing":/,$d' "$scratch/$1/results.json"
}

# search FOLDER OPTION...: 27 candidates on 40 images; leaves $code
search() {
    folder=$1
    shift
    "$mpq" dse "$float" --data "$data" --limit 40 --samples 1 --front-samples 4 --quiet \
        -o "$scratch/$folder" "$@" >/dev/null 2>"$scratch/$folder.err"
    code=$?
    return "$code"
}

# same FACT FOLDER: the search ended well, with the results of the one on the target sim
same() {
    tap_equal "$1" "$code: $(grep -v warning "$scratch/$2.err")$(without_times "$2")" "0: $(without_times sim)"
}

"$mpq" train tests/system/small.json --data "$data" --epochs 1 --limit 4000 --quiet -o "$float" >/dev/null
search sim --jobs 1
tap_equal a_search_on_the_target_sim "$code" 0

board a
search port --target "$scratch/a"
same a_search_over_a_serial_port_gives_the_same_results port

board b
survivor=$board
search two --target "$scratch/a" --target "$scratch/b"
same two_boards_give_the_same_results two

# One dies for good.
board c
search dies --target "$scratch/b" --target "$scratch/c" &
pid=$!
wait_for "the search to begin" has_lines "$scratch/dies/journal.jsonl" 6
kill -KILL "$board"
wait "$pid"
code=$?
same work_of_a_board_that_died_is_done_by_the_other dies
tap_matches a_board_that_died_is_warned_of "$(cat "$scratch/dies.err")" "warning: .*it is taken out"
# journaled FOLDER: the candidates of its journal, by their widths
journaled() {
    sed -n 's/.*"index":[0-9]*,"bits":\(\[[0-9,]*\]\).*/\1/p' "$scratch/$1/journal.jsonl" | sort
}
tap_equal no_candidate_is_journaled_twice "$(journaled dies)" "$(journaled sim)" # but for those of the front
tap_equal all_27_candidates_are_journaled "$(journaled dies | uniq | wc -l)" 27

# One is reset in the middle: its memory is lost, its name stays.
board d
search reset --target "$scratch/d" &
pid=$!
wait_for "the search to begin" has_lines "$scratch/reset/journal.jsonl" 6
kill -KILL "$board"
board d
wait "$pid"
code=$?
same a_board_that_comes_back_goes_on reset

# The host is killed at the fast rate; the next one finds the board at the start-up rate or waits for it.
"$mpq" dse "$float" --data "$data" --limit 40 --samples 1 --front-samples 4 --quiet --target "$scratch/b" \
    -o "$scratch/killed" >/dev/null 2>&1 &
pid=$!
wait_for "the search to begin" has_lines "$scratch/killed/journal.jsonl" 6
kill -KILL "$pid"
wait "$pid" 2>/dev/null
search killed --target "$scratch/b" --resume
same a_host_that_was_killed_is_followed_by_another killed

kill -KILL "$survivor"
search gone --target "$scratch/b"
tap_matches a_missing_board_is_an_error "$code: $(cat "$scratch/gone.err")" "^1: mpq dse: .*no such port"
tap_end
