#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes tests/rtl/arch_signatures.tsv: usage: tests/rtl/arch_golden.sh SUITE > FILE, where SUITE is the wheel's
# riscv-test-suite. Runs each test as a Linux program under QEMU (Debian: qemu-user), an implementation of RV32IMC that
# shares nothing with ours. Only for those who change the list of tests; `make test` needs the table alone.
# Left out: tests that need traps (cebreak, and those of misaligned accesses and privilege), as Linux has the handlers.
set -eu
suite=$1
here=$(dirname "$0")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "# Architecture tests of the Ibex wheel (riscv-arch-tests), and the cksum of their signature, a word on a line, by QEMU."
echo "# Made by tests/rtl/arch_golden.sh."
for source in "$suite"/rv32i_m/[ICM]/src/*.S "$suite"/rv32i_m/Zifencei/src/*.S; do
    name=$(basename "$(dirname "$(dirname "$source")")")/$(basename "$source" .S)
    [ "$name" != C/cebreak-01 ] || continue
    riscv64-unknown-elf-gcc -march=rv32imc_zicsr_zifencei -mabi=ilp32 -nostdlib -static -DTEST_CASE_1=True -DARCH_LINUX \
        -I"$here/core" -I"$suite/env" -Wl,-N -Wl,-Ttext-segment=0x100000 -Wl,--no-warn-rwx-segments -e rvtest_entry_point \
        "$source" -o "$scratch/test"
    timeout 20 qemu-riscv32 -cpu rv32 "$scratch/test" >"$scratch/signature" || { echo "$name: QEMU failed" >&2; continue; }
    printf '%s\t%s\n' "$name" "$(od -An -v -tx4 -w4 "$scratch/signature" | tr -d ' ' | sed 's/^/0x/' | cksum)"
done
