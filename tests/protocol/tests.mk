# SPDX-License-Identifier: Apache-2.0
# What the protocol tests link beside the oracles.
PROTOCOL_RIG := $(addprefix $(BUILD)/tests/protocol/,wire.o loader_rig.o)

$(BUILD)/tests/protocol/test_frame: $(BUILD)/tests/protocol/wire.o
$(addprefix $(BUILD)/tests/protocol/,test_loader test_conversation test_golden test_rate): $(PROTOCOL_RIG)
