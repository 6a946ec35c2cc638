#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mpq-sim as a program: its command line, exit codes, hang reports, waveforms, and what it says to files that are no
# programs. The program on the core obeys single bytes on standard input (tests/rtl/core/commands.c).
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"
sim=$BUILD/mpq-sim
elf=$core_folder/commands.elf

# obey BYTES [OPTION]...: runs the program with BYTES on the serial line; sets code, output and words (standard error)
obey() {
    bytes=$1
    shift
    printf '%s' "$bytes" | timeout 60 "$sim" --firmware "$elf" --stdio "$@" >"$scratch/out" 2>"$scratch/err"
    code=$?
    output=$(cat "$scratch/out")
    words=$(cat "$scratch/err")
}

# sim_fails FACT CODE PATTERN [ARGUMENT]...: no output, PATTERN in the message
sim_fails() {
    fact=$1 want=$2 pattern=$3
    shift 3
    timeout 60 "$sim" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    tap_matches "$fact" "code $? $(wc -c <"$scratch/out") $(cat "$scratch/err")" "^code $want 0 mpq-sim: .*$pattern"
}

# ---- Command line ----
help=$("$sim" --help)
tap_equal "help_ends_with_0" $? 0
for option in $(printf '%s\n' "$help" | grep -o '^  --[a-z-]*'); do
    tap_matches "help_explains_$option" "$help" "^  $option .*[a-z]"
done
sim_fails "no_firmware_is_a_usage_error" 2 'firmware is missing'
sim_fails "an_unknown_option_is_a_usage_error" 2 "'--fast' is not an option" --fast
sim_fails "a_missing_value_is_a_usage_error" 2 'firmware: its value is missing' --firmware
sim_fails "a_bad_line_is_a_usage_error" 2 "got 'word', want byte or bit" --firmware "$elf" --line word
sim_fails "a_bad_number_is_a_usage_error" 2 "max-cycles: got '12x'" --firmware "$elf" --max-cycles 12x
sim_fails "a_number_out_of_range_is_a_usage_error" 2 "baud: got '1'" --firmware "$elf" --baud 1
sim_fails "two_links_are_a_usage_error" 2 'exclude one another' --firmware "$elf" --pty --stdio
sim_fails "once_without_pty_is_a_usage_error" 2 'goes with --pty' --firmware "$elf" --once
sim_fails "a_closed_descriptor_is_an_error" 1 '--fd 77' --firmware "$elf" --fd 77
sim_fails "a_baud_rate_above_a_quarter_of_the_clock_is_an_error" 1 'baud: got 25000000, want at most 6250000' \
    --firmware "$elf" --line bit --baud 25000000

# ---- Exit codes ----
obey x
tap_equal "the_exit_code_is_the_programs" "$code $words" "42 "
obey X
tap_equal "the_exit_code_is_taken_modulo_256" $code 7
obey c
tap_equal "the_end_of_input_ends_a_sleeping_core_with_0" "$code ${#output} $words" "0 8 "
obey e
tap_equal "no_byte_no_answer" "$code $output" "0 "
obey eabc
tap_equal "bytes_that_wait_at_the_start_arrive_once" "$output" abc
obey n --max-cycles 20000
tap_equal "max_cycles_ends_with_4" $code 4
tap_matches "max_cycles_are_kept" "$words" 'stopped at pc 0x001[0-9a-f]* after 20000 cycles'
obey x --stats
tap_matches "stats_tell_cycles_and_speed" "$words" '^mpq-sim: [0-9]* cycles, [0-9.]* s, [0-9.]* MHz$'

# ---- Hangs ----
symbol() {
    riscv64-unknown-elf-nm "$elf" | awk -v name="$1" '$3 == name { print $1 }'
}
obey l
tap_equal "a_self_loop_is_a_hang" $code 3
tap_matches "a_self_loop_is_reported_with_its_pc" "$words" "hung at pc 0x$(symbol self_loop_place) .*self-loop"
obey n --hang-cycles 100000
tap_equal "a_core_without_progress_is_a_hang" $code 3
tap_matches "no_progress_is_reported_with_a_pc" "$words" 'hung at pc 0x[0-9a-f]* after 1[0-9]* cycles (neither'
pc=$(printf '%s' "$words" | sed 's/.*pc 0x\([0-9a-f]*\).*/\1/')
tap_result "$([ $((0x$pc)) -ge $((0x$(symbol endless_loop_start))) ] && [ $((0x$pc)) -lt $((0x$(symbol endless_loop_end))) ]
    echo $?)" "the_pc_lies_in_the_loop"
obey f
tap_equal "a_double_fault_is_a_hang" $code 3
tap_matches "a_double_fault_is_reported" "$words" 'hung at pc 0x001[0-9a-f]* .*double fault'
sim_fails "a_core_that_nothing_can_wake_is_a_hang" 3 'asleep, and nothing can wake it' --firmware "$elf"
obey s
tap_equal "a_deaf_sleeper_ends_with_its_peer" $code 0

