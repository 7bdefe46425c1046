# SPDX-License-Identifier: Apache-2.0
# What MODEL and DATASET stand for. Out of this come
#   MODEL_PATH        where the model is, or will be once it is fetched
#   CORPUS_ARGUMENTS  the options of the scan that name what to read
#   INPUT_FILES       the files that make itself fetches or converts, as prerequisites
#   MODEL_FILES, MODEL_STATE   the same of the model alone
#   INPUT_STATE       names, sizes and times of the user's own files, for the stamp of the scan: their
#                     paths may hold spaces, which prerequisites may not

exists = $(shell test -e $(call quote,$(1)) && echo yes)
# owner/name, or owner/name@revision: a branch, a tag or a commit.
is_hub_id = $(shell [[ $(call quote,$(1)) =~ ^[[:alnum:]][[:alnum:]._-]*(/[[:alnum:]._-]+)?(@[[:alnum:]][[:alnum:]._/-]*)?$$ \
	&& $(call quote,$(1)) != *..* ]] && echo yes)
hub_name = $(subst /,--,$(1))
# $(call files,OPTION,PATH): what scripts/list-files prints; it says what is wrong by itself.
files = $(shell $(here)scripts/list-files $(1) $(call quote,$(2)))$(if $(filter-out 0,$(.SHELLSTATUS)),$(error $(2) cannot be used))

# --- MODEL ---

ifeq ($(MODEL),$(DEFAULT_MODEL))
MODEL_PATH := $(MODEL)
INPUT_FILES := $(MODEL)
else ifneq ($(call exists,$(MODEL)),)
MODEL_PATH := $(MODEL)
INPUT_STATE := $(call files,--state,$(MODEL))
else ifneq ($(call is_hub_id,$(MODEL)),)
MODEL_PATH := $(fetched)models/hub/$(call hub_name,$(MODEL))
INPUT_FILES := $(MODEL_PATH)
$(MODEL_PATH):
	$(here)scripts/resolve-hub model $(MODEL) $@
else
$(error MODEL is "$(MODEL)", which is neither a file or folder nor a Hub id (owner/name or owner/name@revision))
endif

MODEL_FILES := $(INPUT_FILES)
MODEL_STATE := $(INPUT_STATE)

# --- DATASET ---

PYARROW := $(fetched).venv/parquet
convert = $(here)scripts/parquet-to-jsonl --environment $(PYARROW) --field $(call quote,$(TEXT_FIELD))

ifeq ($(DATASET),$(DEFAULT_DATASET))
CORPUS_ARGUMENTS := --corpus $(DATASET)
INPUT_FILES += $(DATASET)
else ifeq ($(DATASET),-)
CORPUS_ARGUMENTS := --corpus -
else ifneq ($(or $(call exists,$(DATASET)),$(findstring *,$(DATASET)),$(findstring ?,$(DATASET)),$(findstring [,$(DATASET))),)
PARQUET_FILES := $(call files,--parquet,$(DATASET))
ifeq ($(PARQUET_FILES),)
CORPUS_ARGUMENTS := --corpus $(call quote,$(DATASET))
INPUT_STATE += $(call files,--state,$(DATASET))
else
# Each Parquet file is converted once, to a file of its own that is named after its path.
converted = $(fetched)corpora/parquet/$(subst /,--,$(patsubst /%,%,$(basename $(1)))).$(TEXT_FIELD).jsonl.zst
define conversion
$(call converted,$(1)): $(1) | $(PYARROW)
	$$(convert) $$< $$@
endef
$(foreach file,$(PARQUET_FILES),$(eval $(call conversion,$(file))))
JSON_LINES := $(foreach file,$(PARQUET_FILES),$(call converted,$(file)))
CORPUS_ARGUMENTS := $(JSON_LINES:%=--corpus %)
INPUT_FILES += $(JSON_LINES)
endif
else ifneq ($(call is_hub_id,$(DATASET)),)
HUB_CORPUS := $(fetched)corpora/hub/$(call hub_name,$(DATASET)).$(TEXT_FIELD)
CORPUS_ARGUMENTS := --corpus $(HUB_CORPUS)
INPUT_FILES += $(HUB_CORPUS)
$(HUB_CORPUS):
	$(here)scripts/resolve-hub dataset $(DATASET) $@ $(convert)
else
$(error DATASET is "$(DATASET)", which is neither a file or folder nor a glob nor a Hub id (owner/name or owner/name@revision))
endif

$(PYARROW): | $$(SETUP)
	$(here)scripts/parquet-to-jsonl --environment $@ --set-up
