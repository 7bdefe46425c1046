// SPDX-License-Identifier: Apache-2.0
// Dictionaries in their publishers' layouts fire as their published formulas say (Tests/Generators/
// published_dictionaries.py).

import FeatureDictionaries
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct PublishedTests {
    private struct Expected: Decodable {
        struct Case: Decodable {
            let layer: Int
            /// `residual`, or `heads` for the outputs of heads.
            let place: String
            /// What the decoder is multiplied by, to speak of x itself.
            let gain: Float
            let activations: [[Float]]
        }
        let x: [[Float]]
        // swift-format-ignore: AlwaysUseLowerCamelCase
        let b_dec: [Float]
        // swift-format-ignore: AlwaysUseLowerCamelCase
        let w_dec: [[Float]]
        let cases: [String: Case]
    }

    /// What SAELens' loaders make of the same files (Tests/Generators/published_with_saelens.py).
    private struct FromSAELens: Decodable {
        let activations: [[Float]]
        let reconstruction: [[Float]]
    }

    private static let root = Fixtures.url("published")
    private static let paths: [String] = {
        let data = try? Data(contentsOf: root.appending(path: "expected.json"))
        let expected = data.flatMap { try? JSONDecoder().decode(Expected.self, from: $0) }
        return expected.map { $0.cases.keys.sorted() } ?? []
    }()

    @Test func `there are dictionaries of every publisher`() {
        #expect(Self.paths.count == 17)
    }

    private func load<Value: Decodable>(_ name: String) throws -> Value {
        try JSONDecoder().decode(
            Value.self, from: try Data(contentsOf: Self.root.appending(path: name)))
    }

    /// The dictionary at a path, found from the folder that a user would name.
    private func dictionary(_ path: String, _ expected: Expected) throws -> FeatureDictionary {
        let expectation = try #require(expected.cases[path])
        let top = Self.root.appending(
            path: path.contains("dictionary_learning")
                ? path : String(path.split(separator: "/")[0]))
        let folder = DictionaryFolder(top)
        let (place, other): (DictionaryPlace, DictionaryPlace) =
            expectation.place == "heads"
            ? (.headOutputs, .residualStream) : (.residualStream, .headOutputs)
        #expect(try folder.locate(layer: expectation.layer - 1, of: place) == nil)
        #expect(try folder.locate(layer: expectation.layer, of: other) == nil)
        let files = try #require(try folder.locate(layer: expectation.layer, of: place))
        #expect(files.block == 3)
        return try files.dictionary(
            place, width: expected.x[0].count, layers: 9, usesLayerNorm: true)
    }

    private func activations(_ dictionary: FeatureDictionary, of x: [[Float]]) -> [[Float]] {
        var codes = SparseCodes()
        FeatureEncoder(dictionary).encode(x.flatMap { $0 }, rows: x.count, into: &codes)
        return x.indices.map { row in
            var dense = [Float](repeating: 0, count: dictionary.dSAE)
            for i in codes.range(of: row) { dense[Int(codes.features[i])] = codes.activations[i] }
            return dense
        }
    }

    private func expectEqual(_ a: [[Float]], _ b: [[Float]], _ tolerance: Float = 1e-5) {
        #expect(a.count == b.count)
        for (row, (a, b)) in zip(a, b).enumerated() {
            #expect(a.count == b.count)
            for (a, b) in zip(a, b) { #expect(abs(a - b) < tolerance, "row \(row)") }
        }
    }

    @Test(arguments: paths)
    func `features fire as the formula says`(path: String) throws {
        let expected: Expected = try load("expected.json")
        let expectation = try #require(expected.cases[path])
        let dictionary = try dictionary(path, expected)
        #expect(dictionary.layer == expectation.layer)
        let gain = expectation.gain
        expectEqual([dictionary.decoderBias], [expected.b_dec.map { $0 * gain }])
        expectEqual([dictionary.decoder], [expected.w_dec.flatMap { $0 }.map { $0 * gain }])
        expectEqual(activations(dictionary, of: expected.x), expectation.activations)
    }

    @Test func `features fire, and add up, as in SAELens`() throws {
        let expected: Expected = try load("expected.json")
        let answers: [String: FromSAELens] = try load("saelens.json")
        #expect(answers.count == 14)
        for (path, answer) in answers {
            let dictionary = try dictionary(path, expected)
            let activations = activations(dictionary, of: expected.x)
            expectEqual(activations, answer.activations)
            let width = dictionary.dModel
            let sums = activations.map { row in
                (0..<width).map { i in
                    row.indices.reduce(dictionary.decoderBias[i]) {
                        $0 + row[$1] * dictionary.decoder[$1 * width + i]
                    }
                }
            }
            expectEqual(sums, answer.reconstruction, 1e-4)
        }
    }

    @Test func `several for one layer are listed, and a choice or a link takes one`() throws {
        try withTemporaryFolder { folder in
            let source = Self.root.appending(
                path: "gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71")
            let layer = folder.appending(path: "layer_3")
            for (width, sparsity) in [("16k", "71"), ("16k", "142"), ("65k", "71")] {
                let parent = layer.appending(path: "width_\(width)")
                try FileManager.default.createDirectory(
                    at: parent, withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    at: source, to: parent.appending(path: "average_l0_\(sparsity)"))
            }
            let dictionaries = DictionaryFolder(folder)
            let error = #expect(throws: UserError.self) { try dictionaries.locate(layer: 4) }
            for part in [
                "average_l0_142/params.npz (width 16k, L0 142)",
                "average_l0_71/params.npz (width 65k, L0 71)", "DICTIONARY_WIDTH", "3 dictionaries",
            ] { #expect(error?.description.contains(part) == true, "\(part)") }

            func chosen(_ width: String?, _ l0: String?) throws -> String? {
                let choice = DictionaryChoice(width: width, l0: l0)
                return try DictionaryFolder(folder, choice: choice).locate(layer: 4)?.folder.path
            }
            #expect(try chosen("16384", "142")?.hasSuffix("width_16k/average_l0_142") == true)
            #expect(try chosen("65K", nil)?.hasSuffix("width_65k/average_l0_71") == true)
            let ambiguous = #expect(throws: UserError.self) { try chosen("16k", nil) }
            #expect(ambiguous?.description.contains("2 dictionaries") == true)
            #expect(ambiguous?.description.contains("65k") == false)
            let missing = #expect(throws: UserError.self) { try chosen("16k", "20") }
            #expect(missing?.description.contains("width 16k and L0 20") == true)
            #expect(missing?.description.contains("width 65k, L0 71") == true)

            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: "L4"),
                withDestinationURL: layer.appending(path: "width_16k/average_l0_71"))
            #expect(try dictionaries.dictionary(forLayer: 4, dModel: 12, layers: 9)?.layer == 4)
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: "L5"),
                withDestinationURL: layer.appending(path: "width_16k/average_l0_71"))
            let wrong = #expect(throws: UserError.self) {
                try dictionaries.dictionary(forLayer: 5, dModel: 12, layers: 9)
            }
            #expect(wrong?.description.contains("for layer 4") == true)
        }
    }

    @Test func `widths and sparsities come from configurations where no name says them`() throws {
        try withTemporaryFolder { folder in
            let source = Self.root.appending(path: "dictionary_learning")
            for kind in ["AutoEncoderTopK", "BatchTopKSAE"] {
                try FileManager.default.copyItem(
                    at: source.appending(path: "\(kind)/trainer_0"),
                    to: folder.appending(path: kind))
            }
            let error = #expect(throws: UserError.self) {
                try DictionaryFolder(folder).locate(layer: 4)
            }
            #expect(error?.description.contains("AutoEncoderTopK/ae.pt (width 30, L0 4)") == true)
        }
    }

    @Test func `the same place is found under each of its names`() throws {
        for (hook, layer) in [
            ("blocks.2.hook_resid_pre", 2), ("blocks.1.hook_resid_post", 2),
            ("model.layers.1", 2), ("model.layers.1.output", 2), ("gpt_neox.layers.1", 2),
        ] {
            try withTemporaryFolder { folder in
                try SAELensFixtures.copy(
                    "old-topk", to: folder.appending(path: "x"), changing: ["hook_name": hook])
                let dictionaries = DictionaryFolder(folder)
                #expect(try dictionaries.locate(layer: layer) != nil, "\(hook)")
                #expect(try dictionaries.locate(layer: layer - 1) == nil)
                #expect(try dictionaries.locate(layer: layer, of: .headOutputs) == nil)
            }
        }
        for hook in ["blocks.2.attn.hook_z", "model.layers.2.self_attn.o_proj.input"] {
            try withTemporaryFolder { folder in
                try SAELensFixtures.copy(
                    "old-topk", to: folder.appending(path: "x"), changing: ["hook_name": hook])
                let dictionaries = DictionaryFolder(folder)
                #expect(try dictionaries.locate(layer: 2) == nil)
                let files = try #require(try dictionaries.locate(layer: 2, of: .headOutputs))
                let dictionary = try files.dictionary(
                    .headOutputs, width: 16, layers: 4, usesLayerNorm: true)
                #expect(dictionary.layer == 2)
                let error = #expect(throws: UserError.self) {
                    try files.dictionary(
                        .residualStream, width: 16, layers: 4, usesLayerNorm: true)
                }
                #expect(error?.description.contains("call its folder Z2") == true)
            }
        }
    }

    @Test func `Neuronpedia's exports describe the dictionary of their block`() throws {
        try withTemporaryFolder { folder in
            let own = folder.appending(path: "L4")
            try FileManager.default.copyItem(
                at: Self.root.appending(
                    path: "gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71"), to: own)
            // No name says its block once it lies there: the labels of any source are taken.
            let labels = own.appending(path: "explanations")
            try FileManager.default.createDirectory(at: labels, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: Self.root.appending(path: "neuronpedia/3-gemmascope-res-16k/explanations"),
                to: folder.appending(path: "other"))
            for batch in ["batch-0.jsonl.gz", "batch-10.jsonl.gz", "batch-2.jsonl.gz"] {
                try FileManager.default.copyItem(
                    at: folder.appending(path: "other/\(batch)"),
                    to: labels.appending(path: batch))
            }
            let dictionaries = DictionaryFolder(folder)
            let files = try #require(try dictionaries.locate(layer: 4))
            let found = try dictionaries.descriptions(of: files)
            #expect(
                found.map(\.lastPathComponent)
                    == ["batch-0.jsonl.gz", "batch-2.jsonl.gz", "batch-10.jsonl.gz"])
            let descriptions = try FeatureDescriptions(contentsOf: found, count: 30)
            #expect(descriptions[0] == "names of months" && descriptions[1] == "été")
            #expect(descriptions.count == 3)

            // Of a folder with several sources, that of the dictionary's block.
            let sources = Self.root.appending(path: "neuronpedia")
            let named = DictionaryFolder(
                Self.root.appending(path: "gemma-scope-2b-pt-res"),
                choice: DictionaryChoice(descriptions: sources))
            let there = try #require(try named.locate(layer: 4))
            #expect(try named.descriptions(of: there).count == 3)
            let wrong = #expect(throws: UserError.self) {
                try FeatureDescriptions(
                    contentsOf: named.descriptions(of: there), count: 30, block: 4)
            }
            #expect(wrong?.description.contains("3-gemmascope-res-16k") == true)
            let nowhere = DictionaryFolder(
                folder, choice: DictionaryChoice(descriptions: URL(filePath: "/nowhere")))
            #expect(throws: UserError.self) { try nowhere.descriptions(of: there) }
        }
    }

    @Test func `dictionaries of other places are refused by name`() throws {
        try withTemporaryFolder { folder in
            for (name, reason) in [
                ("transcoder_all", "transcoder"), ("mlp_out", "MLP"), ("attn_out", "hook_z"),
                ("clt", "cross-layer"), ("crosscoder", "several layers"),
            ] {
                let inner = folder.appending(path: "\(name)/layer_3_width_16k/x")
                try FileManager.default.createDirectory(
                    at: inner.deletingLastPathComponent(), withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    at: Self.root.appending(
                        path: "gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71"), to: inner)
                let dictionaries = DictionaryFolder(folder.appending(path: name))
                #expect(try dictionaries.locate(layer: 4) == nil)
                try FileManager.default.createSymbolicLink(
                    at: folder.appending(path: "\(name)/L4"), withDestinationURL: inner)
                let error = #expect(throws: UserError.self) {
                    try dictionaries.dictionary(forLayer: 4, dModel: 12, layers: 9)
                }
                #expect(error?.description.contains(reason) == true)
            }
        }
    }
}
