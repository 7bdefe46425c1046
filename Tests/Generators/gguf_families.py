# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/Fixtures/gguf: the tiny Hugging Face models of Tests/Fixtures/models as llama.cpp's
conversion would write them.

    pip install gguf==0.19.0 numpy
    python Tests/Generators/gguf_families.py

Tensor names come from the gguf package; what the conversion does to layouts and which metadata it
writes follows llama.cpp's conversion scripts (conversion/*.py, convert_hf_to_gguf.py), as noted below.
"""

import json
import math
import re
import sys
from pathlib import Path

import gguf
import numpy as np

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures"

# family: (llama.cpp's architecture, type of the matrices). Matrices are F16 where F32 is above 250 kB.
FAMILIES = {
    "gpt2": ("gpt2", "F16"),
    "llama3-rope": ("llama", "F32"),
    "mistral": ("llama", "F32"),
    "qwen2": ("qwen2", "F32"),
    "qwen3": ("qwen3", "F32"),
    "gpt_neox": ("gptneox", "F16"),
    "gemma2": ("gemma2", "F32"),
    "gemma3": ("gemma3", "F16"),
    "phi3": ("phi3", "F32"),
    "olmo2": ("olmo2", "F32"),
    "bert": ("bert", "F32"),
    "phi": ("phi2", "F32"),
    "starcoder2": ("starcoder2", "F32"),
    "stablelm": ("stablelm", "F32"),
    "falcon": ("falcon", "F32"),
    "falcon-40b": ("falcon", "F32"),
    "qwen3_moe": ("qwen3moe", "F32"),
    "gpt_oss": ("gpt-oss", "F32"),
    "gpt_oss-mxfp4": ("gpt-oss", "F32"),
}

# Their classes write no base of the rotary frequencies, and all their checkpoints have the default.
WITHOUT_BASE = ["gptneox", "gemma2", "phi2", "stablelm", "falcon"]


def main():
    (FIXTURES / "gguf").mkdir(exist_ok=True)
    for family in sys.argv[1:] or FAMILIES:
        convert(family)


def convert(family):
    architecture, kind = FAMILIES[family]
    folder = FIXTURES / "models" / family
    config = json.loads((folder / "config.legacy.json").read_text())
    path = FIXTURES / "gguf" / f"{family}.gguf"
    writer = gguf.GGUFWriter(path, architecture)
    add_metadata(writer, architecture, config)
    names = name_map(architecture, layers(config))
    # llama.cpp's qwen3moe has experts in all layers; the tiny model's other one is called as in qwen3.
    dense = name_map("qwen3", layers(config))
    tensors = read(folder / "model.safetensors")
    for name, bytes_of_blocks in mxfp4_repacked(tensors).items():
        new_name = gguf_name(names, name)
        writer.add_tensor(new_name, bytes_of_blocks, raw_dtype=gguf.GGMLQuantizationType.MXFP4)
    for name, values in sorted(gate_and_up_apart(experts_stacked(tensors)).items()):
        stored = converted(architecture, config, name, values.astype(np.float32))
        if stored is None:
            continue
        # GptOssModel.filter_tensors: sinks are called weights.
        name = f"{name}.weight" if name.endswith(".sinks") else name
        new_name = gguf_name(names, name) or gguf_name(dense, name)
        assert new_name, name
        wide = stored.ndim < 2 or kind == "F32"
        writer.add_tensor(new_name, np.ascontiguousarray(stored, np.float32 if wide else np.float16))
    if (factors := rope_factors(config)) is not None:
        writer.add_tensor("rope_freqs.weight", factors)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(path.name, path.stat().st_size)


def layers(config):
    return config.get("n_layer") or config["num_hidden_layers"]


def name_map(architecture, n_layers):
    arch = next(a for a, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    return gguf.get_tensor_name_map(arch, n_layers)


def gguf_name(names, name):
    return names.get_name(name.removeprefix("bert."), try_suffixes=(".weight", ".bias"))


def add_metadata(writer, architecture, config):
    """What set_gguf_parameters of each class writes, and a vocabulary without meaning."""
    heads = config.get("n_head") or config["num_attention_heads"]
    width = config.get("n_embd") or config["hidden_size"]
    writer.add_block_count(layers(config))
    writer.add_context_length(config.get("n_ctx") or config["max_position_embeddings"])
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(config.get("intermediate_size") or 4 * width)
    writer.add_head_count(heads)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if architecture == "falcon":
        writer.add_head_count_kv(config["num_kv_heads"] if config["new_decoder_architecture"] else 1)
    if "num_key_value_heads" in config:
        writer.add_head_count_kv(config["num_key_value_heads"])
    if "rms_norm_eps" in config:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    # Of StarCoder 2 llama.cpp takes layer_norm_epsilon; published models have the same as norm_epsilon, which counts.
    for key in ["norm_epsilon", "layer_norm_eps", "layer_norm_epsilon"]:
        if key in config:
            writer.add_layer_norm_eps(config[key])
            break
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
    if "rope_theta" in config and architecture not in WITHOUT_BASE:
        writer.add_rope_freq_base(config["rope_theta"])
    match architecture:
        case "llama":
            writer.add_vocab_size(config["vocab_size"])
            writer.add_rope_dimension_count(width // heads)
            # Conversion drops Mistral's window; some other writers keep it under this key.
            if "sliding_window" in config:
                writer.add_sliding_window(config["sliding_window"])
        case "gptneox":
            writer.add_rope_dimension_count(int(config["rotary_pct"] * (width // heads)))
            writer.add_parallel_residual(config["use_parallel_residual"])
        case "phi3":
            writer.add_rope_scaling_orig_ctx_len(config["original_max_position_embeddings"])
            writer.add_rope_dimension_count(width // heads)
            writer.add_sliding_window(config["sliding_window"])
        case "gemma2":
            writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
            writer.add_final_logit_softcapping(config["final_logit_softcapping"])
            writer.add_sliding_window(config["sliding_window"])
        case "gemma3":
            writer.add_rope_freq_base_swa(config["rope_local_base_freq"])
            writer.add_sliding_window(config["sliding_window"])
            # Only needed because the tiny model alternates every 3 layers and not every 6.
            writer.add_sliding_window_pattern(config["sliding_window_pattern"])
        case "phi2":
            writer.add_rope_dimension_count(int(config["partial_rotary_factor"] * width) // heads)
        case "stablelm":
            writer.add_rope_dimension_count(int(config["partial_rotary_factor"] * (width // heads)))
            writer.add_parallel_residual(config["use_parallel_residual"])
        case "starcoder2":
            # Conversion drops the window, which is 4096 in all published models.
            writer.add_sliding_window(config["sliding_window"])
        case "falcon":
            writer.add_tensor_data_layout("jploski")
        case "gpt-oss":
            scaling = config["rope_scaling"]
            writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
            writer.add_rope_scaling_factor(scaling["factor"])
            writer.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
            writer.add_rope_scaling_yarn_beta_fast(scaling["beta_fast"])
            writer.add_rope_scaling_yarn_beta_slow(scaling["beta_slow"])
            writer.add_sliding_window(config["sliding_window"])
            writer.add_expert_count(config["num_local_experts"])
            writer.add_expert_used_count(config["num_experts_per_tok"])
            writer.add_expert_feed_forward_length(config["intermediate_size"])
        case "qwen3moe":
            writer.add_expert_count(config["num_experts"])
            writer.add_expert_used_count(config["num_experts_per_tok"])
            writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
        case "bert":
            writer.add_causal_attention(False)
            writer.add_pooling_type(gguf.PoolingType.MEAN)
            writer.add_token_type_count(config["type_vocab_size"])
    writer.add_tokenizer_model("bert" if architecture == "bert" else "gpt2")
    writer.add_token_list([f"t{i}" for i in range(config["vocab_size"])])


def converted(architecture, config, name, values):
    """modify_tensors of each class; None for what is left out."""
    heads = config.get("n_head") or config["num_attention_heads"]
    if architecture == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
        return values.T
    if architecture == "llama":
        if ".q_proj." in name:
            return permuted(values, heads)
        if ".k_proj." in name:
            return permuted(values, config["num_key_value_heads"])
    if architecture == "gptneox" and ".query_key_value." in name:
        return np.concatenate(list(values.reshape(heads, 3, -1, *values.shape[1:]).swapaxes(0, 1)
                                   .reshape(3, -1, *values.shape[1:])))
    if architecture == "falcon":
        if name == "lm_head.weight" and config.get("tie_word_embeddings", True):
            return None
        if ".query_key_value." in name:
            # q, k and v of each key/value head, one after another.
            groups = config["num_kv_heads"] if config["new_decoder_architecture"] else 1
            size = width_of_head(config)
            rows = values.reshape(groups, heads // groups + 2, size, -1)
            return np.concatenate([part.reshape(-1, values.shape[1])
                                   for part in (rows[:, :-2], rows[:, -2], rows[:, -1])])
    if architecture in ["gemma2", "gemma3"]:
        if name == "lm_head.weight":
            return None
        if name.endswith("norm.weight"):
            values = values + 1
        # llama.cpp takes the score scale from the head size; these models state another one, which
        # is folded into the queries.
        if name.endswith({"gemma2": "q_proj.weight", "gemma3": "q_norm.weight"}[architecture]):
            values = values * math.sqrt(config["head_dim"] / config["query_pre_attn_scalar"])
    if architecture == "bert" and ("pooler" in name or name.startswith("cls.")):
        return None
    return values


def width_of_head(config):
    return config["hidden_size"] // config["num_attention_heads"]


def experts_stacked(tensors):
    """Qwen2MoeModel.modify_tensors: the experts of a layer in one tensor for each of their matrices."""
    stacks = {}
    for name in list(tensors):
        if match := re.fullmatch(r"(.*\.mlp\.experts\.)(\d+)\.(.*)", name):
            stacks.setdefault(match[1] + match[3], {})[int(match[2])] = tensors.pop(name)
    return tensors | {name: np.stack([stack[e] for e in sorted(stack)]) for name, stack in stacks.items()}


def read(path):
    """The tensors of a safetensors file; BF16 as the Float32 numbers they are."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    types = {"F32": np.float32, "F16": np.float16, "U8": np.uint8, "BF16": np.uint16}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        values = np.frombuffer(data[start:end], types[entry["dtype"]]).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        tensors[name] = values
    return tensors


