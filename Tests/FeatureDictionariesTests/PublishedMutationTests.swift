// SPDX-License-Identifier: Apache-2.0
// Damaged downloads: each dictionary loads with finite weights, or is refused in a sentence; nothing else happens.

import FeatureDictionaries
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct PublishedMutationTests {
    private static let root = Fixtures.url("published")

    /// Where dictionaries of every format lie, and of what place and layer they are.
    private static let dictionaries: [(path: String, place: DictionaryPlace, layer: Int)] = [
        ("gemma-scope-2b-pt-res", .residualStream, 4),
        ("gemma-scope-2-270m-pt", .residualStream, 4),
        ("gemma-scope-2b-pt-att", .headOutputs, 3), ("goodfire", .residualStream, 4),
        ("SAE-Res-Qwen3-1.7B-Base-W32K-L0_4", .residualStream, 4),
        ("sae-pythia-70m-32k", .residualStream, 4), ("Llama3_1-8B-Base-L3R-8x", .residualStream, 4),
        ("Llama-Scope-R1-Distill", .residualStream, 4),
        ("attn-saes-gpt2-small-all-layers", .headOutputs, 3),
        ("dictionary_learning/GatedAutoEncoder", .residualStream, 4),
        ("dictionary_learning/BatchTopKSAE", .residualStream, 4),
    ]

    /// One byte, one number or one piece of `data` is another one, or its end is missing.
    private func mutated(_ data: Data, _ generator: inout SplitMix) -> Data {
        var data = data
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !data.isEmpty {
            let place = Int.random(in: 0..<min(data.count, 2500), using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: data[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: data[place] = UInt8.random(in: 0...255, using: &generator)
            case 2:
                let number = ["-1", "0", "1e400", "9223372036854775807", "null", "[]"]
                    .randomElement(
                        using: &generator)
                data.replaceSubrange(place..<min(data.count, place + 2), with: (number ?? "").utf8)
            case 3: data.removeSubrange(place..<min(data.count, place + 7))
            default: data = data.prefix(Int.random(in: 0...data.count, using: &generator))
            }
        }
        return data
    }

    @Test(arguments: dictionaries.indices)
    func `damaged dictionaries load or are refused`(index: Int) throws {
        let (path, place, layer) = Self.dictionaries[index]
        var generator = SplitMix(state: UInt64(40 + index))
        var (loaded, refused) = (0, 0)
        try withTemporaryFolder { folder in
            let top = folder.appending(path: path.split(separator: "/").last.map(String.init) ?? "")
            try FileManager.default.copyItem(at: Self.root.appending(path: path), to: top)
            let located = try DictionaryFolder(top).locate(layer: layer, of: place)
            let files = try #require(located).files
            let originals = try files.map { try Data(contentsOf: $0) }
            for _ in 0..<300 {
                let at = Int.random(in: 0..<files.count, using: &generator)
                try mutated(originals[at], &generator).write(to: files[at])
                do {
                    let dictionary = try DictionaryFolder(top).locate(layer: layer, of: place)?
                        .dictionary(place, width: 12, layers: 9, usesLayerNorm: true)
                    if let dictionary {
                        let weights = dictionary.encoder + dictionary.decoder
                        #expect(!weights.contains { !$0.isFinite })
                        loaded += 1
                    } else {
                        refused += 1
                    }
                } catch let error as UserError {
                    #expect(error.description.hasSuffix("."))
                    refused += 1
                }
                try originals[at].write(to: files[at])
            }
        }
        #expect(loaded > 5 && refused > 30, "\(loaded) loaded, \(refused) refused")
    }

    @Test func `damaged exports of labels are read or refused`() throws {
        let source = Self.root.appending(
            path: "neuronpedia/3-gemmascope-res-16k/explanations/batch-0.jsonl.gz")
        let original = try Data(contentsOf: source)
        var generator = SplitMix(state: 3)
        var refused = 0
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "batch-0.jsonl.gz")
            for _ in 0..<500 {
                try mutated(original, &generator).write(to: file)
                do {
                    let read = try FeatureDescriptions(contentsOf: [file], count: 30)
                    #expect(read.count <= 2)
                } catch let error as UserError {
                    #expect(error.description.hasSuffix("."))
                    refused += 1
                }
            }
        }
        #expect(refused > 200)
    }

    @Test(arguments: ["os-system-zip", "os-system-legacy", "eval", "getattr-chain", "path-key"])
    func `a pickle that would run something is refused at once`(name: String) throws {
        try withTemporaryFolder { folder in
            let config = Self.root.appending(
                path: "dictionary_learning/AutoEncoder/trainer_0/config.json")
            try FileManager.default.copyItem(at: config, to: folder.appending(path: "config.json"))
            try FileManager.default.copyItem(
                at: Fixtures.url("torch/hostile-\(name)/pytorch_model.bin"),
                to: folder.appending(path: "ae.pt"))
            let start = ContinuousClock.now
            let error = #expect(throws: UserError.self) {
                try DictionaryFolder(folder).dictionary(forLayer: 4, dModel: 12, layers: 9)
            }
            // Milliseconds; the rest is for machines that do other things as well.
            #expect(ContinuousClock.now - start < .milliseconds(500))
            #expect(error?.description.contains("ae.pt") == true, "\(error?.description ?? "")")
        }
    }
}
