# SPDX-License-Identifier: Apache-2.0
# host/cuda against a stand-in for CUDA's libraries, where their headers are. Included by the Makefile.
STANDIN_C   := $(wildcard tests/cuda/standin_*.c)
STANDIN_OBJ := $(STANDIN_C:%.c=$(BUILD)/cuda/%.o)
STANDIN     := $(BUILD)/tests/cuda/mpq-cuda-standin.so
CUDA_TEST_C := $(wildcard tests/cuda/test_*.c)
CUDA_TESTS  := $(CUDA_TEST_C:%.c=$(BUILD)/%)

# host/cuda's own objects, our kernels in C: no libraries, so that a call that the stand-in lacks stops the link
$(STANDIN): $(CUDA_C:%.c=$(BUILD)/cuda/%.o) $(STANDIN_OBJ)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -shared $^ -lpthread -lm $(if $(SANITIZE),,-Wl$(comma)-z$(comma)defs) -o $@
comma := ,

$(CUDA_TESTS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/tests/host/random_net.o $(MODEL_OBJ) $(BUILD)/libmpq.a $(STANDIN)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $(filter %.o,$^) $(BUILD)/libmpq.a $(HOST_LIBS) -lcmocka -o $@

TEST_PROGRAMS += $(if $(HAVE_CUDNN),$(CUDA_TESTS))