# ---- Serial line ----
obey c
byte_cycles=$output
obey c --line bit
tap_equal "a_piece_of_work_takes_the_same_cycles_with_either_line" "$output" "$byte_cycles"
obey eThe_quick_brown_fox --line bit
tap_equal "the_bit_line_passes_bytes_both_ways" "$output" The_quick_brown_fox
obey b
tap_equal "all_output_arrives_before_the_end" "$code $(wc -c <"$scratch/out")" "0 100000"
printf b | timeout 60 "$sim" --firmware "$elf" --stdio --stats 2>"$scratch/err" | head -c 10 >"$scratch/out"
tap_matches "a_reader_that_leaves_ends_it" "$(wc -c <"$scratch/out") $(cat "$scratch/err")" '^10 .*MHz'
printf b | timeout 60 "$sim" --firmware "$elf" --stdio --stats 2>"$scratch/err" >&-
tap_matches "a_closed_output_ends_it" "$? $(cat "$scratch/err")" '^0 .*MHz'

# ---- Waveforms ----
obey c --trace "$scratch/wave.fst"
tap_equal "a_traced_run_computes_the_same" "$code $output" "0 $byte_cycles"
magic=$(od -A n -t x1 -N 9 "$scratch/wave.fst" | tr -d ' ')
tap_equal "trace_writes_an_fst_header" "$magic" 000000000000000149
tap_result "$([ "$(wc -c <"$scratch/wave.fst")" -gt 10000 ]; echo $?)" "trace_writes_more_than_a_header"
sim_fails "a_trace_that_cannot_be_written_is_an_error" 1 'cannot be written' \
    --firmware "$elf" --trace "$scratch/no_such_folder/wave.fst"

# ---- Files that are no programs ----
bad=$scratch/bad.elf

# patched OFFSET BYTES: a copy of the program with other bytes, in printf's %b escapes. The file header holds class 4,
# type 16, machine 18, program headers' offset 28 and number 44; the second program header, at 84, is the loaded segment:
# address 96, size in the file 100, size in memory 104.
patched() {
    cp "$elf" "$bad"
    printf '%b' "$2" | dd of="$bad" bs=1 seek="$1" conv=notrunc 2>/dev/null
}
fails_to_load() {
    sim_fails "$1" 1 "$2" --firmware "$bad"
}
sim_fails "a_missing_file_is_refused" 1 'nowhere.elf: No such file' --firmware "$scratch/nowhere.elf"
sim_fails "a_folder_is_refused" 1 'Is a directory' --firmware "$scratch"
: >"$bad"
fails_to_load "an_empty_file_is_refused" 'not an ELF file'
head -c 51 "$elf" >"$bad"
fails_to_load "a_file_shorter_than_a_header_is_refused" 'not an ELF file: only 51 bytes'
head -c 60 "$elf" >"$bad"
fails_to_load "a_file_without_its_program_headers_is_refused" 'program headers lie outside the file'
head -c 4200 "$elf" >"$bad"
fails_to_load "a_truncated_segment_is_refused" 'segment 1 lies outside the file'
patched 0 'XELF'
fails_to_load "a_wrong_magic_is_refused" 'not an ELF file'
patched 4 '\0002'
fails_to_load "a_64_bit_file_is_refused" 'want 32-bit little-endian RISC-V'
patched 18 '\0003'
fails_to_load "another_machine_is_refused" 'want 32-bit little-endian RISC-V'
patched 16 '\0001'
fails_to_load "an_object_file_is_refused" 'not a linked executable'
patched 28 '\0377\0377\0377\0377'
fails_to_load "program_headers_far_outside_are_refused" 'program headers lie outside the file'
patched 44 '\0377\0377'
fails_to_load "too_many_program_headers_are_refused" 'program headers lie outside the file'
patched 44 '\0000\0000'
fails_to_load "a_file_with_nothing_to_load_is_refused" 'nothing to load'
patched 96 '\0000\0000\0000\0020'
fails_to_load "a_segment_below_the_ram_is_refused" 'lies outside the RAM'
patched 96 '\0374\0377\0037\0000'
fails_to_load "a_segment_across_the_end_of_the_ram_is_refused" 'lies outside the RAM'
patched 104 '\0377\0377\0377\0377'
fails_to_load "a_segment_larger_than_the_address_space_is_refused" 'lies outside the RAM'
patched 100 '\0377\0377\0377\0177'
fails_to_load "a_segment_larger_than_its_file_is_refused" 'lies outside the file'
patched 104 '\0001\0000\0000\0000'
fails_to_load "a_segment_larger_in_the_file_than_in_memory_is_refused" 'larger in the file than in memory'
tap_end
