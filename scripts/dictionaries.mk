# SPDX-License-Identifier: Apache-2.0
# Sparse dictionaries of features (make dictionary) and the text on which their features fire (also
# make evidence), and what they explain (make attributions). No other target asks for them: training
# takes minutes a layer.
#
# A dictionary is DICTIONARIES/L5/sae_weights.safetensors. Beside one that was trained here lies
# .parameters, what it was trained with: when that changed, make dictionary trains it anew. One without
# it was made elsewhere and is only read. No rebuilt program and no removed work file makes a dictionary
# stale.

comma := ,
# Layers as plain numbers; what anything else means ("all", or single heads) the program is asked.
DICTIONARY_LAYERS := $(if $(strip $(HEADS)),,$(if \
	$(shell [[ $(call quote,$(LAYERS)) =~ ^[\ ,]*((0|[1-9][0-9]*)([\ ,]+|$$))+$$ ]] && echo yes),$(sort \
	$(subst $(comma), ,$(LAYERS)))))

dictionary_of = $(DICTIONARIES)/L$(1)/sae_weights.safetensors
# A dictionary of the outputs of a layer's heads has evidence of its own, and may be all that the layer has.
evidence_of = $(or $(wildcard $(WORK)/features-L$(1).h5),$(wildcard $(WORK)/features-Z$(1).h5),$(WORK)/features-L$(1).h5)

# A dictionary is to see whole documents, unless CHUNK says otherwise.
dictionary_text = \
	--model $(call quote,$(MODEL_PATH)) \
	$(CORPUS_ARGUMENTS) \
	--seq-len $(SEQ_LEN) \
	--chunk $(if $(filter file,$(origin CHUNK)),split,$(CHUNK)) \
	--document $(DOC) \
	--text-field $(call quote,$(TEXT_FIELD)) \
	$(bos_option) \
	--seed $(SEED)
training_parameters = \
	$(dictionary_text) \
	--features-per-dimension $(FEATURES_PER_DIMENSION) \
	--k $(K) \
	--max-tokens $(DICTIONARY_TOKENS)
# Which of several dictionaries for a layer, and what says what features mean.
dictionary_choice = \
	$(if $(DICTIONARY_WIDTH),--dictionary-width $(call quote,$(DICTIONARY_WIDTH))) \
	$(if $(DICTIONARY_L0),--dictionary-l0 $(call quote,$(DICTIONARY_L0)))
described_dictionaries = \
	--dictionaries $(DICTIONARIES) \
	$(strip $(dictionary_choice)) \
	$(if $(DESCRIPTIONS),--descriptions $(call quote,$(DESCRIPTIONS)))
evidence_parameters = \
	$(dictionary_text) \
	--sequences $(N_SEQUENCES) \
	--dictionaries $(DICTIONARIES) \
	$(strip $(dictionary_choice))

# --- Dictionaries ---

stamp_of_training = $(strip $(training_parameters)) $(INPUT_STATE)
TRAINED := $(foreach layer,$(DICTIONARY_LAYERS),$(if $(wildcard $(DICTIONARIES)/L$(layer)/.parameters),$(layer)))
OUTDATED := $(foreach layer,$(TRAINED),$(if \
	$(call equal,$(file < $(DICTIONARIES)/L$(layer)/.parameters),$(stamp_of_training)),,$(layer)))

ifneq ($(filter dictionary,$(GOALS)),)
LACKING := $(foreach layer,$(DICTIONARY_LAYERS),$(if $(wildcard $(call dictionary_of,$(layer))),$(filter $(layer),$(OUTDATED)),$(layer)))
ifneq ($(LACKING),)
# All in one run: the model's pass over the text is one for all of them.
$(foreach layer,$(LACKING),$(call dictionary_of,$(layer))) &: FORCE | $(call built,stage-dictionary) $(INPUT_FILES)
	$(call launch,dictionaries)$(call program,stage-dictionary) train --layers "$(strip $(LACKING))" \
		$(strip $(training_parameters)) $(workers) --output-folder $(DICTIONARIES) --note=$(call quote,$(stamp_of_training))
endif
endif

# --- Evidence ---

# Each layer's evidence has a stamp of its own, as layers come and go.
EVIDENCE := $(DICTIONARY_LAYERS:%=features-L%)
stamp_of_evidence = $(strip $(evidence_parameters)) $(INPUT_STATE)
$(foreach stage,$(EVIDENCE),$(eval stamp_of_$(stage) = $$(stamp_of_evidence)))

