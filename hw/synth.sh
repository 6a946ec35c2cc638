#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Synthesis with Yosys: usage: hw/synth.sh YOSYS FLOW TOP FOLDER READ_SLANG_ARGUMENT...
# FLOW: ecp5, ecp5_plain or xilinx7. Leaves netlist.json, netlist.v (both of ecp5), area.txt (cells by type) and yosys.log in
# FOLDER.
# The WebAssembly build of Yosys sees the current folder and what is below it only: all paths must be relative.
set -eu
yosys=$1 flow=$2 top=$3 folder=$4
shift 4

# Multipliers are put into the device's multiplier blocks first: Yosys' sharing pass would otherwise use one block for two
# products behind multiplexers, which costs more look-up tables and time than the block is worth.
map_multipliers="proc; flatten; opt; wreduce; peepopt; opt_clean; techmap -map +/mul2dsp.v"
case $flow in
ecp5 | ecp5_plain)
    map_multipliers="$map_multipliers -D DSP_A_MAXWIDTH=18 -D DSP_B_MAXWIDTH=18 -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2 \
        -D DSP_NAME=\$__MUL18X18; techmap -map +/lattice/dsp_map_18x18.v"
    # Logic is mapped with the delays that nextpnr finds, in picoseconds: 900 for a net, 3900 for a multiplier; with Yosys'
    # own (300, and none) long chains of look-up tables count too little. 17000 is what a path may take: where less is not
    # to be had cheaper, it costs look-up tables; with more, the clock falls.
    # Plain: Yosys' own, which serves a core without the unit, or with multi-pumping, better.
    awk -v delay=3900 -f hw/ecp5_multiplier.awk > "$folder/multiplier.v"
    map_luts="read_verilog -lib -specify -overwrite $folder/multiplier.v; techmap -map +/lattice/latches_map.v; \
        abc9 -W 900 -D 17000; clean"
    [ "$flow" = ecp5 ] || map_luts="synth_ecp5 -top $top -run map_luts:map_cells"
    synth="synth_ecp5 -top $top -run begin:map_luts; $map_luts; \
        synth_ecp5 -top $top -run map_cells: -json $folder/netlist.json; write_verilog -noattr $folder/netlist.v"
    ;;
xilinx7)
    map_multipliers=proc
    synth="synth_xilinx -family xc7 -flatten -abc9 -top $top"
    ;;
*)
    echo "synth.sh: no flow '$flow'" >&2
    exit 2
    ;;
esac

printf '%s\n' "read_slang --threads 1 -DSYNTHESIS --top $top $*" "hierarchy -check -top $top" "$map_multipliers" \
    "$synth" "tee -q -o $folder/area.txt stat" | tr ';' '\n' > "$folder/synth.ys"
nice -n "${NICE:-19}" "$yosys" -q -l "$folder/yosys.log" "$folder/synth.ys"
