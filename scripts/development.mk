# SPDX-License-Identifier: Apache-2.0
# What a clone can do and a release need not: build, test, measure, and make releases.

# --- The programs ---------------------------------------------------------------------------------

ifneq ($(GOALS),)
-include .build/graph.mk
SETUP := $(if $(shell scripts/install-system-libraries --check 2> /dev/null && echo yes),,system-libraries)
endif

# Which folders of Sources make up which program, from the package's own description.
.build/graph.mk: Package.swift scripts/program-sources
	@mkdir -p $(@D)
	@scripts/program-sources > $@.tmp && mv $@.tmp $@

# A program is stale when one of its sources is newer; `make -o .build/bin/NAME` leaves it be. It is
# copied out of the package's build folder, where tests and other builds may link it anew.
# A program whose sources are not known is left to swift, which says what is wrong.
$(BIN)/%: $$(if $$(sources_$$*),$$(shell find $$(sources_$$*) -type f),FORCE) | $$(SETUP)
	scripts/build $* $@

## system-libraries : install the C libraries, where apt-get is the package manager
system-libraries:
	scripts/install-system-libraries

# --- The page -------------------------------------------------------------------------------------

PAGE := web/vendor/plotly.min.js
web/vendor/plotly.min.js: | $$(SETUP)
	$(fetch) plotly==7.1.0 \
		--sha256 dbb7fa18afce40d0a8e80d1bf162eceb3faa0ce5a77fe741ad09a74cf78f53f3 \
		--member plotly/package_data/$(@F) --output $@

BUNDLE := .build/web/index.html
# The page in few files. The program serves web/ itself just as well: serve --web web.
.build/web/index.html: $(shell find web/css web/js -type f) web/index.html web/icon.svg scripts/bundle-page $$(PAGE)
	@rm -rf $(@D) && mkdir -p $(@D)
	@scripts/bundle-page web $(@D)

# --- Tests and measurements -----------------------------------------------------------------------

# What is built for the tests serves the programs too, and the other way round: no test looks into a module's own names,
# for which modules would have to be built another way.
AS_PROGRAMS := --disable-testable-imports

## test : run the tests; nothing is downloaded
test: | $$(SETUP)
	swift test -c release $(AS_PROGRAMS)
	Tests/make/run
	@if command -v node > /dev/null; then node --test Tests/web/*.test.js; \
		else echo "the page's tests are skipped: node is not installed"; fi

## test-page : check the types of the page and use it in Chromium, with and without a backend
test-page: $(BIN)/serve $$(TREE_IF_MISSING) | $$(PAGE)
	scripts/install-page-tools
	tsc -p web/jsconfig.json
	node --test Tests/web/*.test.js
	PYTHONPATH=.venv/page python3 Tests/web/browser_test.py --tree $(DATA) --serve $< --work $(WORK) \
		--model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) --shots .build/page
.PHONY: test-page

## test-python : check the types of the Python module, look into WORK and DATA with it, run the recipes of docs/python.md
test-python: $(BIN)/stage-scan $(BIN)/stage-metrics $$(TREE_IF_MISSING)
	scripts/pip-into .venv/python python/tests/requirements.txt
	PYTHONPATH=.venv/python python3 -m mypy --strict --ignore-missing-imports python/headvis
	HEADVIS_WORK=$(WORK) HEADVIS_DATA=$(DATA) PYTHONPATH=python:.venv/python \
		python3 -m unittest discover --start-directory python/tests
.PHONY: test-python

STAGE_PROGRAMS := $(addprefix $(BIN)/,stage-scan stage-metrics stage-sample stage-project stage-weights stage-writes \
	stage-map stage-probe stage-lab stage-emit stage-dictionary)

## test-faults : attack the programs: kills, full disks, two at once, hostile and slow clients; LONG=1 for much of it
test-faults: $(BIN)/serve $(STAGE_PROGRAMS) $$(TREE_IF_MISSING)
	Tests/faults/run --programs $(BIN) --data $(DATA) --work $(WORK) \
		--model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) $(if $(filter 1,$(LONG)),--long)
.PHONY: test-faults

## fuzz : feed changed files to all readers of foreign bytes, TIME=60 seconds each, and tell what they do not withstand
fuzz: | $$(SETUP)
	HEADVIS_FUZZING=1 swift build -c release --product fuzz --scratch-path .build/fuzz \
		--sanitize fuzzer --sanitize address -Xswiftc -sanitize=fuzzer,address # of several words the compiler takes the last
	Tests/fuzz/run --program .build/fuzz/release/fuzz --folder .build/fuzzing --seconds $(or $(TIME),60) $(READERS)
.PHONY: fuzz

## test-slurm : hold runs under LAUNCH=slurm to the local tree, on a Slurm of two nodes that is set up for it (root only)
test-slurm: $(BIN)/stage-scan $(BIN)/stage-metrics $(BIN)/stage-sample $(BIN)/stage-project $(BIN)/stage-map \
		$(BIN)/stage-emit $(DEFAULT_MODEL) $(DEFAULT_DATASET) | $$(PAGE)
	Tests/slurm/run
.PHONY: test-slurm

## bench : measure scan and training against sgemm, the scan's memory, and the readers of weights and JSON
bench: $(addprefix $(BIN)/,bench-scan bench-dictionary bench-widen bench-json stage-scan) | $$(SETUP)
	$(BIN)/bench-scan --model $(call quote,$(MODEL_PATH))
	bench/experts/run $(BIN)/bench-scan
	bench/scan/memory $(BIN)/stage-scan $(call quote,$(MODEL_PATH)) $(call quote,$(DATASET))
	$(BIN)/bench-dictionary
	$(BIN)/bench-widen
	$(BIN)/bench-json
.PHONY: bench

## bench-scale : time, memory and sizes of every stage for a synthetic model of 5,120 heads (an hour; SCALE="--layers 8" for less)
bench-scale: $(STAGE_PROGRAMS) $(DEFAULT_DATASET)
	bench/scale/run --programs $(BIN) --corpus $(call quote,$(DEFAULT_DATASET)) $(SCALE)
.PHONY: bench-scale

## models-table : measure every family against transformers' numbers anew and write docs/models.md
models-table: $(BIN)/stage-scan
	scripts/models-table $<
.PHONY: models-table

# --- Releases -------------------------------------------------------------------------------------

RELEASES := releases

## release : build the archive that runs without a Swift toolchain, into RELEASES
release: $(PAGE) | $$(SETUP)
	scripts/make-release $(RELEASES)
.PHONY: release

## wheel : put the same into a Python wheel, into RELEASES
wheel: release
	scripts/make-wheel $(RELEASES)
.PHONY: wheel

## test-release : install both in bare Debian systems (needs root, debootstrap and the network) and use them
test-release:
	Tests/release/run $(RELEASES)
.PHONY: test-release

# --- Keeping house --------------------------------------------------------------------------------

## lint : check the format of the Swift sources
lint:
	swift format lint --strict --recursive Package.swift Sources Tests bench

## format : format the Swift sources
format:
	swift format --in-place --recursive Package.swift Sources Tests bench

## clean : remove what was built
clean:
	rm -rf .build

## distclean : remove also what was fetched; DATA stays, as it may hold what people made
distclean: clean clean-work
	rm -rf $(addprefix $(fetched),downloads models corpora .venv) web/vendor releases
	rm -rf $(dir $(wildcard $(WORK)/dictionaries/L*/.parameters))

.PHONY: system-libraries test lint format clean distclean
