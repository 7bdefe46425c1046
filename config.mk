# SPDX-License-Identifier: Apache-2.0
# What a run can be told. Give a variable on the command line (make data LAYERS="5 8"), in the
# environment, or change it here.

## Folders of a run; others than these keep experiments side by side.
WORK ?= work
DATA ?= data
## Whether a run waits (1) while another is at work in the same WORK or DATA, or stops and says which (0).
WAIT ?= 0
## Where what is fetched is kept (models/, corpora/): this folder, or WORK where this one is read-only.
FETCHED ?= $(DEFAULT_FETCHED)

## The model: a Hugging Face folder, a GGUF file, or a Hub id (owner/name, owner/name@revision).
MODEL ?= $(DEFAULT_MODEL)
## The corpus: a .txt, .jsonl or .parquet file (.txt and .jsonl also .gz and .zst), a folder, a glob,
## a Hub id (owner/name, owner/name@revision), or - for standard input.
DATASET ?= $(DEFAULT_DATASET)
## The field of a JSON line or a Parquet table that holds the text.
TEXT_FIELD ?= text
## What a document of a text file is: line or file.
DOC ?= line

## The heads to study: layers ("5 8", or all) with all their heads, and single heads ("5.1 8.3").
LAYERS ?= $(DEFAULT_LAYERS)
HEADS ?=

## How many sequences to walk (0: all of the corpus) and the tokens of each.
N_SEQUENCES ?= 0
SEQ_LEN ?= 256
## What becomes of a document longer than that: truncate, or split into several sequences.
CHUNK ?= truncate
## Whether sequences begin with a BOS token: auto (what the tokenizer states of itself; where it states
## nothing, if the model has one), 1 or 0. Attention gathers on position 0, so this changes many numbers.
BOS ?= auto

## Sequences to show of each head: intervals of activation, samples of each, and the very top ones.
N_INTERVALS ?= 10
SAMPLES_PER_INTERVAL ?= 20
TOP_SEQUENCES ?= 10
## What the scan keeps of both: up to it they can change without another scan.
MAX_SAMPLES ?= 40
MAX_TOP ?= 20
## From which attention on a pair of tokens counts in the token entropies.
ATTENTION_THRESHOLD ?= 0.3

## The clouds: how many edges the scan keeps of each head, and what makes one strong (attention or
## output_norm); what O is of: all that the head puts out at the query, or the edge's A v alone (query or
## edge); points shown, whether to run UMAP (1) or leave it at PCA (0), and its views
## as neighbours:distance ("5:0.1 15:0.1").
MAX_POINTS ?= 6000
EDGES ?= attention
N_POINTS ?= 5000
OUTPUT ?= query
UMAP ?= 1
VIEWS ?= 15:0.1

## Whether the model's weights are asked too (1): scores of copying and matching, ranks, and which heads
## compose with which. It takes no corpus, and is done anew only when the model changes.
WEIGHTS ?= 1

## Whether the heads are also tried on random tokens that are repeated (1), which no corpus biases: induction
## and, where logits are attributed, copying. A few seconds.
PROBE ?= 1
## Whether logits of attended and next tokens are attributed to heads: auto (where the last layer is
## studied), 1 or 0. The pass then runs to the model's end.
LENS ?= auto

## Dictionaries of features (make dictionary): their folder, with a folder for each layer (L5), which
## may be your own or downloaded.
DICTIONARIES ?= $(WORK)/dictionaries
## Of several dictionaries for a layer, the one with so many features (16k, 16384) and so many of them a token,
## or the publisher's word for it (71, small).
DICTIONARY_WIDTH ?=
DICTIONARY_L0 ?=
## What the features mean: a file of JSON lines (.jsonl, .jsonl.gz) or a folder of Neuronpedia's exports; without,
## what lies beside each dictionary.
DESCRIPTIONS ?=
## Of dictionaries trained here: the features for each dimension of the residual stream, how many of them
## fire at a token, and the tokens of the corpus to train on. Long documents are split for them unless CHUNK
## is given.
FEATURES_PER_DIMENSION ?= 8
K ?= 32
DICTIONARY_TOKENS ?= 500000

## Which edges make attributions takes apart: top:N of each head, by attention.
ATTRIBUTED_EDGES ?= top:20

## The questions that make lab asks: a file of JSON lines (docs/lab.md).
QUESTIONS ?=

## What the scan's products of weights are computed in: float32, the reference, or bf16 with sums in float32,
## faster and rounded (docs/scale.md); it needs oneDNN (apt-get install libdnnl2) and a processor with avx512_bf16.
PRECISION ?= float32

## The seed of every random choice, and how many cores to use (results do not depend on it; what LAUNCH starts
## elsewhere uses the cores it is given there, unless this is set).
SEED ?= 0
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)

## In how many shards the corpus is scanned, and read for what features fire on (at most 10000); make -j runs so many at
## the same time, and one that failed is done again alone.
SHARDS ?= 1
## Where what takes long runs (docs/scale.md): local; slurm, which gets all shards as one job array; or words before each
## command, such as "srun -c 16" or "ssh node7". LAUNCH_OPTIONS are told to it: "-p PARTITION -c 16 --mem=32G -t 4:00:00".
## The result depends on none of these.
LAUNCH ?= local
LAUNCH_OPTIONS ?=

## Where make serve listens, and where make site puts the page with its data.
PORT ?= 8080
SITE ?= dist

## What make neuronpedia writes: Neuronpedia's id of the model (gpt2-small, gemma-2-2b), and the folder of exports.
NP_MODEL ?=
EXPORTS ?= exports
