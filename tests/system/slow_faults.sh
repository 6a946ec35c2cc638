#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 200 sessions over bad cables (fault_proxy.c) with four boards, which simulators play: each ends with the right result or
# with an error that names the port, in time. The sessions with a board follow one another, those with different boards
# run side by side: they mostly wait. Seeds are fixed; where a fault falls in the conversation depends on the machine's
# timing too.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
data=$BUILD/data
sessions=${SESSIONS:-200}
boards=${BOARDS:-4}
limit_s=180
children=""
# shellcheck disable=SC2086 # several words
trap '[ -z "$children" ] || kill $children 2>/dev/null; wait; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# wait_for_name FILE: until a terminal's name is in it, 60 s at most
wait_for_name() {
    tries=0
    until [ -s "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.1
    done
}

# evaluate PORT: one session; what it printed, but for the port's name, is left in $printed, its exit code in $code
evaluate() {
    timeout -k 5 "$limit_s" "$mpq" eval "$scratch/small.quant" --data "$data" --target "$1" --samples 1 --quiet --json \
        >"$own/out" 2>"$own/err"
    code=$?
    printed=$(grep -v '"target"' "$own/out")
}

# session NUMBER KIND ONE_IN: prints what it came to: right, error, or wrong, and why
session() {
    : >"$own/name"
    "$BUILD/tests/system/fault_proxy" "$board" "$1" "$2" "$3" >"$own/name" &
    proxy=$!
    wait_for_name "$own/name"
    port=$(cat "$own/name")
    evaluate "$port"
    kill "$proxy" 2>/dev/null
    wait "$proxy" 2>/dev/null
    proxy=""
    what="session $1 ($2, one in $3)"
    if [ "$code" -eq 0 ] && [ "$printed" = "$(cat "$scratch/want")" ]; then
        echo "right $what"
    elif [ "$code" -eq 1 ] && grep -q "^mpq eval: .*$port" "$own/err"; then
        echo "error $what: $(cat "$own/err")"
    else
        echo "wrong $what: exit code $code: $(cat "$own/err" "$own/out")"
    fi
}

# play NUMBER: the session with this number, from 0
play() {
    case $(($1 % 5)) in
    0) session $(($1 + 1)) noise $((200 + $1 % 9 * 100)) ;;
    1) session $(($1 + 1)) delay $((2 + $1 % 7)) ;;
    2) session $(($1 + 1)) stall $((100 + $1 * 37 % 20000)) ;;
    3) session $(($1 + 1)) cut $((100 + $1 * 53 % 20000)) ;;
    4) session $(($1 + 1)) garbage $((50 + $1 % 500)) ;;
    esac
}

# play_board NUMBER: all sessions of a board, then one without faults
play_board() {
    own=$scratch/$1
    sim="" proxy=""
    # shellcheck disable=SC2086 # nothing, or one word each
    trap 'kill $sim $proxy 2>/dev/null' EXIT
    trap 'exit 1' INT TERM
    mkdir "$own"
    "$BUILD/mpq-sim" --firmware "$BUILD/firmware/loader.elf" --pty >"$own/board" 2>/dev/null &
    sim=$!
    wait_for_name "$own/board"
    board=$(cat "$own/board")
    number=$1
    while [ "$number" -lt "$sessions" ]; do
        play "$number" >>"$own/results"
        number=$((number + boards))
    done
    session 1 delay 1000000 >"$own/last"
}

# count PATTERN: sessions that came to it
count() {
    cat "$scratch"/[0-9]*/results | grep -c "^$1 "
}

"$mpq" train tests/system/small.json --data "$data" --epochs 1 --limit 500 --quiet -o "$scratch/small.float" >/dev/null
"$mpq" quantize "$scratch/small.float" --bits 8 --data "$data" --limit 500 --quiet -o "$scratch/small.quant" >/dev/null
own=$scratch
evaluate sim
echo "$printed" >"$scratch/want"
tap_matches a_session_without_faults_is_right "$printed" '"mismatches":.*0'
number=0
while [ "$number" -lt "$boards" ]; do
    (play_board "$number") &
    children="$children $!"
    number=$((number + 1))
done
# shellcheck disable=SC2086 # several words
wait $children
children=""
right=$(count right)
grep -hv -e "^right" -e "(cut, .*: mpq eval" "$scratch"/[0-9]*/results | sed 's/^/# /'
echo "# $sessions sessions: $right right, $(count error) ended with an error that names the port"
tap_equal every_session_ends_right_or_with_a_clear_error_in_time "$((right + $(count error)))" "$sessions"
tap_equal delays_stalls_and_garbage_are_survived "$(count "error session [0-9]* ([dsg].*")" 0
tap_equal noise_is_survived_mostly "$([ $((50 * $(count "right session [0-9]* (noise.*"))) -ge $((9 * sessions)) ] && echo yes)" yes
tap_equal the_boards_are_as_good_as_before "$(cat "$scratch"/[0-9]*/last | grep -c "^right")" "$boards"
tap_end
