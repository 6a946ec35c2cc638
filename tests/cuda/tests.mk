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

DEVICE_NAME := $(BUILD)/tests/cuda/device_name
$(DEVICE_NAME): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libmpq.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $< $(BUILD)/libmpq.a $(HOST_LIBS) -o $@

TEST_PROGRAMS += $(if $(HAVE_CUDNN),$(CUDA_TESTS))
TEST_SH       += $(wildcard tests/cuda/test_*.sh)
test-build: $(DEVICE_NAME)

# What a machine with nvcc needs first. Without the 1 GB of libraries the tests of host/cuda are left out.
.PHONY: cuda-if-nvcc test-cuda
cuda-if-nvcc:
	@$(if $(NVCC),$(MAKE) --no-print-directory $(CUDA_WHEELS) || echo "  SKIP     cuDNN cannot be fetched: host/cuda is not built and not tested",:)
test-cuda: ## on a machine with a GPU: prove training there beside the CPU's, and measure it
	@$(MAKE) --no-print-directory deps data cuda
	@$(MAKE) --no-print-directory -j$(JOBS) all $(CUDA_TESTS) $(DEVICE_NAME)
	@sh tests/cuda/prove.sh $(BUILD)
