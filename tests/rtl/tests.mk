# SPDX-License-Identifier: Apache-2.0
# Tests of the core, the system and the simulator. Included by the Makefile.
RTL_TEST   := $(BUILD)/tests/rtl

# ---- Test programs for the core: tests/rtl/core, and the RISC-V project's instruction tests of the Ibex wheel ---------
CORE_PROGRAMS  := encodings cycles context stream_context system commands traced
CORE_SUPPORT   := $(addprefix $(RTL_TEST)/core/,start.o trap.o tap.o finish.o stream.o stream_stubs.o nn_model.o nn_stream_model.o)
CORE_FLAGS      = $(FW_FLAGS) -Itests -MMD -MP
CORE_LINK       = $(RISCV)gcc $(FW_FLAGS) -nostartfiles -L$(GEN) -T tests/rtl/core/link.ld -Wl,--gc-sections,--no-warn-rwx-segments
RISCV_ISA       = $(IBEX_WHEEL)/vendor/riscv-tests/isa
RISCV_TESTS    := $(patsubst $(RISCV_ISA)/%.S,%,$(foreach s,ui um uc,$(wildcard $(RISCV_ISA)/rv32$(s)/*.S)))
ARCH_SUITE      = $(IBEX_WHEEL)/vendor/riscv-arch-tests/riscv-test-suite
ARCH_TESTS     := $(shell $(AWK) -F'\t' '!/^\#/ { print $$1 }' tests/rtl/arch_signatures.tsv)
CORE_ELF       := $(CORE_PROGRAMS:%=$(RTL_TEST)/core/%.elf) $(RISCV_TESTS:%=$(RTL_TEST)/riscv/%.elf) $(ARCH_TESTS:%=$(RTL_TEST)/arch/%.elf)

$(RTL_TEST)/core/%.o: tests/rtl/core/%.c $(VIEWS) | $(DEPS)/debian-BUILD.stamp
	$(call say,RISCV-CC,$<)
	@mkdir -p $(@D)
	$(Q)$(RISCV)gcc $(CORE_FLAGS) -c $< -o $@
$(RTL_TEST)/core/%.o: tests/rtl/core/%.S | $(DEPS)/debian-BUILD.stamp
	$(call say,RISCV-AS,$<)
	@mkdir -p $(@D)
	$(Q)$(RISCV)gcc $(CORE_FLAGS) -c $< -o $@
$(RTL_TEST)/core/nn_%.o: tests/model/nn_%.c | $(DEPS)/debian-BUILD.stamp
	@mkdir -p $(@D)
	$(Q)$(RISCV)gcc $(CORE_FLAGS) -c $< -o $@
$(RTL_TEST)/core/%.elf: $(RTL_TEST)/core/%.o $(CORE_SUPPORT) tests/rtl/core/link.ld $(GEN)/memory.ld
	$(Q)$(CORE_LINK) $< $(CORE_SUPPORT) -o $@
$(RTL_TEST)/riscv/%.elf: $(RTL_TEST)/core/finish.o tests/rtl/core/riscv_test.h tests/rtl/core/link.ld $(GEN)/memory.ld
	@mkdir -p $(@D)
	$(Q)$(CORE_LINK) -march=rv32imc_zicsr_zifencei -nostdlib -Itests/rtl/core -I$(RISCV_ISA)/macros/scalar \
	    $(RISCV_ISA)/$*.S $< -o $@
# rv32i_m/I/src/add-01.S becomes arch/I/add-01.elf
$(RTL_TEST)/arch/%.elf: $(RTL_TEST)/core/finish.o $(RTL_TEST)/core/tap.o $(RTL_TEST)/core/arch_end.o tests/rtl/core/model_test.h \
                        tests/rtl/core/link.ld $(GEN)/memory.ld
	@mkdir -p $(@D)
	$(Q)$(CORE_LINK) -march=rv32imc_zicsr_zifencei -nostdlib -Wno-comment -DTEST_CASE_1=True -Itests/rtl/core -I$(ARCH_SUITE)/env \
	    $(ARCH_SUITE)/rv32i_m/$(*D)/src/$(*F).S $(filter %.o,$^) -o $@

test-build: $(CORE_ELF) $(foreach c,$(CORE_CONFIGS) rvfi,$(BUILD)/sim/$(c)/mpq-sim) $(BUILD)/mpq-sim-trace

# ---- The core with its tracer, for test_tracer.sh ----------------------------------------------------------------------
$(eval $(call SIM_RULE,$(BUILD)/sim/rvfi,default,-DRVFI,-O0))

# ---- Test programs for the host ---------------------------------------------------------------------------------------
NN_MODELS  := $(addprefix $(BUILD)/tests/model/,nn_model.o nn_stream_model.o)
$(RTL_TEST)/test_random_programs: $(RTL_TEST)/test_random_programs.o $(RTL_TEST)/random_program.o \
                                  $(RTL_TEST)/rv_interpreter.o $(NN_MODELS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $^ -o $@
$(RTL_TEST)/test_sim_link: $(RTL_TEST)/test_sim_link.o $(addprefix $(BUILD)/host/firmware/runtime/,frame.o crc32.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $^ -lcmocka -o $@

# ---- Test benches of single modules: tests/rtl/test_MODULE.cpp ---------------------------------------------------------
# $(1) the module, $(2) its sources, $(3) suffix of the program's name, $(4) more flags of Verilator
define BENCH_RULE
$(RTL_TEST)/test_$(1)$(3): tests/rtl/test_$(1).cpp tests/rtl/tap_cpp.h $(2) $(VIEWS) $(NN_MODELS) | $(DEPS)/pypi.stamp
	$$(call say,VERILATE,$$@)
	@mkdir -p $(BUILD)/sim/$(1)$(3) $$(@D)
	$$(Q)$$(VERILATOR) --cc --exe -O3 --x-assign fast --x-initial fast --top-module $(1) --prefix V$(1) --Mdir $(BUILD)/sim/$(1)$(3) \
	    $(2) $(4) $$(abspath $$< $(NN_MODELS)) \
	    -CFLAGS "-std=c++17 -O2 -I$$(abspath tests) -I$$(abspath tests/rtl) -I$$(abspath $(GEN))" \
	    > $(BUILD)/sim/$(1)$(3)/verilator.log 2>&1 || { cat $(BUILD)/sim/$(1)$(3)/verilator.log; exit 1; }
	$$(Q)MAKEFLAGS= $$(MAKE) --no-print-directory -C $(BUILD)/sim/$(1)$(3) -f V$(1).mk OPT_FAST= OPT_SLOW= OPT_GLOBAL= \
	    VM_PARALLEL_BUILDS=0 -j$$(JOBS) > $(BUILD)/sim/$(1)$(3)/make.log 2>&1 || { cat $(BUILD)/sim/$(1)$(3)/make.log; exit 1; }
	$$(Q)cp $(BUILD)/sim/$(1)$(3)/V$(1) $$@
endef
NN_SOURCES := $(addprefix rtl/nn/,nn_op_pkg.sv nn_dot.sv nn_requantize.sv nn_stream.sv nn_unit.sv)
NN_STREAM  := -GStream=1 -CFLAGS -DSTREAM
$(eval $(call BENCH_RULE,nn_unit,$(NN_SOURCES),,$(NN_STREAM)))
$(eval $(call BENCH_RULE,nn_unit,$(NN_SOURCES),_multi_pump,-GMultiPump=1))
$(eval $(call BENCH_RULE,nn_unit,$(NN_SOURCES),_coverage0,$(NN_STREAM) --coverage-line --coverage-toggle))
$(eval $(call BENCH_RULE,nn_unit,$(NN_SOURCES),_coverage1,--coverage-line --coverage-toggle -GMultiPump=1))
$(eval $(call BENCH_RULE,soc_uart,$(GEN)/address_map_pkg.sv $(addprefix rtl/soc/,soc_fifo.sv soc_uart_rx.sv soc_uart_tx.sv soc_uart.sv)))

TEST_PROGRAMS += $(addprefix $(RTL_TEST)/,test_random_programs test_sim_link test_nn_unit test_nn_unit_multi_pump test_soc_uart)

# ---- Coverage of the neural unit by its unit test ----------------------------------------------------------------------
COVERAGE := $(BUILD)/coverage

.PHONY: coverage
coverage: $(RTL_TEST)/test_nn_unit_coverage0 $(RTL_TEST)/test_nn_unit_coverage1 ## lines and toggles of rtl/nn that the unit test reaches, in both settings of MultiPump
	@mkdir -p $(COVERAGE)
	$(Q)for v in 0 1; do $(RTL_TEST)/test_nn_unit_coverage$$v $(COVERAGE)/$$v.dat > $(COVERAGE)/$$v.log || { cat $(COVERAGE)/$$v.log; exit 1; }; done
	@$(AWK) -f tests/rtl/coverage.awk $(COVERAGE)/0.dat $(COVERAGE)/1.dat
