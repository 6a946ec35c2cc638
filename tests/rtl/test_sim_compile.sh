#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rtl/sim/compile.sh: how often it compiles and with what, with and without a program whose branches are counted, and
# where that program cannot be run. What it compiles is made up: a Vsim_top that ends as $ENDS says.
# shellcheck source=tests/rtl/tap.sh
. "$(dirname "$0")/tap.sh"
folder=$scratch/verilated
mkdir "$folder"
cat >"$folder/Vsim_top.mk" <<'MK'
Vsim_top: main.o
	@[ -z "$(BROKEN)" ] || { echo 'main.cpp: broken'; exit 1; }
	@echo "compile $(OPT_FAST)|$(OPT_SLOW)|$(LDFLAGS)|$(wildcard *.gcda)" >>../did
	@printf '#!/bin/sh\necho "run $$*" >>$(CURDIR)/../did\n$$COUNT $(CURDIR)/Vsim_top__ALL.gcda\nexit $$ENDS\n' >$@
	@chmod +x $@
main.o:
	@echo new >$@
MK

# compile [PROGRAM]: in a folder with remains; sets code, words, and did: what was compiled and run
compile() {
    for remains in main.o Vsim_top Vsim_top__ALL.gcda; do echo old >"$folder/$remains"; done
    rm -f "$scratch/did"
    words=$(sh "$source_folder/rtl/sim/compile.sh" "$folder" 1 "$@" 2>&1)
    code=$?
    did=$(cat "$scratch/did" 2>/dev/null)
}

export ENDS=4 COUNT='cp /etc/passwd'
plain='compile |||'
counting='compile -fprofile-generate|-fprofile-generate|-fprofile-generate|
run --firmware program.elf --stdio --max-cycles 3000000'
used='-fprofile-use -Wno-missing-profile'

compile
tap_equal "without_a_program_it_compiles_once" "$code $words $did" "0  $plain"
tap_equal "nothing_old_is_taken" "$(cat "$folder/main.o")" new
compile program.elf
tap_equal "with_a_program_it_counts_branches_and_compiles_by_them" "$code $words $did" \
    "0  $counting
compile $used|$used|$used|Vsim_top__ALL.gcda"
tap_equal "no_counts_stay" "$(find "$folder" -name '*.gcda')" ""
ENDS=3 compile program.elf
tap_equal "a_program_that_ends_early_leaves_a_simulator_without_counts" "$code $did" "0 $counting
$plain"
tap_matches "and_it_says_so" "$words" 'program.elf ended with exit code 3 .*but slower'
COUNT=: compile program.elf
tap_equal "so_does_one_that_leaves_no_counts" "$code $did" "0 $counting
$plain"
BROKEN=1 compile program.elf
tap_equal "what_does_not_compile_is_an_error" "$((code != 0)) $did $(test -e "$folder/Vsim_top" && echo left)" "1  "
tap_matches "with_the_compilers_words" "$words" 'main.cpp: broken'
tap_end
