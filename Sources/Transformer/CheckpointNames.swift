// SPDX-License-Identifier: Apache-2.0
// What stands before and around the names that families know: the traces of training tools, and the wrappers of
// models that also see or hear.

import Checkpoints
import JSON
import UserErrors

enum CheckpointNames {
    /// What tools that wrap a model put before every name.
    private static let wrapping = ["_orig_mod.", "module.", "base_model.model."]
    /// Where a wrapper has its language model, and what that is called alone.
    private static let languageModel = [
        ("model.language_model.", "model."), ("language_model.model.", "model."),
        ("language_model.lm_head.", "lm_head."),
    ]
    /// What a wrapper has besides.
    private static let otherParts = [
        "vision_tower", "vision_model", "visual.", "audio_tower", "embed_vision", "embed_audio",
        "multi_modal_projector", "vision_",
    ]

    /// The checkpoint's names by those that families use.
    ///
    /// - Parameter isWrapped: whether the config describes the language model as a part of another.
    static func plain(_ checkpoint: Checkpoint, isWrapped: Bool) throws -> [String: String] {
        var names: [String: String] = [:]
        for stored in checkpoint.tensors.keys {
            if stored.contains(".lora_A.") || stored.contains(".lora_B.") {
                throw UserError(
                    "\(checkpoint.files[0].path): is a LoRA adapter without its base model; merge the two and give the whole model."
                )
            }
            guard let name = plain(stored, isWrapped: isWrapped) else { continue }
            names[name] = stored
        }
        return names
    }

    /// The name that families use; nil for a tensor that is no part of the language model.
    private static func plain(_ stored: String, isWrapped: Bool) -> String? {
        var name = stored[...]
        while let prefix = wrapping.first(where: name.hasPrefix) {
            name = name.dropFirst(prefix.count)
        }
        // Heads that predict further tokens are trained beside the model and not part of it.
        guard !name.hasPrefix("mtp.") else { return nil }
        guard isWrapped else { return String(name) }
        guard !otherParts.contains(where: name.contains) else { return nil }
        for (prefix, alone) in languageModel where name.hasPrefix(prefix) {
            return alone + name.dropFirst(prefix.count)
        }
        return String(name)
    }
}

extension ModelConfig {
    /// The configuration of the language model: this one, or the part for text of one that wraps it.
    func textConfig() throws -> ModelConfig {
        guard let type = try string("model_type"), let inner = Family.wrappers[type],
            let text = try object("text_config")
        else { return self }
        var shared: [String: JSONValue] = ["model_type": .string(inner)]
        for key in ["tie_word_embeddings", "bos_token_id", "quantization_config"] {
            if let value = self[key] { shared[key] = value }
        }
        return text.defaulting(shared)
    }
}
