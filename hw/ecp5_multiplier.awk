# SPDX-License-Identifier: Apache-2.0
# The delay of an ECP5 multiplier block, for Yosys' mapping, which otherwise takes its products as there from the start of
# a cycle, and makes the logic behind them too slow. Prints a module that stands for the block while logic is mapped.
# usage: awk -v delay=PICOSECONDS -f hw/ecp5_multiplier.awk
function ports(name, n,   i, list) {
    for (i = 0; i < n; i++)
        list = list (i ? ", " : "") name i
    return list
}
BEGIN {
    print "(* abc9_box, blackbox *)\nmodule MULT18X18D ("
    print "  input " ports("A", 18) ",\n  input " ports("B", 18) ",\n  input " ports("C", 18) ","
    print "  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,\n  output " ports("P", 36) "\n);\n  specify"
    for (p = 0; p < 36; p++)
        for (i = 0; i < 18; i++)
            printf "    (A%d => P%d) = %d;\n    (B%d => P%d) = %d;\n", i, p, delay, i, p, delay
    print "  endspecify\nendmodule"
}
