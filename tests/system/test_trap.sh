#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A trap on the core itself: what the user is told, that the core answers again, and what its LEDs show then.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
data=$BUILD/data
sim=""
# shellcheck disable=SC2086 # several words
trap '[ -z "$sim" ] || kill $sim 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# board FIRMWARE: a simulator on a serial port, $port, which we keep open until it is asked for the LEDs
board() {
    : >"$scratch/pty"
    "$BUILD/mpq-sim" --firmware "$1" --pty --once --stats >"$scratch/pty" 2>"$scratch/stats" &
    sim=$!
    tries=0
    until [ -s "$scratch/pty" ] || [ "$tries" -ge 600 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    port=$(cat "$scratch/pty")
    exec 9<>"$port"
}

# evaluate: one image; leaves $said and $code, what the core says of itself then in $info and $info_code, and the LEDs at
# the end in $leds
evaluate() {
    said=$("$mpq" eval "$scratch/small.quant" --data "$data" --target "$port" --samples 1 --quiet 2>&1)
    code=$?
    info=$("$mpq" info "$port" 2>&1)
    info_code=$?
    exec 9>&-
    wait "$sim"
    sim=""
    leds=$(sed -n 's/^mpq-sim: LEDs: //p' "$scratch/stats")
}

"$mpq" train tests/system/small.json --data "$data" --epochs 1 --limit 500 --quiet -o "$scratch/small.float" >/dev/null
"$mpq" quantize "$scratch/small.float" --bits 8 --data "$data" --limit 500 --quiet -o "$scratch/small.quant" >/dev/null
board "$BUILD/tests/system/trapping.elf"
evaluate
tap_matches a_trap_is_told_with_its_layer_and_cause "$said" \
    "$port: the core trapped in layer 1: illegal instruction (mcause 0x2) at pc 0x[0-9a-f]*, value 0x[0-9a-f]*; it has restarted"
tap_equal a_trap_ends_the_command_with_1 "$code" 1
tap_equal the_core_answers_again "$info_code" 0
tap_matches the_build_of_the_firmware_is_told "$info" '^firmware .*, build 00000001$'
tap_equal the_error_led_stays_on_after_a_trap "$leds" "ready 1, running 0, error 1"

board "$BUILD/firmware/loader.elf"
evaluate
id=$(sha256sum "$BUILD/firmware/loader.elf.no_id.bin" | cut -c1-8)
tap_matches the_build_id_is_a_hash_of_the_program "$info" "^firmware .*, build $id\$"
tap_equal without_a_trap_the_command_ends_with_0 "$code" 0
tap_equal the_ready_led_alone_is_on_after_a_run "$leds" "ready 1, running 0, error 0"
tap_end
