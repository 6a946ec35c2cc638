#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Loads a bitstream: usage: hw/flash.sh OPENFPGALOADER BOARD DEVICE PROGRAMMER_NAME FILE.bit PERMANENT
# PERMANENT 0: into the FPGA, until power goes; 1: into the flash, for every power-up. Looks first which device answers.
set -eu
loader=$1 board=$2 device=$3 programmer=$4 bit=$5 permanent=$6
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# JTAG identification without its version digit
case $device in
LFE5U-12F* | LFE5U-25F*) idcode=1111043 ;;
LFE5U-45F*) idcode=1112043 ;;
LFE5U-85F*) idcode=1113043 ;;
xc7a35t*) idcode=362d093 ;;
xc7a100t*) idcode=3631093 ;;
*) echo "flash.sh: no identification is known for $device" >&2 && exit 2 ;;
esac

# what went wrong, in the user's words; the programmer's own text comes first
explain() {
    cat "$log" >&2
    if grep -qiE 'permission|access|-4 \(|insufficient' "$log"; then
        echo "mpq: $board: no permission for the USB device, or another program holds it. For the permission, put this line into" >&2
        echo "mpq: /etc/udev/rules.d/60-mpq.rules, run 'udevadm control --reload', and plug the board in again:" >&2
        echo "mpq:   SUBSYSTEM==\"usb\", ATTRS{idVendor}==\"0403|0d28\", MODE=\"0660\", TAG+=\"uaccess\"" >&2
    elif grep -qiE 'not found|no device|unable to open|JTAG init failed' "$log"; then
        echo "mpq: $board: no board of this kind is connected (is the cable one that carries data?)" >&2
    else
        echo "mpq: $board: the transfer failed; check the cable and try again" >&2
    fi
    exit 1
}

"$loader" -b "$programmer" --detect >"$log" 2>&1 || explain
if ! grep -qi "$idcode" "$log"; then
    cat "$log" >&2
    echo "mpq: $board: the device that answers is not a $device, for which this bitstream is" >&2
    exit 1
fi
if [ "$permanent" = 1 ]; then how=--write-flash; else how=--write-sram; fi
"$loader" -b "$programmer" $how "$bit" >"$log" 2>&1 || explain
cat "$log"
echo "mpq: $board: loaded"
