# SPDX-License-Identifier: Apache-2.0
# The kernel tests on the core: the host's test source, linked with crt0 and drivers, run in the simulator.
TEST_SH      += $(addprefix tests/kernels/,test_kernels_core.sh test_kernels_no_stream.sh)
KERNEL_TEST_C := $(addprefix tests/kernels/,test_kernels.c kernel_case.c kernel_facts.c grouped_facts.c jit_facts.c)
KERNEL_CORE_C := $(KERNEL_TEST_C) tests/kernels/core_support.c $(addprefix tests/model/,ref_layers.c ref_container.c)
KERNEL_CORE_OBJ := $(KERNEL_CORE_C:%.c=$(FW)/%.o)
KERNEL_CORE_FW  := $(FW)/firmware/boot/crt0.o $(FW)/firmware/drivers/uart.o \
                   $(patsubst %.c,$(FW)/%.o,$(filter-out firmware/kernels/nn_emulate.c,$(wildcard firmware/kernels/*.c))) \
                   $(patsubst %.S,$(FW)/%.o,$(wildcard firmware/kernels/*.S)) \
                   $(addprefix $(FW)/firmware/runtime/,run.o model.o crc32.o)

# The oracle takes most of the time: for speed.
$(KERNEL_CORE_OBJ): FW_FLAGS += -Itests
$(KERNEL_CORE_OBJ): FW_OPT := -O2
$(BUILD)/tests/kernels/core/test_kernels.elf: $(KERNEL_CORE_OBJ) $(KERNEL_CORE_FW) $(wildcard linker/*.ld) $(GEN)/memory.ld
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(RISCV)gcc $(FW_FLAGS) -nostartfiles -L$(GEN) -Llinker -T linker/firmware.ld -Wl,--gc-sections,--wrap=main \
	    $(KERNEL_CORE_OBJ) $(KERNEL_CORE_FW) -o $@
$(BUILD)/tests/kernels/test_kernels: $(addprefix $(BUILD)/tests/kernels/,kernel_case.o kernel_facts.o grouped_facts.o jit_facts.o)
test-build: $(BUILD)/tests/kernels/core/test_kernels.elf
