# SPDX-License-Identifier: Apache-2.0
# Makes one view of hw/boards.tsv:
#   awk -v view=boards.mk -f table.awk -f boards.awk boards.tsv > FILE
#   awk -v view=board_table.h -f table.awk -f boards.awk boards.tsv > FILE
#   awk -v view=board_pkg.sv -v board=NAME -v config=NAME -v ram_init=FILE -f table.awk -f boards.awk boards.tsv core_configs.tsv > FILE
# A malformed row stops the build and names file, line and column. (core_configs.tsv is checked by rtl/tables/gen.awk.)
function is_power_of_two(n) {
    while (n > 1 && n % 2 == 0)
        n /= 2
    return n == 1
}
# Arguments of nextpnr-ecp5 for a part as it is ordered: LFE5U-<size>F-<speed>BG<pins>C
function nextpnr_arguments(device,   parts) {
    split(device, parts, "-")
    return sprintf("--%dk --speed %d --package CABGA%d", parts[2], substr(parts[3], 1, 1), substr(parts[3], 4))
}
table == "boards" {
    demand("name", "^[a-z][a-z0-9_]*$"); demand("folder", "^[a-z][a-z0-9_]*$"); demand("flow", "^(ecp5|xilinx7)$")
    demand("ram_bytes", "^[1-9][0-9]*$"); demand("fetch_bytes", "^[1-9][0-9]*$"); demand("oscillator_hz", "^[1-9][0-9]*$"); demand("clock_hz", "^[1-9][0-9]*$"); demand("pump_clock_hz", "^[1-9][0-9]*$")
    demand("device", f["flow"] == "ecp5" ? "^LFE5U-(12|25|45|85)F-[678]BG(256|381|554|756)[CI]$" : "^xc7[a-z0-9]+-[123]L?$")
    demand("programmer", "^[a-z0-9_-]+$"); demand("idcode", "^[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$"); demand("usb", "^[0-9a-f][0-9a-f][0-9a-f][0-9a-f]:[0-9a-f][0-9a-f][0-9a-f][0-9a-f]$")
    demand("proved", "^[^\"\\\\]+$"); demand("what", "^[^\"\\\\]+$")
    if (!is_power_of_two(f["ram_bytes"]))
        fail("ram_bytes", "'" f["ram_bytes"] "' is not a power of two")
    if (!is_power_of_two(f["fetch_bytes"]) || f["fetch_bytes"] + 0 > f["ram_bytes"] + 0)
        fail("fetch_bytes", "'" f["fetch_bytes"] "' is not a power of two, or more than ram_bytes")
    if (f["name"] in device)
        fail("name", "'" f["name"] "' stands twice")
    name[++boards] = f["name"]; folder[f["name"]] = f["folder"]; device[f["name"]] = f["device"]; flow[f["name"]] = f["flow"]
    ram_bytes[f["name"]] = f["ram_bytes"]; fetch_bytes[f["name"]] = f["fetch_bytes"]; oscillator_hz[f["name"]] = f["oscillator_hz"]; clock_hz[f["name"]] = f["clock_hz"]; pump_clock_hz[f["name"]] = f["pump_clock_hz"]
    idcode[f["name"]] = f["idcode"]; usb[f["name"]] = f["usb"]
    programmer[f["name"]] = f["programmer"]; proved[f["name"]] = f["proved"]; what[f["name"]] = f["what"]
}
table == "core_configs" {
    if (f["name"] == config)
        for (i in f)
            core[i] = f[i]
    config_index[f["name"]] = configs++
}
function view_boards_mk(   i, b) {
    print "# SPDX-License-Identifier: Apache-2.0\n# Made by hw/boards.awk; change hw/boards.tsv."
    printf "BOARDS :="
    for (i = 1; i <= boards; i++)
        printf " %s", name[i]
    print ""
    for (i = 1; i <= boards; i++) {
        b = name[i]
        printf "BOARD_FOLDER_%s := %s\nBOARD_DEVICE_%s := %s\nBOARD_FLOW_%s := %s\n", b, folder[b], b, device[b], b, flow[b]
        printf "BOARD_RAM_%s := %s\nBOARD_FETCH_%s := %s\n", b, ram_bytes[b], b, fetch_bytes[b]
        if (flow[b] == "ecp5")
            printf "BOARD_NEXTPNR_%s := %s\n", b, nextpnr_arguments(device[b])
    }
}
# BOARDS(X): X(name, what, device, ram_bytes, clock_hz, programmer, idcode, usb vendor, usb product, proved)
function view_board_table_h(   i, b, id) {
    print "// SPDX-License-Identifier: Apache-2.0\n/* Made by hw/boards.awk; change hw/boards.tsv. */"
    print "#ifndef MPQ_BOARD_TABLE_H\n#define MPQ_BOARD_TABLE_H\n\n#define BOARDS(X) \\"
    for (i = 1; i <= boards; i++) {
        b = name[i]
        split(usb[b], id, ":")
        printf "    X(\"%s\", \"%s\", \"%s\", %d, %d, \"%s\", 0x%s, 0x%s, 0x%s, \"%s\")%s\n", b, what[b], device[b], ram_bytes[b],
            clock_hz[b], programmer[b], idcode[b], id[1], id[2], proved[b], i < boards ? " \\" : ""
    }
    print "\n#endif"
}
function view_board_pkg_sv() {
    if (!(board in device) || !("name" in core)) {
        print "boards.awk: no board '" board "' or no core configuration '" config "'" > "/dev/stderr"
        exit 1
    }
    multiplier["RV32MNone"] = 0; multiplier["RV32MSlow"] = 1; multiplier["RV32MFast"] = 2; multiplier["RV32MSingleCycle"] = 3
    print "// SPDX-License-Identifier: Apache-2.0\n// Made by hw/boards.awk; change hw/boards.tsv or rtl/tables/core_configs.tsv."
    print "package board_pkg;"
    printf "  parameter int unsigned OscillatorHz = %d;\n  parameter int unsigned ClockHz = %d;\n", oscillator_hz[board],
        core["multi_pump"] ? pump_clock_hz[board] : clock_hz[board]
    printf "  parameter int unsigned RamBytes = %d;\n  parameter int unsigned FetchBytes = %d;\n", ram_bytes[board], fetch_bytes[board]
    printf "  parameter RamInitFile = \"%s\";\n", ram_init
    printf "  // Core configuration %s\n  parameter int unsigned RV32M = %d;\n", config, multiplier[core["mult"]]
    printf "  parameter bit WritebackStage = 1'b%d;\n  parameter bit BranchTargetALU = 1'b%d;\n", core["writeback_stage"], core["branch_target_alu"]
    printf "  parameter bit NnUnit = 1'b%d;\n  parameter bit NnAlias = 1'b%d;\n  parameter bit NnMultiPump = 1'b%d;\n", core["nn"], core["alias"],
        core["multi_pump"]
    printf "  parameter bit NnStream = 1'b%d;\n", core["stream"]
    printf "  parameter int unsigned CoreConfigIndex = %d;\n", config_index[config]
    print "endpackage"
}
END {
    if (failed)
        exit 1
    if (view == "boards.mk") view_boards_mk()
    else if (view == "board_table.h") view_board_table_h()
    else if (view == "board_pkg.sv") view_board_pkg_sv()
    else { print "boards.awk: no view '" view "'" > "/dev/stderr"; exit 1 }
}
