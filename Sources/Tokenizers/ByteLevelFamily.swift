// SPDX-License-Identifier: Apache-2.0
// The byte-level tokenizers that GGUF knows by name.

import UserErrors

/// What the names of byte-level pre-tokenizers stand for.
struct ByteLevelFamily {
    private enum Words {
        case gpt2
        /// GPT-2's, after every digit was cut off.
        case singleDigits
        /// Llama 3's and Qwen2's, which differ in how many digits stay together.
        case digits(Int)
        /// GPT-4o's, which cuts before capitals.
        case gpt4o
    }

    private let words: Words
    var normalizer: [NormalizerStep] = []
    var ignoresMerges = false
    var addsBOS = false

    init(pre: String?) throws {
        switch pre {
        case "gpt-2", "gpt2", "phi-2", "roberta-bpe": words = .gpt2
        // The tokenizer of GPT-NeoX and Pythia, which OLMo took over.
        case "olmo":
            words = .gpt2
            normalizer = [.normalForm(.nfc)]
        case "smollm", "starcoder", "codeshell": words = .singleDigits
        case "llama-bpe", "llama3", "llama-v3":
            words = .digits(3)
            ignoresMerges = true
            addsBOS = true
        case "qwen2", "deepseek-r1-qwen":
            words = .digits(1)
            normalizer = [.normalForm(.nfc)]
        case "gpt-4o":
            words = .gpt4o
            ignoresMerges = true
        default:
            throw UserError(
                "tokenizer.ggml.pre is \"\(pre ?? "")\"; supported are gpt-2, phi-2, roberta-bpe, "
                    + "olmo, smollm, starcoder, codeshell, llama-bpe, qwen2 and gpt-4o.")
        }
    }

    func preTokenizer() throws -> [PreTokenizerStep] {
        let name = "tokenizer.ggml.pre"
        switch words {
        case .gpt2:
            return [
                .split(
                    .pattern(try Pattern(ByteLevel.pattern, name: name)), .isolated, inverted: false
                )
            ]
        case .singleDigits:
            return [
                .split(.scalars(.numeric), .isolated, inverted: false),
                .split(
                    .pattern(try Pattern(ByteLevel.pattern, name: name)), .isolated, inverted: false
                ),
            ]
        case .digits(let count):
            let digits = count == 1 ? #"\p{N}"# : #"\p{N}{1,\#(count)}"#
            let pattern =
                #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
                + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
            return [.split(.pattern(try Pattern(pattern, name: name)), .isolated, inverted: false)]
        case .gpt4o:
            // tiktoken, tiktoken_ext/openai_public.py: o200k_base.
            let (capitals, small) = (
                #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#, #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
            )
            let (before, ending) = (#"[^\r\n\p{L}\p{N}]?"#, "(?i:'s|'t|'re|'ve|'m|'ll|'d)?")
            let pattern =
                "\(before)\(capitals)*\(small)+\(ending)|\(before)\(capitals)+\(small)*\(ending)"
                + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
            return [.split(.pattern(try Pattern(pattern, name: name)), .isolated, inverted: false)]
        }
    }
}