def mxfp4_repacked(tensors):
    """GptOssModel.repack_mxfp4: blocks that begin with their scale, low half-bytes for the first 16 numbers and high
    ones for the rest; gate and up, which are in turn, apart. Takes them out of `tensors`."""
    repacked = {}
    for name in [name for name in tensors if name.endswith("_blocks")]:
        stem = name.removesuffix("_blocks")
        blocks, scales = tensors.pop(name), tensors.pop(stem + "_scales")
        halves = np.stack([blocks & 15, blocks >> 4], -1).reshape(*blocks.shape[:-1], 32)
        packed = np.concatenate([scales[..., None], halves[..., :16] | halves[..., 16:] << 4], -1)
        packed = np.ascontiguousarray(packed.reshape(*blocks.shape[:2], -1))
        if stem.endswith("gate_up_proj"):
            for kind, first in [("gate", 0), ("up", 1)]:
                repacked[stem.replace("gate_up", kind) + ".weight"] = np.ascontiguousarray(packed[:, first::2])
        else:
            repacked[stem + ".weight"] = packed
    return repacked


def gate_and_up_apart(tensors):
    """GptOssModel.modify_tensors: experts as [experts, out, in], gate and up, which are in turn, apart."""
    apart = {}
    for name, values in tensors.items():
        match = re.fullmatch(r"(.*\.mlp\.experts\.)(gate_up|down)_proj(_bias)?", name)
        if not match:
            apart[name] = values
            continue
        stem, kind, bias = match.groups()
        ending = "_proj.bias" if bias else "_proj.weight"
        rows = values if bias else values.swapaxes(1, 2)
        if kind == "down":
            apart[stem + "down" + ending] = rows
        else:
            apart |= {stem + "gate" + ending: rows[:, ::2], stem + "up" + ending: rows[:, 1::2]}
    return apart


def permuted(values, heads):
    """LlamaModel.permute: the halves of a rotary head, interleaved."""
    size = values.shape[0] // heads // 2
    return values.reshape(heads, 2, size, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def rope_factors(config):
    """LlamaModel.generate_extra_tensors: what divides the frequencies of Llama 3."""
    scaling = config.get("rope_scaling")
    if not scaling or scaling["rope_type"] != "llama3":
        return None
    size = config["hidden_size"] // config["num_attention_heads"]
    frequencies = config["rope_theta"] ** -(np.arange(0, size, 2) / size)
    turns = scaling["original_max_position_embeddings"] * frequencies / (2 * np.pi)
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / scaling["factor"] + smooth)).astype(np.float32)


main()