# Without training, a layer's dictionary may have any name: the program finds it by its cfg.json.
weights_of = $(if $(filter dictionary,$(GOALS)),$(call dictionary_of,$(1)),$(or \
	$(wildcard $(call dictionary_of,$(1)) $(DICTIONARIES)/Z$(1)/sae_weights.safetensors),$(wildcard \
	$(DICTIONARIES)/*/sae_weights.safetensors)))

# Each stale file only says so, as one run writes them all.
define evidence_rule
$(call evidence_of,$(1)): $(call built,stage-dictionary) $(STAMPS)/features-L$(1) $(call weights_of,$(1)) $(INPUT_FILES)
	$$(eval STALE_EVIDENCE += $(1))@:
endef
$(foreach layer,$(DICTIONARY_LAYERS),$(eval $(call evidence_rule,$(layer))))

run_evidence = $(call program,stage-dictionary) evidence --layers "$(strip $(STALE_EVIDENCE))" \
	$(strip $(evidence_parameters)) $(workers)

ifneq ($(DICTIONARY_LAYERS),)
dictionary evidence: collected-evidence
collected-evidence: $(foreach layer,$(DICTIONARY_LAYERS),$(call evidence_of,$(layer)))
ifeq ($(SHARDS),1)
	$(if $(STALE_EVIDENCE),$(call launch,evidence)$(run_evidence) --output-folder $(WORK),@:)
else
	$(if $(STALE_EVIDENCE),@$(MAKE) --no-print-directory -f $(here)Makefile merged-evidence STALE_EVIDENCE="$(strip $(STALE_EVIDENCE))",@:)
endif
.PHONY: collected-evidence

# Make calls itself for what is shared out, as only then it is known which layers are stale. Parts of other layers, or of
# dictionaries that were other files, are stale too.
ifneq ($(filter merged-evidence,$(GOALS)),)
EVIDENCE_PARTS := $(call parts,$(WORK)/shards/evidence)
stamp_of_evidence-parts = $(stamp_of_evidence) $(STALE_EVIDENCE) $(DICTIONARY_STATE)
DICTIONARY_STATE := $(shell find -L $(DICTIONARIES) -type f -printf '%P %s %T@\n' | sort | sha256sum)
$(if $(STALE_EVIDENCE),,$(error merged-evidence is made by make evidence))
.SECONDARY: $(EVIDENCE_PARTS)
$(EVIDENCE_PARTS): $(WORK)/shards/evidence/%-of-$(SHARDS).h5: $(call built,stage-dictionary) $(STAMPS)/evidence-parts \
		$(foreach layer,$(STALE_EVIDENCE),$(call weights_of,$(layer))) $(INPUT_FILES)
	$(call part,evidence,$(run_evidence))
merged-evidence: $(EVIDENCE_PARTS)
	$(call all_parts,evidence,$(WORK)/shards/evidence,$(STAMPS)/evidence-parts,$(run_evidence))
	$(call launch,merge-evidence)$(call program,stage-dictionary) merge --shards $(WORK)/shards/evidence --of $(SHARDS) --output-folder $(WORK)
	@$(call drop_parts,$(WORK)/shards/evidence)
.PHONY: merged-evidence
endif
else
dictionary evidence: $(call built,stage-dictionary) $(INPUT_FILES)
	layers=$$($(call program,stage-dictionary) layers --model $(call quote,$(MODEL_PATH)) \
		--layers $(call quote,$(LAYERS)) --heads $(call quote,$(HEADS))) \
		&& [[ -n $$layers ]] && $(MAKE) --no-print-directory -f $(here)Makefile $@ LAYERS="$$layers" HEADS=
endif

# --- Attributions ---

# $(call attribute,OPTIONS,NAME)
attribute = $(call launch,$(2))$(call program,stage-dictionary) attribute --model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) \
	--work $(WORK) --data $(DATA) $(strip $(described_dictionaries)) --edges $(ATTRIBUTED_EDGES) \
	$(if $(filter command% environment%,$(origin LAYERS)),--layers $(call quote,$(LAYERS))) \
	$(if $(HEADS),--heads $(call quote,$(HEADS))) $(1) $(workers)

ifeq ($(SHARDS),1)
attributions: $(call built,stage-dictionary) $$(TREE_IF_MISSING)
	$(call attribute,,attributions)
else
ATTRIBUTION_SHARDS := $(if $(filter attributions,$(GOALS)),$(addprefix attributions-,$(shell seq $(SHARDS))))
attributions: $(ATTRIBUTION_SHARDS)
$(ATTRIBUTION_SHARDS): attributions-%: $(call built,stage-dictionary) $$(TREE_IF_MISSING)
	$(call attribute,--shard $*/$(SHARDS),attributions-$*)
.PHONY: $(ATTRIBUTION_SHARDS)
endif
.PHONY: dictionary evidence attributions
