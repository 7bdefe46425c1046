// SPDX-License-Identifier: Apache-2.0
// A model whose residual stream is a known sparse sum of features, with a head that is built to look
// from one feature to another and to write a third.

import Foundation

/// GPT-2 with one layer of two heads and no positions. Token t is a sum of features; head 1 has
/// q = 3 (f · x), k = 2 (g · x), v = g · x in its first dimension and writes 1.5 v h.
public struct PlantedModel {
    /// Widths of the residual stream and of a head.
    public static let (dModel, dHead) = (32, 16)
    private static let epsilon = 1e-5
    /// The features of the built head: looks from f to g, and writes h.
    public static let (f, g, h) = (3, 11, 20)
    /// By token, its features with their activations.
    public static let tokens: [[(feature: Int, activation: Double)]] = [
        [(1, 2), (5, 1)],
        [(g, 1.5), (7, 2.5), (9, 0.5)],
        [(f, 2), (6, 3)],
        [(2, 1), (8, 4), (12, 0.25)],
    ]

    /// Orthonormal and of mean zero, so that the layer norm's mean takes nothing of them: the cosine
    /// functions but for the constant one. [width - 1, dModel].
    public static let features: [[Double]] = (1..<dModel).map { i in
        (0..<dModel).map { n in
            (2 / Double(dModel)).squareRoot()
                * cos(.pi * Double(i) * (Double(n) + 0.5) / Double(dModel))
        }
    }

    /// The residual stream of a token, [dModel].
    public static func residual(_ token: Int) -> [Double] {
        (0..<dModel).map { n in
            tokens[token].reduce(0) { $0 + $1.activation * features[$1.feature][n] }
        }
    }

    /// What the layer norm multiplies a token by.
    public static func scale(_ token: Int) -> Double {
        let square = residual(token).reduce(0) { $0 + $1 * $1 } / Double(dModel)
        return 1 / (square + epsilon).squareRoot()
    }

    /// Writes the model into a folder, with a tokenizer of the words a, b, c and d.
    public static func write(to folder: URL) throws {
        var qkv = [Double](repeating: 0, count: dModel * 3 * dModel)
        var output = [Double](repeating: 0, count: dModel * dModel)
        for n in 0..<dModel {
            qkv[n * 3 * dModel + dHead] = 3 * features[f][n]
            qkv[n * 3 * dModel + dModel + dHead] = 2 * features[g][n]
            qkv[n * 3 * dModel + 2 * dModel + dHead] = features[g][n]
            output[dHead * dModel + n] = 1.5 * features[h][n]
        }
        let one = [Double](repeating: 1, count: dModel)
        let zero = [Double](repeating: 0, count: dModel)
        var tensors: [(name: String, shape: [Int], values: [Double])] = [
            ("wte.weight", [tokens.count, dModel], tokens.indices.flatMap { residual($0) }),
            ("wpe.weight", [8, dModel], [Double](repeating: 0, count: 8 * dModel)),
            ("h.0.attn.c_attn.weight", [dModel, 3 * dModel], qkv),
            ("h.0.attn.c_attn.bias", [3 * dModel], [Double](repeating: 0, count: 3 * dModel)),
            ("h.0.attn.c_proj.weight", [dModel, dModel], output),
            ("h.0.attn.c_proj.bias", [dModel], zero),
            ("h.0.mlp.c_fc.weight", [dModel, 1], zero), ("h.0.mlp.c_fc.bias", [1], [0]),
            ("h.0.mlp.c_proj.weight", [1, dModel], zero), ("h.0.mlp.c_proj.bias", [dModel], zero),
        ]
        for norm in ["h.0.ln_1", "h.0.ln_2", "ln_f"] {
            tensors += [("\(norm).weight", [dModel], one), ("\(norm).bias", [dModel], zero)]
        }
        var header: [String: Any] = [:]
        var data = Data()
        for tensor in tensors {
            let start = data.count
            for value in tensor.values {
                withUnsafeBytes(of: Float(value).bitPattern.littleEndian) {
                    data.append(contentsOf: $0)
                }
            }
            header[tensor.name] = [
                "dtype": "F32", "shape": tensor.shape, "data_offsets": [start, data.count],
            ]
        }
        let json = try JSONSerialization.data(withJSONObject: header, options: .sortedKeys)
        var file = Data()
        withUnsafeBytes(of: UInt64(json.count).littleEndian) { file.append(contentsOf: $0) }
        try (file + json + data).write(to: folder.appending(path: "model.safetensors"))
        try Data(
            """
            {"model_type": "gpt2", "n_embd": \(dModel), "n_head": 2, "n_layer": 1, "n_inner": 1,
             "n_positions": 8, "vocab_size": \(tokens.count), "layer_norm_epsilon": \(epsilon),
             "activation_function": "gelu_new"}
            """.utf8
        ).write(to: folder.appending(path: "config.json"))
        try Data(
            #"""
            {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
             "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
             "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3}, "unk_token": "a"}}
            """#.utf8
        ).write(to: folder.appending(path: "tokenizer.json"))
    }
}
