#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 200 sessions over bad cables (fault_proxy.c) with one and the same board, which a simulator plays: each ends with the
# right result or with an error that names the port, in time. Seeds are fixed; where a fault falls in the conversation
# depends on the machine's timing too.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
data=$BUILD/data
sessions=${SESSIONS:-200}
limit_s=180
children=""
# shellcheck disable=SC2086 # several words
trap '[ -z "$children" ] || kill $children 2>/dev/null; rm -rf "$scratch"' EXIT
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

# numbers: what the last session printed, but for the port's name
numbers() {
    grep -v '"target"' "$scratch/out"
}

# session NUMBER KIND ONE_IN: leaves what it came to in $result: right, error, or something else
session() {
    : >"$scratch/name"
    "$BUILD/tests/system/fault_proxy" "$board" "$1" "$2" "$3" >"$scratch/name" &
    proxy=$!
    wait_for_name "$scratch/name"
    port=$(cat "$scratch/name")
    timeout -k 5 "$limit_s" "$mpq" eval "$scratch/small.quant" --data "$data" --target "$port" --samples 1 --quiet --json \
        >"$scratch/out" 2>"$scratch/err"
    code=$?
    kill "$proxy" 2>/dev/null
    wait "$proxy" 2>/dev/null
    if [ "$code" -eq 0 ] && [ "$(numbers)" = "$want" ]; then
        result=right
    elif [ "$code" -eq 1 ] && grep -q "^mpq eval: .*$port" "$scratch/err"; then
        result=error
    else
        result="session $1 ($2, one in $3): exit code $code: $(cat "$scratch/err" "$scratch/out")"
    fi
}

# play KIND ONE_IN: the next session
play() {
    number=$((number + 1))
    session "$number" "$1" "$2"
    case $result in
    right) right=$((right + 1)) ;;
    error) errors=$((errors + 1)) ;;
    *) wrong=$((wrong + 1)) && echo "# $result" ;;
    esac
    [ "$1" = cut ] || [ "$result" = right ] || echo "# session $number ($1, one in $2): $(cat "$scratch/err")"
}

"$mpq" train tests/system/small.json --data "$data" --epochs 1 --limit 500 --quiet -o "$scratch/small.float" >/dev/null
"$mpq" quantize "$scratch/small.float" --bits 8 --data "$data" --limit 500 --quiet -o "$scratch/small.quant" >/dev/null
: >"$scratch/board"
"$BUILD/mpq-sim" --firmware "$BUILD/firmware/loader.elf" --pty >"$scratch/board" 2>/dev/null &
children=$!
wait_for_name "$scratch/board"
board=$(cat "$scratch/board")

"$mpq" eval "$scratch/small.quant" --data "$data" --target "$board" --samples 1 --quiet --json >"$scratch/out"
want=$(numbers)
tap_matches a_session_without_faults_is_right "$want" '"mismatches":.*0'
number=0 right=0 errors=0 wrong=0
while [ "$number" -lt "$sessions" ]; do
    play noise $((200 + number % 9 * 100))
    play delay $((2 + number % 7))
    play stall $((100 + number * 37 % 20000))
    play cut $((100 + number * 53 % 20000))
    play garbage $((50 + number % 500))
done
echo "# $number sessions: $right right, $errors ended with an error that names the port"
tap_equal every_session_ends_right_or_with_a_clear_error_in_time "$wrong" 0
tap_equal a_line_that_is_not_cut_is_survived_mostly "$([ $((10 * right)) -ge $((7 * number)) ] && echo yes)" yes
result=""
session 1 delay 1000000
tap_equal the_board_is_as_good_as_before "$result" right
tap_end
