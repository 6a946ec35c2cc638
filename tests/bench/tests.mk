# SPDX-License-Identifier: Apache-2.0
# Programs of the benchmarks. Included by the Makefile.
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*.c))

$(BENCH_PROGRAMS): $(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(MODEL_OBJ) $(BUILD)/libmpq.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $< $(MODEL_OBJ) $(BUILD)/libmpq.a $(HOST_LIBS) -o $@

.PHONY: bench-build
bench-build: $(BENCH_PROGRAMS)
test-build: $(BENCH_PROGRAMS)
