# SPDX-License-Identifier: Apache-2.0
# Bitstream for a board with a Xilinx device, in batch mode without a project:
#   vivado -mode batch -source hw/vivado.tcl -tclargs PART TOP CONSTRAINTS FOLDER INCLUDE_FOLDERS SOURCE...
# INCLUDE_FOLDERS is a list in one argument. Leaves TOP.bit, utilization.rpt and timing.rpt in FOLDER; fails if timing is
# not met. Written against the documents UG835 and UG901; no Vivado was at hand to run it.
lassign $argv part top constraints folder include_folders
set sources [lrange $argv 5 end]

read_verilog -sv $sources
read_xdc $constraints
synth_design -part $part -top $top -include_dirs $include_folders -verilog_define SYNTHESIS
opt_design
place_design
phys_opt_design
route_design

report_utilization -file $folder/utilization.rpt
report_timing_summary -file $folder/timing.rpt
set slack [get_property SLACK [get_timing_paths -max_paths 1 -setup]]
puts "mpq: worst slack $slack ns"
if {$slack < 0} {
    puts stderr "mpq: timing is not met; see $folder/timing.rpt, or lower clock_hz in hw/boards.tsv"
    exit 1
}
write_bitstream -force $folder/$top.bit
