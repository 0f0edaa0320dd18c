# SPDX-License-Identifier: BSD-2-Clause
#
# The short commands; meson.build is where the work is described.

BUILD	?= build
MESON	?= meson
NINJA	?= ninja

all: $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD)

$(BUILD)/build.ninja:
	@scripts/install-packages.sh build
	$(MESON) setup $(BUILD) $(MESON_ARGS)

demo: all
	@scripts/install-packages.sh demo
	@BUILD=$(BUILD) scripts/demo.sh

check:
	@scripts/install-packages.sh check
	@scripts/check.sh

suites: all
	@scripts/install-packages.sh suites
	@python3 tests/suites/t_suites.py $(SUITES) $(BUILD)/cmd/rumpus/rumpus $(BUILD)/tests/suites/calls

bench: all
	@scripts/bench.sh $(BUILD)

fuzz:
	@scripts/install-packages.sh fuzz
	@scripts/fuzz.sh

lint: all
	@scripts/install-packages.sh lint
	@BUILD=$(BUILD) scripts/lint.sh

format:
	@git ls-files -z '*.c' '*.h' | xargs -0 python3 tools/format.py

describe: $(BUILD)/build.ninja
	@python3 tools/describe.py $(BUILD)

install: all
	@$(MESON) install -C $(BUILD)

clean:
	@$(NINJA) -C $(BUILD) clean

help:
	@echo 'make            configure and build, into $(BUILD)/'
	@echo 'make demo       make a disk image with ordinary tools and read it back'
	@echo 'make check      all tests: plain, address and undefined, thread sanitizer'
	@echo 'make suites     suites of system calls, on the host and hijacked: SUITES="-w trap -s python"'
	@echo 'make lint       what a machine can judge: borders, headers, format, manuals'
	@echo 'make format     apply the format'
	@echo 'make bench      our figures beside those of the host kernel'
	@echo 'make fuzz       the fuzzers, SECONDS_EACH=60'
	@echo 'make describe   the parts of the kernel, what each needs, its size'
	@echo 'make install    DESTDIR= and MESON_ARGS=--prefix=... as usual'
	@echo 'make clean      remove what was built'

.PHONY: all demo check suites bench fuzz lint format describe install clean help
