// SPDX-License-Identifier: Apache-2.0
// The readers of bytes that somebody else made.

import Checkpoints
import Corpora
import DataTree
import FeatureDictionaries
import Foundation
import JSON
import Stages
import TestSupport
import Tokenizers
import Transformer

/// A reader, and what is read with it to the end.
enum ForeignReader: String, CaseIterable {
    case safetensors, gguf, torch, numpy
    case config, tokenizer, charsmap, vocabulary
    case corpus, descriptions
    case saelens, published
    case json

    /// Reads `data`, or throws what the user would be told.
    func read(_ data: Data, in folder: URL) throws {
        switch self {
        case .safetensors: try readCheckpoint(data, folder.appending(path: "x.safetensors"))
        case .torch: try readCheckpoint(data, folder.appending(path: "x.bin"))
        case .numpy: try readCheckpoint(data, folder.appending(path: "x.npz"))
        case .gguf: try readGGUF(data, folder.appending(path: "x.gguf"))
        case .config: try readConfig(data, folder)
        case .tokenizer:
            try data.write(to: folder.appending(path: "tokenizer.json"))
            use(try Tokenizer(folder: folder))
        case .charsmap: try readCharacterMap(data, folder)
        case .vocabulary: try readVocabulary(data, folder)
        case .corpus: try readCorpus(data, folder)
        case .descriptions:
            let file = folder.appending(path: "descriptions.jsonl")
            try data.write(to: file)
            let descriptions = try FeatureDescriptions(contentsOf: [file], count: 100)
            for feature in 0..<100 { _ = descriptions[feature] }
        case .saelens: try readDictionary(data, folder)
        case .published: try readPublished(data, folder)
        case .json: readJSON(data)
        }
    }

    // MARK: - Weights

    private func readCheckpoint(_ data: Data, _ file: URL) throws {
        try data.write(to: file)
        try use(Checkpoint(opening: file))
    }

    private func use(_ checkpoint: Checkpoint) throws {
        for tensor in checkpoint.tensors.values where tensor.type.widens {
            guard tensor.rows * tensor.columns < 1 << 20 else { continue }
            precondition(tensor.widened().count == tensor.rows * tensor.columns)
        }
        let metadata = checkpoint.metadata
        for key in metadata.keys {
            _ = (metadata.string(key), metadata.int(key), metadata.float(key))
            _ = (metadata.bool(key), metadata.strings(key))
            _ = (metadata.ints(key), metadata.floats(key))
        }
    }

    private func readGGUF(_ data: Data, _ file: URL) throws {
        try data.write(to: file)
        try use(Checkpoint(opening: file))
        if let tokenizer = try? LoadedModel.tokenizer(of: file.path) { use(tokenizer) }
        _ = try Model(opening: file)
    }

    /// The weights beside it are of no model: every family is described, and then misses its tensors.
    private func readConfig(_ data: Data, _ folder: URL) throws {
        try data.write(to: folder.appending(path: "config.json"))
        try link("checkpoints/small.safetensors", to: folder.appending(path: "model.safetensors"))
        _ = try Model(opening: folder)
    }

    // MARK: - Text

    private static let text = "It's a <x> caf\u{E9} \u{4F60}\u{1F600} 12.\n\tA\u{301}  [MASK]"

    private func use(_ tokenizer: Tokenizer) {
        let ids = tokenizer.encodeWithSpecialTokens(Self.text)
        _ = tokenizer.encode(Self.text, limit: 3)
        _ = tokenizer.decode(ids)
        for id in ids + [-1, 0, 7, .max] { _ = tokenizer.display(id) }
    }

    /// A tokenizer whose normalizer is the map.
    private func readCharacterMap(_ data: Data, _ folder: URL) throws {
        let json = """
            {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "\(data.base64EncodedString())"},
            "model": {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}}
            """
        try Data(json.utf8).write(to: folder.appending(path: "tokenizer.json"))
        use(try Tokenizer(folder: folder))
    }

