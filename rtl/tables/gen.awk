# SPDX-License-Identifier: Apache-2.0
# Makes one view of the tables in this folder:
#   awk -v view=VIEW -f table.awk -f gen.awk address_map.tsv registers.tsv instructions.tsv stream_instructions.tsv \
#       core_configs.tsv > FILE
# VIEW: address_map.h  address_map_pkg.sv  memory.ld  nn_insn.h  nn_pkg.sv  core_configs.h  core_configs.mk
# A malformed row stops the build and names file, line and column.
function hex_value(text,   value, i) {
    value = 0
    for (i = 3; i <= length(text); i++)
        value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
    return value
}
function camel(text,   parts, n, i, out) {
    n = split(text, parts, "_")
    for (i = 1; i <= n; i++)
        out = out toupper(substr(parts[i], 1, 1)) substr(parts[i], 2)
    return out
}
table == "address_map" {
    demand("name", "^[a-z][a-z0-9_]*$"); demand("base", "^0x[0-9a-f]*$"); demand("size", "^0x[0-9a-f]*$")
    if (length(f["base"]) != 10 || length(f["size"]) != 10)
        fail("base", "want eight hexadecimal digits")
    if (f["name"] in base)
        fail("name", "'" f["name"] "' stands twice")
    block[++blocks] = f["name"]; base[f["name"]] = f["base"]; size[f["name"]] = f["size"]; what[f["name"]] = f["what"]
}
table == "registers" {
    demand("name", "^[a-z][a-z0-9_]*$"); demand("offset", "^0x[0-9a-f][0-9a-f]$"); demand("access", "^(ro|rw|wo|w1c|pop)$")
    if (!(f["block"] in base))
        fail("block", "'" f["block"] "' is not in address_map.tsv")
    if (hex_value(f["offset"]) % 4)
        fail("offset", "not a multiple of 4")
    reg_block[++registers] = f["block"]; reg_name[registers] = f["name"]; reg_offset[registers] = f["offset"]; reg_what[registers] = f["what"]
}
table == "instructions" {
    demand("name", "^[a-z][a-z0-9_]*$"); demand("opcode", "^0x[0-7][0-9a-f]$"); demand("alias", "^0x[0-7][0-9a-f]$")
    demand("funct3", "^[0-7]$"); demand("funct7", "^0x[0-7][0-9a-f]$"); demand("writes_rd", "^[01]$")
    if (instructions && (f["opcode"] != opcode || f["alias"] != alias_opcode))
        fail("opcode", "all instructions share one opcode and one alias")
    opcode = f["opcode"]; alias_opcode = f["alias"]
    insn[++instructions] = f["name"]; funct3[instructions] = f["funct3"]; funct7[instructions] = f["funct7"]
    writes_rd[instructions] = f["writes_rd"]; rs1[instructions] = f["rs1"]; rs2[instructions] = f["rs2"]
}
table == "stream_instructions" {
    demand("name", "^[a-z][a-z0-9_]*$"); demand("opcode", "^0x[0-7][0-9a-f]$"); demand("format", "^[is]$"); demand("bits", "^[01a-z]*$")
    if (length(f["bits"]) != 8)
        fail("bits", "want eight of 0, 1 and letters")
    if (f["opcode"] == opcode || f["opcode"] == alias_opcode || (f["format"] in stream_opcode && stream_opcode[f["format"]] != f["opcode"]))
        fail("opcode", "a format has one opcode, and another than instructions.tsv")
    stream_opcode[f["format"]] = f["opcode"]
    stream[++streams] = f["name"]; format[streams] = f["format"]; bits[streams] = f["bits"]; stream_what[streams] = f["what"]
}
table == "core_configs" {
    demand("name", "^[a-z][a-z0-9_]*$"); demand("mult", "^RV32M(None|Slow|Fast|SingleCycle)$")
    demand("writeback_stage", "^[01]$"); demand("branch_target_alu", "^[01]$"); demand("nn", "^[01]$"); demand("alias", "^[01]$"); demand("multi_pump", "^[01]$"); demand("stream", "^[01]$")
    config[++configs] = f["name"]
    mult["RV32MNone"] = 0; mult["RV32MSlow"] = 1; mult["RV32MFast"] = 2; mult["RV32MSingleCycle"] = 3
    config_flags[configs] = sprintf("-GRV32M=%d -GWritebackStage=%d -GBranchTargetALU=%d -GNnUnit=%d -GNnAlias=%d -GNnMultiPump=%d -GNnStream=%d -GCoreConfigIndex=%d",
        mult[f["mult"]], f["writeback_stage"], f["branch_target_alu"], f["nn"], f["alias"], f["multi_pump"], f["stream"], configs - 1)
    config_what[configs] = f["what"]
}
function banner(open, close_) { printf "%s SPDX-License-Identifier: Apache-2.0 %s\n%s Made by rtl/tables/gen.awk; change the tables there. %s\n", open, close_, open, close_ }
function view_address_map_h(   i, b) {
    banner("/*", "*/")
    print "#ifndef MPQ_ADDRESS_MAP_H\n#define MPQ_ADDRESS_MAP_H\n"
    for (i = 1; i <= blocks; i++) {
        b = block[i]
        printf "/* %s */\n#define %s_BASE 0x%su\n#define %s_SIZE 0x%su\n", what[b], toupper(b), substr(base[b], 3), toupper(b), substr(size[b], 3)
    }
    print ""
    for (i = 1; i <= registers; i++)
        printf "/* %s */\n#define %s_%s (%s_BASE + %su)\n", reg_what[i], toupper(reg_block[i]), toupper(reg_name[i]), toupper(reg_block[i]), reg_offset[i]
    print "\n#endif"
}
function view_address_map_pkg_sv(   i, b) {
    banner("//", "")
    print "package address_map_pkg;"
    for (i = 1; i <= blocks; i++) {
        b = block[i]
        printf "  // %s\n  parameter logic [31:0] %sBase = 32'h%s;\n  parameter logic [31:0] %sSize = 32'h%s;\n", what[b], camel(b), substr(base[b], 3), camel(b), substr(size[b], 3)
    }
    for (i = 1; i <= registers; i++)
        printf "  // %s\n  parameter logic [7:0] %s%s = 8'h%s;\n", reg_what[i], camel(reg_block[i]), camel(reg_name[i]), substr(reg_offset[i], 3)
    print "endpackage"
}
function view_memory_ld() {
    banner("/*", "*/")
    printf "MEMORY { ram (rwx) : ORIGIN = %s, LENGTH = %s }\n", base["ram"], size["ram"]
}
# The eight bits as a number with the fields zero; the fields' letters, highest first; where field number n starts.
function constant_bits(pattern,   i, value) {
    for (i = 1; i <= 8; i++)
        value = value * 2 + (substr(pattern, i, 1) == "1")
    return value
}
function field_letters(pattern,   i, c, out) {
    for (i = 1; i <= 8; i++) {
        c = substr(pattern, i, 1)
        if (c !~ /[01]/ && !index(out, c))
            out = out c
    }
    return out
}
function field_shift(pattern, letter,   i) {
    for (i = 8; substr(pattern, i, 1) != letter; i--)
        ;
    return 8 - i
}
function field_name(letter) { return letter == "b" ? "bank" : letter == "e" ? "entry" : letter == "s" ? "first" : letter }
function joined_bits(pattern, open,   letters, i, out) {
    letters = field_letters(pattern)
    out = constant_bits(pattern)
    for (i = 1; i <= length(letters); i++)
        out = out sprintf(" | (%s%s) << %d", open, field_name(substr(letters, i, 1)), field_shift(pattern, substr(letters, i, 1)))
    return "(" out ")"
}
function stream_macros(   i, j, letters, arguments, all) {
    print "    .macro nn_insn_of format, opcode, funct3, register, offset, base\n    .insn \\format \\opcode, \\funct3, x\\register, \\offset(\\base)\n    .endm"
    for (i = 1; i <= streams; i++) {
        letters = field_letters(bits[i]); arguments = ""
        for (j = 1; j <= length(letters); j++)
            arguments = arguments field_name(substr(letters, j, 1)) ", "
        all = joined_bits(bits[i], "\\")
        printf "    .macro %s %soffset, base\n    .altmacro\n    nn_insn_of %s, %s, %%(%s >> 5), %%(%s & 31), %%(\\offset), \\base\n    .noaltmacro\n    .endm\n", stream[i], arguments, format[i], stream_opcode[format[i]], all, all
    }
}
function encoders(   i, rd) {
    print "\n/* Instructions of version 1 as words: registers are numbers. */"
    for (i = 1; i <= instructions; i++) {
        rd = writes_rd[i] ? "rd" : "0"
        printf "#define %s(%srs1, rs2) nn_encode_r(%s, %s, %s, %s, rs1, rs2)\n", toupper(insn[i]), writes_rd[i] ? "rd, " : "", opcode, funct3[i], funct7[i], rd
    }
    print "static inline uint32_t nn_encode_r(uint32_t opcode, uint32_t funct3, uint32_t funct7, uint32_t rd, uint32_t rs1,"
    print "                                   uint32_t rs2)\n{"
    print "    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;\n}"
}
function stream_encoders(   i, j, letters, arguments) {
    print "\n/* Instructions of version 2 as words: BASE is a register's number. */"
    for (i = 1; i <= streams; i++) {
        letters = field_letters(bits[i]); arguments = ""
        for (j = 1; j <= length(letters); j++)
            arguments = arguments field_name(substr(letters, j, 1)) ", "
        printf "/* %s */\n#define %s(%soffset, base) \\\n    nn_encode_%s(%s, (uint32_t)%s, offset, base)\n", stream_what[i], toupper(stream[i]), arguments, format[i], stream_opcode[format[i]], joined_bits(bits[i], "")
    }
    print "static inline uint32_t nn_encode_i(uint32_t opcode, uint32_t bits, int32_t offset, uint32_t base)\n{"
    print "    return (uint32_t)offset << 20 | base << 15 | bits >> 5 << 12 | (bits & 31) << 7 | opcode;\n}"
    print "static inline uint32_t nn_encode_s(uint32_t opcode, uint32_t bits, int32_t offset, uint32_t base)\n{"
    print "    return ((uint32_t)offset >> 5 & 127) << 25 | (bits & 31) << 20 | base << 15 | bits >> 5 << 12 |\n           ((uint32_t)offset & 31) << 7 | opcode;\n}"
}
function stream_decoder(name, kind,   i, pattern) {
    printf "  // Whether funct3 and %s are those of an instruction\n  function automatic logic %s(logic [7:0] bits);\n    unique casez (bits)\n", kind == "i" ? "rd" : "rs2", name
    for (i = 1; i <= streams; i++) {
        pattern = bits[i]
        gsub(/[a-z]/, "?", pattern)
        if (format[i] == kind)
            printf "      8'b%s: return 1'b1;  // %s\n", pattern, stream[i]
    }
    print "      default: return 1'b0;\n    endcase\n  endfunction"
}
function view_nn_insn_h(   i, out, ret) {
    banner("/*", "*/")
    print "/* The neural instructions as functions. On the core: .insn, in program order. With NN_EMULATE: C functions. */"
    print "#ifndef MPQ_NN_INSN_H\n#define MPQ_NN_INSN_H\n\n/* The five instructions; with those of stream_instructions.tsv too. */\n#define NN_ISA_VERSION 1\n#define NN_ISA_STREAM 2\n\n#ifdef __ASSEMBLER__ /* as macros of the same names */"
    for (i = 1; i <= instructions; i++)
        printf "    .macro %s %srs1, rs2\n    .insn r %s, %s, %s, %s, \\rs1, \\rs2\n    .endm\n", insn[i], writes_rd[i] ? "rd, " : "", opcode, funct3[i], funct7[i], writes_rd[i] ? "\\rd" : "x0"
    stream_macros()
    print "#else\n\n#include <stdint.h>\n\n#ifdef NN_EMULATE"
    for (i = 1; i <= instructions; i++)
        printf "%s nn_emulate_%s(uint32_t rs1, uint32_t rs2);\n", writes_rd[i] ? "uint32_t" : "void", insn[i]
    print "#endif"
    for (i = 1; i <= instructions; i++) {
        ret = writes_rd[i] ? "uint32_t" : "void"
        printf "\n/* rs1: %s; rs2: %s */\nstatic inline %s %s(uint32_t rs1, uint32_t rs2)\n{\n#ifdef NN_EMULATE\n", rs1[i], rs2[i], ret, insn[i]
        printf "    %snn_emulate_%s(rs1, rs2);\n#else\n", writes_rd[i] ? "return " : "", insn[i]
        if (writes_rd[i])
            printf "    uint32_t rd;\n    __asm__ volatile(\".insn r %s, %s, %s, %%0, %%1, %%2\" : \"=r\"(rd) : \"r\"(rs1), \"r\"(rs2));\n    return rd;\n", opcode, funct3[i], funct7[i]
        else
            printf "    __asm__ volatile(\".insn r %s, %s, %s, x0, %%0, %%1\" : : \"r\"(rs1), \"r\"(rs2));\n", opcode, funct3[i], funct7[i]
        print "#endif\n}"
    }
    print "\n/* For tests and disassembly: every instruction with its fields. */"
    print "#define NN_INSTRUCTIONS(X) \\"
    for (i = 1; i <= instructions; i++)
        printf "    X(%s, %s, %s, %s)%s\n", insn[i], opcode, funct3[i], funct7[i], i < instructions ? " \\" : ""
    printf "#define NN_OPCODE %s\n#define NN_OPCODE_ALIAS %s\n#define NN_OPCODE_LOAD %s\n#define NN_OPCODE_STORE %s\n", opcode, alias_opcode, stream_opcode["i"], stream_opcode["s"]
    encoders()
    stream_encoders()
    print "\n#endif\n#endif"
}
function view_nn_pkg_sv(   i, pattern) {
    banner("//", "")
    print "package nn_pkg;\n  parameter logic [15:0] IsaVersion = 16'd1;\n  parameter logic [15:0] IsaVersionStream = 16'd2;"
    print "  // Bits 11:5 of the CSRs that hold the banks\n  parameter logic [6:0] CsrBanks = 7'h3f;"
    printf "  parameter logic [6:0] OpcodeNnLoad = 7'h%s;\n  parameter logic [6:0] OpcodeNnStore = 7'h%s;\n", substr(stream_opcode["i"], 3), substr(stream_opcode["s"], 3)
    printf "  parameter logic [6:0] OpcodeNn = 7'h%s;\n  parameter logic [6:0] OpcodeNnAlias = 7'h%s;\n", substr(opcode, 3), substr(alias_opcode, 3)
    for (i = 1; i <= instructions; i++)
        printf "  // rs1: %s; rs2: %s\n  parameter logic [2:0] Funct3%s = 3'd%s;\n  parameter logic [6:0] Funct7%s = 7'h%s;\n", rs1[i], rs2[i], camel(insn[i]), funct3[i], camel(insn[i]), substr(funct7[i], 3)
    for (i = 1; i <= streams; i++) {
        pattern = bits[i]
        gsub(/[a-z]/, "?", pattern)
        printf "  // %s\n  parameter logic [7:0] Bits%s = 8'b%s;\n", stream_what[i], camel(stream[i]), pattern
    }
    stream_decoder("is_load", "i")
    stream_decoder("is_store", "s")
    print "endpackage"
}
function view_core_configs_h(   i) {
    banner("/*", "*/")
    print "#ifndef MPQ_CORE_CONFIGS_H\n#define MPQ_CORE_CONFIGS_H\n"
    print "/* Names by the number that the sysctl register core_config holds. */\n#define CORE_CONFIG_NAMES \\"
    for (i = 1; i <= configs; i++)
        printf "    \"%s\"%s\n", config[i], i < configs ? ", \\" : ""
    print "\n#endif"
}
function view_core_configs_mk(   i) {
    banner("#", "")
    printf "CORE_CONFIGS :="
    for (i = 1; i <= configs; i++)
        printf " %s", config[i]
    print ""
    for (i = 1; i <= configs; i++)
        printf "CORE_FLAGS_%s := %s\n", config[i], config_flags[i]
}
END {
    if (failed)
        exit 1
    if (view == "address_map.h") view_address_map_h()
    else if (view == "address_map_pkg.sv") view_address_map_pkg_sv()
    else if (view == "memory.ld") view_memory_ld()
    else if (view == "nn_insn.h") view_nn_insn_h()
    else if (view == "nn_pkg.sv") view_nn_pkg_sv()
    else if (view == "core_configs.h") view_core_configs_h()
    else if (view == "core_configs.mk") view_core_configs_mk()
    else { print "gen.awk: no view '" view "'" > "/dev/stderr"; exit 1 }
}
