// SPDX-License-Identifier: Apache-2.0
// stage-scan dump: every intermediate of one sequence, for comparison with a reference.

import ArgumentParser
import Foundation
import HDF5
import Stages
import Tensors
import Transformer
import UserErrors

struct Dump: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes every intermediate of one sequence to an HDF5 file.",
        discussion: """
            Writes input_ids and, under layers/<l>, attention, scores (NaN where masked), q, k (after \
            bias, norms and rotary, not scaled), v, z (attention @ v, before any gate), z_gated (where the model \
            gates z: what W_O reads), resid_pre and attn_input.
            """)

    @Option(help: "A Hugging Face model folder, or a .gguf file.")
    var model: String

    @Option(help: "Token ids apart by spaces.")
    var tokens: String?

    @Option(help: "A text, tokenized as it stands.")
    var text: String?

    @Option(help: "An HDF5 file with a dataset input_ids.")
    var tokensFrom: String?

    @Option(help: "The layers to write: numbers, or all.")
    var layers = "all"

    @Option(help: "What the products of weights are computed in: float32 or bf16.")
    var precision = Precision.float32

    @Option(help: "The file to write.")
    var output: String

    func validate() throws {
        let given = [tokens, text, tokensFrom].compactMap { $0 }.count
        guard given == 1 else {
            throw ValidationError("Give one of --tokens, --text and --tokens-from.")
        }
    }

    func run() throws {
        let model = try Model(opening: URL(filePath: model))
        let ids = try ids()
        guard !ids.isEmpty else {
            throw UserError("there are no tokens to run; give a longer text.")
        }
        let limit = model.description.nCtx
        guard ids.count <= min(limit, 65_535) else {
            throw UserError("\(ids.count) tokens are more than the model's \(limit) positions.")
        }
        let selection = try HeadSelection(layers: layers, heads: "", of: model.description)
        let recorder = Recorder(model.description, selection: selection)
        let pass = try ForwardPass(
            model, selection: selection, maxLength: ids.count, workers: 1, precision: precision)
        try pass.run([ids[...]], visitors: [recorder])
        try write(ids, recorder, model.description)
    }

    private func ids() throws -> [Int32] {
        if let tokensFrom { return try H5File.open(tokensFrom).read("input_ids", shape: [-1]) }
        if let text { return try LoadedModel.tokenizer(of: model).encode(text) }
        return try (tokens ?? "").split { $0.isWhitespace || $0 == "," }.map { word in
            guard let id = Int32(word) else {
                throw UserError("--tokens: \"\(word)\" is not a token id.")
            }
            return id
        }
    }

    private func write(_ ids: [Int32], _ recorder: Recorder, _ d: ModelDescription) throws {
        let file = try H5File.create(output + ".partial")
        let s = ids.count
        try file.write(
            ids.map(Int64.init), shape: [s], to: "input_ids", axes: ["position"],
            about: "Token ids.")
        for (layer, values) in recorder.layers.sorted(by: { $0.key < $1.key }) {
            let shape = d.shape(of: layer)
            func put(_ values: [Float], _ shape: [Int], _ name: String, _ axes: [String]) throws {
                try file.write(
                    values, shape: shape, to: "layers/\(layer)/\(name)", axes: axes,
                    about: "See docs/work-files.md.")
            }
            let pattern = ["head", "query", "key"]
            let vectors = ["head", "position", "head dimension"]
            let stream = ["position", "residual dimension"]
            try put(values.attention, [shape.nHeads, s, s], "attention", pattern)
            try put(values.scores, [shape.nHeads, s, s], "scores", pattern)
            try put(values.q, [shape.nHeads, s, shape.dHead], "q", vectors)
            try put(values.k, [shape.nKVHeads, s, shape.dHead], "k", vectors)
            try put(values.v, [shape.nKVHeads, s, shape.dValue], "v", vectors)
            try put(values.z, [shape.nHeads, s, shape.dValue], "z", vectors)
            if !values.gatedZ.isEmpty {
                try put(values.gatedZ, [shape.nHeads, s, shape.dValue], "z_gated", vectors)
            }
            try put(values.residual, [s, d.dModel], "resid_pre", stream)
            try put(values.attentionInput, [s, d.dModel], "attn_input", stream)
        }
        try file.close()
        guard rename(output + ".partial", output) == 0 else {
            throw UserError("\(output): cannot be written.")
        }
    }
}
