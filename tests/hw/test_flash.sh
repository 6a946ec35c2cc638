#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hw/flash.sh with a programmer that plays each kind of trouble: what the user is told, and the exit code.
# shellcheck disable=SC1091,SC2154
# (tap.sh sets source_folder and scratch)
. "$(dirname "$0")/../rtl/tap.sh"
cd "$source_folder" || exit 1

# programmer DETECT_CODE DETECT_TEXT WRITE_CODE WRITE_TEXT: makes it
programmer() {
    cat >"$scratch/loader" <<SCRIPT
#!/bin/sh
case "\$*" in
*--detect*) echo "$2"; exit $1 ;;
*) echo "\$*: $4"; exit $3 ;;
esac
SCRIPT
    chmod +x "$scratch/loader"
}

# flash FACT CODE PATTERN [PERMANENT]
flash() {
    out=$(sh hw/flash.sh "$scratch/loader" ulx3s LFE5U-85F-6BG381C ulx3s mpq.bit "${4:-0}" 2>&1)
    code=$?
    tap_matches "$1" "$code: $(printf '%s' "$out" | tr '\n' ' ')" "^$2: .*$3"
}

programmer 0 "idcode 0x41113043" 0 "Done"
flash "a_bitstream_goes_into_the_fpga" 0 "-b ulx3s --write-sram mpq.bit.*loaded"
flash "a_permanent_one_goes_into_the_flash" 0 "-b ulx3s --write-flash mpq.bit.*loaded" 1
programmer 1 "unable to open ftdi device: -3 (device not found)" 0 ""
flash "no_board_is_said_to_be_so" 1 "no board of this kind is connected"
programmer 1 "unable to open ftdi device: -4 (usb_open() failed)" 0 ""
flash "no_permission_comes_with_the_udev_rule" 1 "no permission.*udev.*uaccess"
programmer 0 "idcode 0x41111043" 0 "Done"
flash "another_device_is_not_written_to" 1 "not a LFE5U-85F"
programmer 0 "idcode 0x41113043" 1 "fail"
flash "an_interrupted_transfer_is_said_to_be_so" 1 "transfer failed"
tap_end
