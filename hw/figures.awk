# SPDX-License-Identifier: Apache-2.0
# Area and clock of one build as a table of one row:
#   awk -v flow=ecp5    -f figures.awk nextpnr.log > figures.tsv    after place and route
#   awk -v flow=xilinx7 -f figures.awk area.txt > figures.tsv       after synthesis: no clock
# ecp5: lut counts LUT4 sites, with those that hold carries and distributed RAM; ram counts DP16KD (2 KiB).
# The clock is the system's: with the unit multi-pumped, no more than half of what the clock of twice the rate reaches, and
# a path between the two clocks has half a cycle. (nextpnr reports these paths, but does not hold them to a rate.)
# xilinx7: lut counts LUT1 to LUT6 and the sites of distributed RAM; ram counts RAMB36E1 (4 KiB).
function used(line) {
    sub(/\/.*/, "", line)
    sub(/.*:/, "", line)
    return line + 0
}
flow == "ecp5" && /TRELLIS_COMB:/ { lut = used($0) }
flow == "ecp5" && /TRELLIS_FF:/ { ff = used($0) }
flow == "ecp5" && /MULT18X18D:/ { dsp = used($0) }
flow == "ecp5" && /DP16KD:/ { ram = used($0) }
# Every report of nextpnr counts, the last one for good
flow == "ecp5" && /Max frequency for clock .*pll/ {
    pumped = /clk2x/
    match($0, /: [0-9.]+ MHz/)
    mhz[pumped] = substr($0, RSTART + 2, RLENGTH - 6) + 0
    match($0, /at [0-9.]+ MHz/)
    if (!pumped)
        wanted = substr($0, RSTART + 3, RLENGTH - 7) + 0
}
flow == "ecp5" && /Max delay posedge .*pll\.clk.* -> posedge .*pll\.clk/ {
    match($0, /: [0-9.]+ ns/)
    half_cycle_ns[/clk2x_o *->/] = substr($0, RSTART + 2, RLENGTH - 5) + 0
}
function least(a, b) { return b && b < a ? b : a }
flow == "xilinx7" && $2 ~ /^LUT[1-6]$/ { lut += $1 }
flow == "xilinx7" && $2 ~ /^RAM(32M|64M|128X1D)$/ { lut += 4 * $1 }
flow == "xilinx7" && $2 ~ /^(RAM32X1D|RAM64X1D)$/ { lut += 2 * $1 }
flow == "xilinx7" && $2 ~ /^FD[CPRS]E$/ { ff += $1 }
flow == "xilinx7" && $2 == "DSP48E1" { dsp += $1 }
flow == "xilinx7" && $2 == "RAMB36E1" { ram += $1 }
flow == "xilinx7" && $2 == "RAMB18E1" { ram += $1 / 2 }
END {
    if (!lut || !ff) {
        print FILENAME ": no figures found" > "/dev/stderr"
        exit 1
    }
    reached = least(mhz[0], mhz[1] / 2)
    for (i in half_cycle_ns)
        reached = least(reached, 500 / half_cycle_ns[i])
    print "lut\tff\tdsp\tram\twanted_mhz\treached_mhz"
    printf "%d\t%d\t%d\t%g\t%s\t%s\n", lut, ff, dsp, ram, wanted ? wanted : "-", reached ? reached : "-"
}
