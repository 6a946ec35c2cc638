# SPDX-License-Identifier: Apache-2.0
# How a tier is built and run; included by the Makefiles of optimized/ and original/, which say which kernels it has.
CROSS ?= riscv64-unknown-elf-
BUILD := build
include ../simulator.mk

# kernels for speed, everything round them for size
OPT     = -Os
CFLAGS  = -march=rv32imc -mabi=ilp32 --specs=picolibc.specs -DPICOLIBC_INTEGER_PRINTF_SCANF -std=c11 $(OPT) -g \
          -ffunction-sections -fdata-sections -Wall -Wextra -Wconversion -Werror \
          -I.. -I../runtime/include -I../runtime/drivers -I../runtime/kernels -I../runtime/gen
LDFLAGS = -nostartfiles -L../runtime/gen -L../runtime/linker -T ../runtime/linker/firmware.ld -Wl,--gc-sections

COMMON  := network.c $(KERNELS) ../layers.c ../system.c ../runtime/drivers/uart.c ../runtime/boot/crt0.S
OBJECTS := $(patsubst %,$(BUILD)/%.o,$(notdir $(basename $(COMMON))))
VPATH   := .. $(sort $(dir $(COMMON)))

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all run clean
all: $(BUILD)/program.elf $(BUILD)/serve.elf
run: $(BUILD)/program.elf
	$(SIM) --firmware $< --stdio < /dev/null
clean:
	rm -rf $(BUILD)

$(patsubst %,$(BUILD)/%.o,$(notdir $(basename $(KERNELS)))): OPT = -O2
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC       $<"
	@$(CROSS)gcc $(CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/%.o: %.S
	@mkdir -p $(@D)
	@echo "  AS       $<"
	@$(CROSS)gcc $(CFLAGS) -c $< -o $@
$(BUILD)/program.elf: $(BUILD)/main.o
$(BUILD)/serve.elf: $(BUILD)/serve.o
$(BUILD)/program.elf $(BUILD)/serve.elf: $(OBJECTS)
	@echo "  LINK     $@"
	@$(CROSS)gcc $(CFLAGS) $(LDFLAGS) $^ -o $@

-include $(wildcard $(BUILD)/*.d)
