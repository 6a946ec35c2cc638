#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tracer names the neural instructions, on all their opcodes, and the unit's CSRs.
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"

sim=$(realpath "$(simulator rvfi)")
elf=$(realpath "$core_folder/traced.elf")
(cd "$scratch" && "$sim" --firmware "$elf" >"$scratch/out" 2>&1)
tap_equal "the_traced_program_ends" $? 0
trace=$(cat "$scratch/trace_core_00000000.log")

# named WORD TEXT
named() {
    tap_matches "the_tracer_prints_$1_as_$2" "$trace" "	$1	$(echo "$2" | tr ' ' '\t')	"
}
named 00c5900b 'neur_init x11,x12'
named 10e6a00b 'nn_mac_8b x13,x14'
named 08e6a00b 'nn_mac_4b x13,x14'
named 04e6a00b 'nn_mac_2b x13,x14'
named 00c5c78b 'neur_res x15,x11,x12'
named 00c59047 'neur_init x11,x12'
named 10e6a047 'nn_mac_8b x13,x14'
named 08e6a047 'nn_mac_4b x13,x14'
named 04e6a047 'nn_mac_2b x13,x14'
named 00c5c7c7 'neur_res x15,x11,x12'
named 7c8022f3 'csrrs x5,nn_acc0,x0'
named 7c9022f3 'csrrs x5,nn_acc1,x0'
named 7ca022f3 'csrrs x5,nn_acc2,x0'
named 7cb022f3 'csrrs x5,nn_acc3,x0'
named 7cc29073 'csrrw x0,nn_state,x5'
named 7cd022f3 'csrrs x5,nn_started,x0'
named 7ce022f3 'csrrs x5,nn_multipliers,x0'
named 7cf29073 'csrrw x0,nn_shifts,x5'
named 7e5022f3 'csrrs x5,0x7e5,x0'
named 00052cab 'nn_lda_mac 89,0(x10)'
named ffc55d2b 'nn_ldw 186,-4(x10)'
named 0045602b 'nn_lda 192,4(x10)'
named 00057cab 'nn_ldw_mac 249,0(x10)'
named fe750e5b 'nn_res_st 7,-4(x10)'
tap_end
