// SPDX-License-Identifier: Apache-2.0
// Dictionaries as those who publish them store them, other than SAELens.

import Foundation
import UserErrors

/// A dictionary that was found by the files that its publisher writes.
public struct PublishedDictionary: Sendable, Equatable {
    /// Who writes such files.
    public enum Format: String, Sendable, CaseIterable {
        /// Google, Gemma 2: layer_N/width_W/average_l0_K/params.npz.
        case gemmaScope = "Gemma Scope"
        /// Google, Gemma 3: config.json and params.safetensors.
        case gemmaScope2 = "Gemma Scope 2"
        /// Qwen: layerN.sae.pt, with how many features fire in the folder's name (L0_K).
        case qwenScope = "Qwen Scope"
        /// EleutherAI: layers.N with cfg.json and sae.safetensors.
        case sparsify
        /// saprmarks/dictionary_learning: config.json and ae.pt.
        case dictionaryLearning = "dictionary_learning"
        /// Goodfire: NAME-lN.pt or .pth.
        case goodfire = "Goodfire"
    }

    public let format: Format
    /// The weights, and the configuration where there is one.
    public let files: [URL]
    /// The layer whose input the dictionary reads; nil where no name says it.
    public let layer: Int?
    /// Of the layer's residual stream; otherwise what it is of, for the refusal.
    public let otherPlace: String?

    var weights: URL { files[0] }
    /// The folder with the files.
    public var folder: URL { files[0].deletingLastPathComponent() }

    /// Names from the folder that the user gave down to this one: what they say counts.
    private let names: [String]

    /// All dictionaries that lie in `folder` itself.
    ///
    /// - Parameter root: the folder that the user gave; nil is `folder` itself. What stands above it is somebody's
    ///   own and says nothing.
    static func all(in folder: URL, below root: URL? = nil) -> [PublishedDictionary] {
        let path = pathNames(folder, below: root ?? folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        func file(_ name: String) -> URL { folder.appending(path: name) }
        let place = otherPlace(path)
        var found: [PublishedDictionary] = []
        if names.contains("params.npz") {
            found.append(
                PublishedDictionary(
                    format: .gemmaScope, files: [file("params.npz")],
                    layer: number(in: path, after: "layer_").map { $0 + 1 }, otherPlace: place,
                    names: path))
        }
        if names.contains("params.safetensors"), names.contains("config.json") {
            found.append(
                PublishedDictionary(
                    format: .gemmaScope2, files: [file("params.safetensors"), file("config.json")],
                    layer: number(in: path, after: "layer_").map { $0 + 1 }, otherPlace: place,
                    names: path))
        }
        if names.contains("sae.safetensors"), names.contains("cfg.json") {
            let stem = folder.lastPathComponent
            let isWhole = stem.range(of: #"^layers[._][0-9]+$"#, options: .regularExpression) != nil
            let isNamed = ResidualHook.layer(ofFolder: stem) != nil
            found.append(
                PublishedDictionary(
                    format: .sparsify, files: [file("sae.safetensors"), file("cfg.json")],
                    layer: number(in: path, after: "layers.", "layers_").map { $0 + 1 },
                    otherPlace: isWhole || isNamed ? nil : "\"\(stem)\"", names: path))
        }
        if names.contains("ae.pt"), names.contains("config.json") {
            let config = DictionaryLearningConfig(file("config.json"))
            found.append(
                PublishedDictionary(
                    format: .dictionaryLearning, files: [file("ae.pt"), file("config.json")],
                    layer: config?.layer.map { $0 + 1 }, otherPlace: config?.otherPlace ?? place,
                    names: path))
        }
        for name in names.sorted() {
            if let layer = match(name, #"^layer([0-9]+)\.sae\.pt$"#) {
                found.append(
                    PublishedDictionary(
                        format: .qwenScope, files: [file(name)], layer: layer + 1, otherPlace: nil,
                        names: path))
            } else if let layer = match(name, #"-l([0-9]+)\.pth?$"#) {
                found.append(
                    PublishedDictionary(
                        format: .goodfire, files: [file(name)], layer: layer + 1, otherPlace: nil,
                        names: path))
            }
        }
        return found
    }

    private static func pathNames(_ folder: URL, below root: URL) -> [String] {
        let path = folder.resolvingSymlinksInPath().pathComponents
        let above = root.resolvingSymlinksInPath().pathComponents
        // A link leads into a download that has its publisher's names.
        guard path.starts(with: above) else { return path.suffix(4) }
        // Of a folder within a layer's, the layer still counts.
        let layer = above.dropLast().suffix(3).last { match($0, "^layer_([0-9]+)$") != nil }
        return [layer].compactMap { $0 } + path.dropFirst(above.count - 1)
    }

    /// What names along the path say the dictionary is of, if not of the residual stream.
    private static func otherPlace(_ names: [String]) -> String? {
        for name in names.map({ $0.lowercased() }) {
            let words = name.split { !$0.isLetter && !$0.isNumber }
            if words.contains(where: { $0.hasPrefix("transcoder") || $0 == "clt" }) {
                return "what an MLP makes of its input (a transcoder)"
            }
            if name.contains("mlp_out") || name.hasSuffix("-mlp") { return "the output of an MLP" }
            if name.contains("attn_out") || name.hasSuffix("-att") {
                return "the output of attention"
            }
            if words.contains(where: { $0.hasPrefix("embedding") }) { return "the embeddings" }
        }
        return nil
    }

    /// The number behind one of the words in the nearest folder's name that has it.
    private static func number(in names: [String], after words: String...) -> Int? {
        for name in names.reversed() {
            for word in words {
                guard let range = name.range(of: word) else { continue }
                let digits = name[range.upperBound...].prefix { $0.isASCII && $0.isNumber }
                if digits.count <= 6, let number = Int(digits) { return number }
            }
        }
        return nil
    }

    /// The number that a pattern finds in a name.
    private static func match(_ name: String, _ pattern: String) -> Int? {
        guard let expression = try? NSRegularExpression(pattern: pattern),
            let match = expression.firstMatch(
                in: name, range: NSRange(name.startIndex..., in: name)),
            let range = Range(match.range(at: 1), in: name), name[range].count <= 6
        else { return nil }
        return Int(name[range])
    }

    /// The number in a folder's name behind `L0_`, as Qwen Scope writes it.
    var featuresInName: Int? {
        Self.number(in: names, after: "L0_")
    }
}

/// What is needed of dictionary_learning's config.json.
struct DictionaryLearningConfig: Sendable {
    let kind: String
    let layer: Int?
    let k: Int?
    let otherPlace: String?

    init?(_ url: URL) {
        struct File: Decodable {
            struct Trainer: Decodable {
                // The keys keep the names they have in the file.
                // swift-format-ignore: AlwaysUseLowerCamelCase
                let dict_class: String?
                let layer: Int?
                let k: Int?
                // swift-format-ignore: AlwaysUseLowerCamelCase
                let submodule_name: String?
            }
            let trainer: Trainer
        }
        guard let data = try? readSmallFile(url, atMost: 1 << 22),
            let trainer = try? JSONDecoder().decode(File.self, from: data).trainer
        else { return nil }
        kind = trainer.dict_class ?? "AutoEncoder"
        layer = trainer.layer
        k = trainer.k
        let place = (trainer.submodule_name ?? "").lowercased()
        otherPlace =
            place.contains("mlp") || place.contains("attn") || place.contains("attention")
            ? "\"\(place)\"" : nil
    }
}
