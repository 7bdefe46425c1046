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
evidence_of = $(WORK)/features-L$(1).h5

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
$(foreach layer,$(OUTDATED),$(call dictionary_of,$(layer))): FORCE
$(foreach layer,$(DICTIONARY_LAYERS),$(call dictionary_of,$(layer))): $(call dictionary_of,%): | \
		$(call built,stage-dictionary) $(INPUT_FILES)
	$(call launch,dictionary-L$*)$(call program,stage-dictionary) train --layers $* $(strip $(training_parameters)) \
		$(workers) --output-folder $(DICTIONARIES)
	@printf '%s' $(call quote,$(stamp_of_training)) > $(@D)/.parameters
endif

# --- Evidence ---

# Each layer's evidence has a stamp of its own, as layers come and go.
EVIDENCE := $(DICTIONARY_LAYERS:%=features-L%)
stamp_of_evidence = $(strip $(evidence_parameters)) $(INPUT_STATE)
$(foreach stage,$(EVIDENCE),$(eval stamp_of_$(stage) = $$(stamp_of_evidence)))

# Without training, a layer's dictionary may have any name: the program finds it by its cfg.json.
weights_of = $(if $(filter dictionary,$(GOALS)),$(call dictionary_of,$(1)),$(or \
	$(wildcard $(call dictionary_of,$(1))),$(wildcard $(DICTIONARIES)/*/sae_weights.safetensors)))

$(foreach layer,$(DICTIONARY_LAYERS),$(call evidence_of,$(layer))): $(call evidence_of,%): \
		$(call built,stage-dictionary) $(STAMPS)/features-L% $$(call weights_of,$$*) $(INPUT_FILES)
	$(call launch,evidence-L$*)$(call program,stage-dictionary) evidence --layer $* $(strip $(evidence_parameters)) $(workers) --output $@

ifneq ($(DICTIONARY_LAYERS),)
dictionary evidence: $(foreach layer,$(DICTIONARY_LAYERS),$(call evidence_of,$(layer)))
else
dictionary evidence: $(call built,stage-dictionary) $(INPUT_FILES)
	layers=$$($(call program,stage-dictionary) layers --model $(call quote,$(MODEL_PATH)) \
		--layers $(call quote,$(LAYERS)) --heads $(call quote,$(HEADS))) \
		&& [[ -n $$layers ]] && $(MAKE) --no-print-directory -f $(here)Makefile $@ LAYERS="$$layers" HEADS=
endif

# --- Attributions ---

attributions: $(call built,stage-dictionary) $$(TREE_IF_MISSING)
	$(call launch,attributions)$(call program,stage-dictionary) attribute --model $(call quote,$(or $(SCANNED_MODEL),$(MODEL_PATH))) --work $(WORK) --data $(DATA) \
		$(strip $(described_dictionaries)) --edges $(ATTRIBUTED_EDGES) \
		$(if $(filter command% environment%,$(origin LAYERS)),--layers $(call quote,$(LAYERS))) \
		$(if $(HEADS),--heads $(call quote,$(HEADS))) $(workers)
.PHONY: dictionary evidence attributions
