#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes of a program what $readmemh reads into the RAM: one word a line. Refuses a program that does not fit the part of the
# RAM that instructions come from, or leaves no room for a model.
# usage: hw/ram_image.sh TOOL_PREFIX PROGRAM.elf RAM_BASE RAM_BYTES FETCH_BYTES OUT.hex
set -eu
prefix=$1 elf=$2 ram_base=$3 ram_bytes=$4 fetch_bytes=$5 hex=$6
room=20480 # loader and stack take 5.5 KiB of it
trap 'rm -f "$hex.bin"' EXIT

model_area=$("${prefix}nm" "$elf" | awk '$3 == "model_area" { print $1 }')
left=$((ram_base + ram_bytes - 0x$model_area))
if [ "$left" -lt $room ]; then
    echo "$elf: leaves $left of $ram_bytes bytes of RAM for a model, want $room or more" >&2
    exit 1
fi
"${prefix}objcopy" -O binary "$elf" "$hex.bin"
size=$(($(wc -c < "$hex.bin")))
if [ $size -gt "$fetch_bytes" ]; then
    echo "$elf: code and constants take $size bytes, want $fetch_bytes or less (fetch_bytes in hw/boards.tsv)" >&2
    exit 1
fi
od -An -v -t x4 -w4 --endian=little "$hex.bin" | tr -d ' ' > "$hex"