    /// The older files: the first line is the name of one of two layouts, the rest is cut at a line of dashes.
    private func readVocabulary(_ data: Data, _ folder: URL) throws {
        let parts = data.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        if parts.count > 1 {
            try Data(parts[0]).write(to: folder.appending(path: "vocab.json"))
            try Data(parts[1]).write(to: folder.appending(path: "merges.txt"))
        } else {
            try? FileManager.default.removeItem(at: folder.appending(path: "vocab.json"))
            try data.write(to: folder.appending(path: "vocab.txt"))
        }
        if parts.count > 2 {
            try Data(parts[2]).write(to: folder.appending(path: "tokenizer_config.json"))
        }
        use(try Tokenizer(folder: folder))
    }

    /// Under the name that the first bytes call for.
    private func readCorpus(_ data: Data, _ folder: URL) throws {
        let magic = [UInt8](data.prefix(4))
        let name =
            switch magic {
            case _ where magic.starts(with: [0x1F, 0x8B]): "x.jsonl.gz"
            case [0x28, 0xB5, 0x2F, 0xFD]: "x.jsonl.zst"
            case _ where magic.first == UInt8(ascii: "{"): "x.jsonl"
            default: "x.txt"
            }
        let file = folder.appending(path: name)
        try data.write(to: file)
        var options = CorpusOptions()
        options.longestLine = 1 << 20
        for documentPerFile in [false, true] {
            options.documentPerFile = documentPerFile
            let reader = try CorpusReader(paths: [file.path], options: options)
            var count = 0
            // A small file may stand for gigabytes.
            while try reader.next() != nil, count < 10_000 { count += 1 }
            _ = reader.report.brokenMessage
        }
    }

    // MARK: - Dictionaries

    /// SAELens' cfg.json beside weights that some of them are right for.
    private func readDictionary(_ data: Data, _ folder: URL) throws {
        try data.write(to: folder.appending(path: "cfg.json"))
        try link(
            "dictionaries/topk/sae_weights.safetensors",
            to: folder.appending(path: "sae_weights.safetensors"))
        use(try FeatureDictionary(contentsOf: folder, dModel: 16, layers: 4))
    }

    /// A publisher's config.json beside torch weights; or, where the bytes are no text, the weights themselves.
    private func readPublished(_ data: Data, _ folder: URL) throws {
        let trainer = folder.appending(path: "trainer_0")
        try FileManager.default.createDirectory(at: trainer, withIntermediateDirectories: true)
        let (config, weights) = (
            trainer.appending(path: "config.json"), trainer.appending(path: "ae.pt")
        )
        let example = "published/dictionary_learning/AutoEncoderTopK/trainer_0"
        // What was there may be a link, through which a fixture would be written.
        for file in [config, weights] { unlink(file.path) }
        if data.first == UInt8(ascii: "{") {
            try data.write(to: config)
            try link("\(example)/ae.pt", to: weights)
        } else {
            try link("\(example)/config.json", to: config)
            try data.write(to: weights)
        }
        for layer in 0..<5 {
            let found = try DictionaryFolder(folder).dictionary(
                forLayer: layer, dModel: 12, layers: 9)
            if let found { use(found) }
        }
    }

    private func use(_ dictionary: FeatureDictionary) {
        let rows = [Float](repeating: 0.5, count: 2 * dictionary.decoderBias.count)
        var codes = SparseCodes()
        FeatureEncoder(dictionary).encode(rows, rows: 2, into: &codes)
    }

    // MARK: - A tree's JSON

    /// A sound text stays sound when it is changed.
    private func readJSON(_ data: Data) {
        let bytes = [UInt8](data)
        _ = try? JSONValue(parsing: bytes, allowsNonFinite: true)
        if var text = try? JSONText(bytes), (try? text.set("a", to: Array("[1]".utf8))) != nil {
            guard let changed = try? JSONText(text.bytes),
                let value = changed.member("a", of: changed.root)
            else { preconditionFailure("a member that was set is not there") }
            precondition(changed.elements(of: value)?.count == 1)
        }
        _ = try? AttributionManifest(bytes)
        _ = try? LabManifest(bytes)
    }

    // MARK: - Files

    /// Puts a fixture at a place that nothing writes to afterwards.
    private func link(_ fixture: String, to place: URL) throws {
        guard !FileManager.default.fileExists(atPath: place.path) else { return }
        try FileManager.default.createSymbolicLink(
            at: place, withDestinationURL: Fixtures.url(fixture))
    }
}
