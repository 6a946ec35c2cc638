# SPDX-License-Identifier: Apache-2.0
# Programs that the tests of the whole system use. Included by the Makefile.
SYSTEM_PROGRAMS := $(patsubst tests/system/%.c,$(BUILD)/tests/system/%,$(wildcard tests/system/*.c))

$(SYSTEM_PROGRAMS): $(BUILD)/tests/system/%: $(BUILD)/tests/system/%.o $(BUILD)/libmpq.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $< $(BUILD)/libmpq.a $(HOST_LIBS) -o $@

# The firmware with a layer that traps, for test_trap.sh.
TRAPPING := $(FW)/tests/system/core/trapping_layer.o
$(BUILD)/tests/system/trapping.elf: $(FW_OBJ) $(TRAPPING)
	$(Q)$(FW_LINK) $(TRAPPING) -Wl,--wrap=run_prepare,--defsym=build_id=1 -o $@

test-build: $(SYSTEM_PROGRAMS) $(BUILD)/tests/system/trapping.elf
