#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mpq flash with a programmer that plays each kind of trouble: what the user is told, and the exit code. mpq boards and
# mpq ports. Whether the firmware fits each board.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1
mpq=$BUILD/mpq
bit=$scratch/mpq.bit
: >"$bit"
mkdir "$scratch/bin"

# programmer DETECT_CODE DETECT_TEXT WRITE_CODE WRITE_TEXT: makes it
programmer() {
    cat >"$scratch/bin/openFPGALoader" <<SCRIPT
#!/bin/sh
case "\$*" in
*--detect*) echo "$2" >&2; exit $1 ;;
*) echo "\$*: $4"; exit $3 ;;
esac
SCRIPT
    chmod +x "$scratch/bin/openFPGALoader"
}

# flash FACT CODE PATTERN ARGUMENT...
flash() {
    fact=$1 want=$2 pattern=$3
    shift 3
    out=$(PATH=$scratch/bin:$PATH "$mpq" flash "$@" 2>&1)
    code=$?
    tap_matches "$fact" "$code: $(printf '%s' "$out" | tr '\n' ' ')" "^$want: .*$pattern"
}

programmer 0 "idcode 0x41113043" 0 "Done"
flash "a_bitstream_goes_into_the_fpga" 0 "-b ulx3s --write-sram .*mpq.bit.*loaded" ulx3s "$bit"
flash "a_permanent_one_goes_into_the_flash" 0 "-b ulx3s --write-flash .*mpq.bit.*loaded" ulx3s "$bit" --permanent
flash "json_says_what_was_loaded" 0 '"board":.*"ulx3s".*"permanent":.*false' ulx3s "$bit" --json -q
made=$BUILD/hw/ulx3s/default/mpq_ulx3s.bit
if [ -e "$made" ]; then
    flash "the_default_file_is_that_of_make_bitstream" 0 "write-sram .*$made.*loaded" ulx3s
else
    flash "the_default_file_is_that_of_make_bitstream" 1 "hw/ulx3s/default/mpq_ulx3s.bit: .*make bitstream" ulx3s -q
fi
flash "a_missing_file_is_named" 1 "none.bit: No such file.*make bitstream" ulx3s "$scratch/none.bit"
flash "an_unknown_board_is_a_usage_error" 2 "icebreaker: no such board; there are ulx3s" icebreaker "$bit"
flash "the_board_must_be_given" 2 "BOARD is missing"
flash "another_device_is_not_written_to" 1 "not a LFE5U-45F" colorlight_i9 "$bit"
programmer 1 "unable to open ftdi device: -3 (device not found)" 0 ""
flash "no_board_is_said_to_be_so" 1 "ulx3s: no board of this kind is connected" ulx3s "$bit"
programmer 1 "unable to open ftdi device: -4 (usb_open() failed)" 0 ""
flash "no_permission_comes_with_the_udev_rule" 1 'no permission.*idVendor}=="0403".*udev' ulx3s "$bit"
programmer 1 "unable to open ftdi device: -5 (unable to claim usb device)" 0 ""
flash "another_users_device_is_said_to_be_so" 1 "another program holds" ulx3s "$bit"
programmer 0 "idcode 0x41113043" 1 "fail"
flash "an_interrupted_transfer_is_said_to_be_so" 1 "the transfer failed (openFPGALoader ended with 1)" ulx3s "$bit"
cat >"$scratch/bin/openFPGALoader" <<'SCRIPT'
#!/bin/sh
trap '' TERM INT
echo "$$" >"$0.pid"
exec sleep 60
SCRIPT
timeout --preserve-status -s INT -k 20 2 env PATH="$scratch/bin:$PATH" "$mpq" flash ulx3s "$bit" >"$scratch/out" 2>&1
tap_matches "ctrl_c_ends_a_programmer_that_does_not_want_to_end" \
    "$? $(tr '\n' ' ' <"$scratch/out") $(kill -0 "$(cat "$scratch/bin/openFPGALoader.pid")" 2>/dev/null || echo gone)" \
    "^130 .*interrupted; the FPGA may be empty now.*gone"
mv "$scratch/bin/openFPGALoader" "$scratch/unused"
out=$(PATH=$scratch/bin "$mpq" flash ulx3s "$bit" 2>&1)
tap_matches "no_programmer_is_said_to_be_so" "$?: $out" "^1: mpq flash: openFPGALoader: cannot be run.*apt install openfpgaloader"

tap_matches "the_boards_are_listed_with_what_was_proved" "$("$mpq" boards | tr '\n' ' ')" \
    "ulx3s .*LFE5U-85F.*37.5 MHz.*proved: builds with timing met.*arty_a7_100 .*Nothing here ran on hardware"
tap_equal "the_boards_are_those_of_the_table" "$("$mpq" boards --json | grep -c '"name"')" \
    "$(grep -vc -e '^#' -e '^name' hw/boards.tsv)"
ram_base=$(awk '$1 == "ram" { print $2 }' rtl/tables/address_map.tsv)
awk -F'\t' '/^#/ { next } $1 == "name" { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { print $1, $at["ram_bytes"], $at["fetch_bytes"] }' hw/boards.tsv >"$scratch/boards"
while read -r board ram fetch; do
    tap_equal "the_firmware_fits_what_${board}_fetches_from" "$(sh hw/ram_image.sh riscv64-unknown-elf- \
        "${MPQ_FIRMWARE:-$BUILD/firmware/loader.elf}" "$ram_base" "$ram" "$fetch" "$scratch/ram.hex" 2>&1)" ""
done <"$scratch/boards"
"$mpq" ports >"$scratch/ports" 2>&1
tap_matches "ports_are_listed_or_a_hint_is_given" "$?: $(tr '\n' ' ' <"$scratch/ports")" "^0: \(.*dialout\|/dev/\)"
tap_matches "ports_come_as_json_too" "$("$mpq" ports --json | head -1)" '^\['
tap_end
