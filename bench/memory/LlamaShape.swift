// SPDX-License-Identifier: Apache-2.0
// A synthetic checkpoint with the shapes of Llama 7B.

import Foundation

/// Llama 7B's sizes (Touvron et al. 2023, table 2), with a small vocabulary.
struct LlamaShape {
    let layers: Int
    let width = 4096
    let heads = 32
    let hidden = 11_008
    let vocabulary = 1024

    var summary: String { "\(width) wide, \(heads) heads, \(hidden) hidden, bf16" }

    /// Writes config.json and model.safetensors: random weights of the usual size, the same in each
    /// layer (what they are does not change the work).
    func write(to folder: URL) throws {
        let config: [String: Any] = [
            "model_type": "llama", "hidden_size": width, "num_attention_heads": heads,
            "num_hidden_layers": layers, "intermediate_size": hidden, "vocab_size": vocabulary,
            "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "hidden_act": "silu",
        ]
        try JSONSerialization.data(withJSONObject: config)
            .write(to: folder.appending(path: "config.json"))
        var header: [String: Any] = [:]
        var end = 0
        func add(_ name: String, _ shape: [Int]) {
            let start = end
            end += 2 * shape.reduce(1, *)
            header[name] = ["dtype": "BF16", "shape": shape, "data_offsets": [start, end]]
        }
        add("model.embed_tokens.weight", [vocabulary, width])
        add("model.norm.weight", [width])
        let start = end
        for l in 0..<layers {
            let h = "model.layers.\(l)."
            for name in ["q", "k", "v", "o"] {
                add(h + "self_attn.\(name)_proj.weight", [width, width])
            }
            for name in ["gate", "up"] { add(h + "mlp.\(name)_proj.weight", [hidden, width]) }
            add(h + "mlp.down_proj.weight", [width, hidden])
            add(h + "input_layernorm.weight", [width])
            add(h + "post_attention_layernorm.weight", [width])
        }
        var text = try JSONSerialization.data(withJSONObject: header)
        text += Data(repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
        let url = folder.appending(path: "model.safetensors")
        _ = FileManager.default.createFile(atPath: url.path, contents: nil)
        let file = try FileHandle(forWritingTo: url)
        try file.write(
            contentsOf: withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) })
        try file.write(contentsOf: text)
        try file.write(contentsOf: Self.random(count: start / 2))
        let layer = Self.random(count: (end - start) / layers / 2)
        for _ in 0..<layers { try file.write(contentsOf: layer) }
        try file.close()
    }

    /// Numbers of either sign from 2^-9 to 2^-7 in bf16: a bit of sign, eight of exponent, seven of
    /// mantissa.
    private static func random(count: Int) -> Data {
        var state: UInt32 = 1
        let values = (0..<count).map { _ -> UInt16 in
            state = state &* 1_664_525 &+ 1_013_904_223
            let bits = UInt16(truncatingIfNeeded: state >> 16)
            return (bits & 0x807f) | UInt16(118 + (state >> 31)) << 7
        }
        return values.withUnsafeBytes { Data($0) }
    }
}
