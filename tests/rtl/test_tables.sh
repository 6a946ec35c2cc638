#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The views of rtl/tables: a malformed row stops the build and names file, line and column; a good table gives the
# same constants in each language.
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"

make_view() {
    (cd "$scratch" &&
        awk -v view="$1" -f table.awk -f gen.awk address_map.tsv registers.tsv instructions.tsv stream_instructions.tsv \
            core_configs.tsv) 2>&1
}

# What row NUMBER of a table is called in messages: FILE:LINE
place() {
    awk -v row="$2" '/^#/ || /^$/ { next } header && ++n == row { print FILENAME ":" FNR } { header = 1 }' "$1.tsv"
}

# refused FACT VIEW TABLE ROW FIELD VALUE PATTERN: with FIELD of ROW changed to VALUE, gen.awk fails and says PATTERN
refused() {
    cp "$source_folder"/rtl/tables/*.tsv "$source_folder"/rtl/tables/*.awk "$scratch"
    awk -F '\t' -v OFS='\t' -v row="$4" -v field="$5" -v value="$6" \
        '/^#/ || /^$/ { print; next } header && ++n == row { $field = value } { header = 1; print }' \
        "$source_folder/rtl/tables/$3.tsv" >"$scratch/$3.tsv"
    at=$(cd "$scratch" && place "$3" "$4")
    message=$(make_view "$2")
    tap_matches "$1" "exit code $? $(printf '%s' "$message" | tail -n 1)" "^exit code 1 $at: $7"
}

refused "a_bad_name_is_refused" address_map.h address_map 1 1 RAM "column name: got 'RAM'"
refused "a_block_cannot_stand_twice" address_map.h address_map 2 1 ram "column name: 'ram' stands twice"
refused "a_base_needs_eight_digits" memory.ld address_map 1 2 0x1000 'column base: want eight hexadecimal digits'
refused "a_base_is_hexadecimal" memory.ld address_map 3 2 80001000 "column base: got '80001000'"
refused "a_size_is_hexadecimal" address_map_pkg.sv address_map 1 3 1M "column size: got '1M'"
refused "a_register_needs_a_block" address_map.h registers 2 1 usart "column block: 'usart' is not in address_map.tsv"
refused "an_offset_is_a_multiple_of_4" address_map.h registers 2 3 0x06 'column offset: not a multiple of 4'
refused "an_offset_has_two_digits" address_map.h registers 2 3 0x104 "column offset: got '0x104'"
refused "an_access_is_one_of_five" address_map.h registers 5 4 r "column access: got 'r'"
refused "an_opcode_has_7_bits" nn_insn.h instructions 1 2 0x8b "column opcode: got '0x8b'"
refused "instructions_share_one_opcode" nn_pkg.sv instructions 2 2 0x2b 'column opcode: all instructions share'
refused "funct3_has_3_bits" nn_pkg.sv instructions 3 4 8 "column funct3: got '8'"
refused "funct7_has_7_bits" nn_insn.h instructions 5 5 0x80 "column funct7: got '0x80'"
refused "writes_rd_is_0_or_1" nn_insn.h instructions 5 6 yes "column writes_rd: got 'yes'"
refused "a_stream_instruction_needs_a_name" nn_insn.h stream_instructions 1 1 NN_LDA "column name: got 'NN_LDA'"
refused "a_stream_opcode_has_7_bits" nn_insn.h stream_instructions 1 2 0xab "column opcode: got '0xab'"
refused "a_stream_opcode_is_not_one_of_version_1" nn_pkg.sv stream_instructions 5 2 0x0b 'column opcode: a format has one'
refused "a_stream_opcode_is_not_the_alias" nn_pkg.sv stream_instructions 5 2 0x47 'column opcode: a format has one'
refused "loads_share_one_opcode" nn_pkg.sv stream_instructions 2 2 0x5b 'column opcode: a format has one'
refused "a_format_is_i_or_s" nn_insn.h stream_instructions 3 3 r "column format: got 'r'"
refused "operation_bits_are_0_1_or_letters" nn_pkg.sv stream_instructions 4 4 11?bbbss "column bits: got '11?bbbss'"
refused "there_are_eight_operation_bits" nn_pkg.sv stream_instructions 3 4 1100000 'column bits: want eight of'
refused "a_stream_option_is_0_or_1" core_configs.mk core_configs 6 8 yes "column stream: got 'yes'"
refused "a_multiplier_has_a_known_name" core_configs.mk core_configs 1 2 Fast "column mult: got 'Fast'"
refused "an_option_is_0_or_1" core_configs.h core_configs 4 5 2 "column nn: got '2'"
refused "a_configuration_needs_a_name" core_configs.h core_configs 2 1 '' "column name: got ''"
refused "a_row_too_long_is_refused" core_configs.mk core_configs 3 10 more 'column what: want 9 columns, got 10'

cp "$source_folder"/rtl/tables/*.tsv "$scratch"
sed 's/^uart	data	0x00	pop	.*/uart	data	0x00/' "$source_folder/rtl/tables/registers.tsv" >"$scratch/registers.tsv"
message=$(make_view address_map.h)
tap_matches "a_row_too_short_is_refused_by_its_missing_column" "exit code $? $message" \
    'exit code 1 registers.tsv:[0-9]*: column access: want 5 columns, got 3'
cp "$source_folder"/rtl/tables/*.tsv "$scratch"
message=$(make_view nn_insn.py)
tap_matches "an_unknown_view_is_refused" "exit code $? $message" "exit code 1 gen.awk: no view 'nn_insn.py'"

# ---- Good tables ----
c_value() {
    printf '#include "address_map.h"\n#include "nn_insn.h"\nNUMBER %s\n' "$1" |
        gcc -E -P -I "$BUILD/gen" - | sed -n 's/^NUMBER //p' | tr -d '()u '
}
sv_value() {
    sed -n "s/.* $1 = [0-9]*'[hd]\([0-9a-f]*\);/\1/p" "$BUILD"/gen/*_pkg.sv
}
tap_equal "ram_base_is_the_same_in_c_and_systemverilog" "$(c_value RAM_BASE)" "0x$(sv_value RamBase)"
tap_equal "ram_base_is_the_same_in_c_and_linker" "$(c_value RAM_BASE)" \
    "$(sed -n 's/.*ORIGIN = \(0x[0-9a-f]*\).*/\1/p' "$BUILD/gen/memory.ld")"
tap_equal "ram_size_is_the_same_in_c_and_linker" "$(c_value RAM_SIZE)" \
    "$(sed -n 's/.*LENGTH = \(0x[0-9a-f]*\).*/\1/p' "$BUILD/gen/memory.ld")"
tap_equal "uart_divisor_is_the_same_in_c_and_systemverilog" "$(c_value UART_DIVISOR)" \
    "0x$(sv_value UartBase)+0x$(sv_value UartDivisor)"
tap_equal "the_opcode_is_the_same_in_c_and_systemverilog" "$(c_value NN_OPCODE)" "0x$(sv_value OpcodeNn)"
tap_equal "the_alias_is_the_same_in_c_and_systemverilog" "$(c_value NN_OPCODE_ALIAS)" "0x$(sv_value OpcodeNnAlias)"
tap_equal "the_loads_opcode_is_the_same_in_c_and_systemverilog" "$(c_value NN_OPCODE_LOAD)" "0x$(sv_value OpcodeNnLoad)"
tap_equal "the_stores_opcode_is_the_same_in_c_and_systemverilog" "$(c_value NN_OPCODE_STORE)" "0x$(sv_value OpcodeNnStore)"
tap_end
