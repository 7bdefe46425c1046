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
            let activations: [[Float]]
        }
        let x: [[Float]]
        // swift-format-ignore: AlwaysUseLowerCamelCase
        let b_dec: [Float]
        let cases: [String: Case]
    }

    private static let root = Fixtures.url("published")
    private static let paths: [String] = {
        let data = try? Data(contentsOf: root.appending(path: "expected.json"))
        let expected = data.flatMap { try? JSONDecoder().decode(Expected.self, from: $0) }
        return expected.map { $0.cases.keys.sorted() } ?? []
    }()

    @Test func `there are dictionaries of every publisher`() {
        #expect(Self.paths.count == 11)
    }

    @Test(arguments: paths)
    func `features fire as the formula says`(path: String) throws {
        let expected = try JSONDecoder().decode(
            Expected.self, from: try Data(contentsOf: Self.root.appending(path: "expected.json")))
        let expectation = try #require(expected.cases[path])
        let width = expected.x[0].count
        // Found from the folder that a user would name, whatever lies between.
        let top = Self.root.appending(
            path: path.contains("dictionary_learning")
                ? path : String(path.split(separator: "/")[0]))
        let folder = DictionaryFolder(top)
        #expect(try folder.dictionary(forLayer: 3, dModel: width, layers: 9) == nil)
        let dictionary = try #require(
            try folder.dictionary(forLayer: expectation.layer, dModel: width, layers: 9))
        #expect(dictionary.layer == expectation.layer)
        #expect(dictionary.decoderBias == expected.b_dec)
        let encoder = FeatureEncoder(dictionary)
        var codes = SparseCodes()
        encoder.encode(expected.x.flatMap { $0 }, rows: expected.x.count, into: &codes)
        for (row, want) in expectation.activations.enumerated() {
            var got = [Float](repeating: 0, count: want.count)
            for i in codes.range(of: row) { got[Int(codes.features[i])] = codes.activations[i] }
            for (a, b) in zip(got, want) { #expect(abs(a - b) < 1e-5, "row \(row)") }
        }
    }

    @Test func `several for one layer are listed, and a link chooses one`() throws {
        try withTemporaryFolder { folder in
            let source = Self.root.appending(path: "gemma-scope-2b-pt-res/layer_3/width_16k")
            let parent = folder.appending(path: "layer_3/width_16k")
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            for sparsity in ["average_l0_71", "average_l0_142"] {
                try FileManager.default.copyItem(
                    at: source.appending(path: "average_l0_71"),
                    to: parent.appending(path: sparsity))
            }
            let dictionaries = DictionaryFolder(folder)
            let error = #expect(throws: UserError.self) { try dictionaries.locate(layer: 4) }
            #expect(error?.description.contains("average_l0_142/params.npz") == true)
            #expect(error?.description.contains("average_l0_71/params.npz") == true)
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: "L4"),
                withDestinationURL: parent.appending(path: "average_l0_71"))
            #expect(try dictionaries.dictionary(forLayer: 4, dModel: 12, layers: 9)?.layer == 4)
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: "L5"),
                withDestinationURL: parent.appending(path: "average_l0_71"))
            let wrong = #expect(throws: UserError.self) {
                try dictionaries.dictionary(forLayer: 5, dModel: 12, layers: 9)
            }
            #expect(wrong?.description.contains("for layer 4") == true)
        }
    }

    @Test func `dictionaries of other places are refused by name`() throws {
        try withTemporaryFolder { folder in
            for (name, reason) in [
                ("transcoder_all", "transcoder"), ("mlp_out", "MLP"), ("attn_out", "attention"),
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
