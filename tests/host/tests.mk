# SPDX-License-Identifier: Apache-2.0
# libserialport against pseudo-terminals: see serial_shim.c. Other programs can preload it.
SERIAL_SHIM := $(BUILD)/tests/host/serial_shim.so

$(SERIAL_SHIM): tests/host/serial_shim.c | $(DEPS)/debian-BUILD.stamp
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -fPIC -shared -Wl,-soname,$(@F) $< -o $@

$(BUILD)/tests/host/test_link_serial: $(SERIAL_SHIM)
$(BUILD)/tests/host/test_link_serial: HOST_LIBS := -Wl,--no-as-needed $(SERIAL_SHIM) -Wl,-rpath,'$$ORIGIN' $(HOST_LIBS)

# A core with the clock of the ECP5 boards, for test_upload_rate.
$(eval $(call SIM_RULE,$(BUILD)/sim/clock_35mhz,default,-GClockHz=35000000,-O1))
test-build: $(BUILD)/sim/clock_35mhz/mpq-sim

# Ctrl-C after a given step of a training.
$(BUILD)/tests/host/test_train_resume: HOST_LIBS := -Wl,--wrap=interrupt_requested $(HOST_LIBS)

# Parts that several test programs share.
$(addprefix $(BUILD)/tests/host/,test_memory test_pack test_pack_arena test_container test_target test_target_faults test_session_rate test_upload_rate test_verify test_model_file test_codegen test_onnx_export): \
    $(BUILD)/tests/host/made_up_quant.o
$(addprefix $(BUILD)/tests/host/,test_target test_target_faults test_session_rate test_upload_rate test_verify): $(BUILD)/tests/host/loader_link.o
$(addprefix $(BUILD)/tests/host/,test_random_networks test_qat_graph): $(BUILD)/tests/host/random_net.o
