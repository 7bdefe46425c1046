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
        /// Google, Gemma 3: params.safetensors, mostly with config.json.
        case gemmaScope2 = "Gemma Scope 2"
        /// Qwen: layerN.sae.pt, with how many features fire in the folder's name (L0_K).
        case qwenScope = "Qwen Scope"
        /// OpenMOSS, Llama 3.1: hyperparams.json and checkpoints/final.safetensors.
        case llamaScope = "Llama Scope"
        /// OpenMOSS, R1-Distill-Llama: config.json and sae_weights.safetensors.
        case llamaScopeR1 = "Llama Scope R1"
        /// EleutherAI: layers.N with cfg.json and sae.safetensors.
        case sparsify
        /// saprmarks/dictionary_learning: config.json and ae.pt.
        case dictionaryLearning = "dictionary_learning"
        /// Goodfire: NAME-lN.pt or .pth.
        case goodfire = "Goodfire"
        /// Kissane et al. 2024, outputs of GPT-2's heads: NAME.pt and NAME_cfg.json.
        case attentionOutput = "Kissane et al."
    }

    public let format: Format
    /// The weights, and the configuration where there is one.
    public let files: [URL]
    /// Where in the model it is; nil where nothing says it.
    let hook: HookName?
    /// What it is of, for the refusal, where it explains no attention.
    let otherPlace: String?
    let size: DictionarySize

    var weights: URL { files[0] }
    /// The folder with the files, or for Llama Scope the one above the weights'.
    public var folder: URL {
        let parent = files[0].deletingLastPathComponent()
        return format == .llamaScope ? parent.deletingLastPathComponent() : parent
    }

    static let transcoder = "what an MLP makes of its input (a transcoder, for circuits of MLPs)"
    static let crossLayerTranscoder =
        "what an MLP adds to all later layers (a cross-layer transcoder, for circuits of MLPs)"
    static let crosscoder = "several layers or models at once (a crosscoder, for comparing them)"

    /// All dictionaries that lie in `folder` itself.
    ///
    /// - Parameter root: the folder that the user gave; nil is `folder` itself. What stands above it is somebody's
    ///   own and says nothing, but for the Hub's name of a download.
    static func all(in folder: URL, below root: URL? = nil) -> [PublishedDictionary] {
        let finder = PublishedFinder(folder, below: root ?? folder)
        return [
            finder.gemmaScope, finder.gemmaScope2, finder.sparsify, finder.dictionaryLearning,
            finder.llamaScope, finder.llamaScopeR1,
        ].compactMap { $0 } + finder.singleFiles
    }
}

/// Looks at one folder for files that publishers write.
private struct PublishedFinder {
    private let folder: URL
    /// What lies in the folder.
    private let names: Set<String>
    /// Names from the folder that the user gave down to this one: what they say counts.
    private let path: [String]

    init(_ folder: URL, below root: URL) {
        self.folder = folder
        let listed = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        names = Set(listed)
        path = Self.path(of: folder, below: root)
    }

    // MARK: - Publishers

    var gemmaScope: PublishedDictionary? {
        guard names.contains("params.npz") else { return nil }
        return found(
            .gemmaScope, ["params.npz"], hook: hookOfPath, size: DictionarySize(names: path))
    }

    var gemmaScope2: PublishedDictionary? {
        guard names.contains("params.safetensors") else { return nil }
        return found(
            .gemmaScope2, ["params.safetensors"] + ["config.json"].filter(names.contains),
            hook: hookOfPath, size: DictionarySize(names: path))
    }

    var sparsify: PublishedDictionary? {
        guard names.contains("sae.safetensors"), names.contains("cfg.json") else { return nil }
        let stem = folder.lastPathComponent
        let block = number(after: ["layers.", "layers_"])
        let isWhole = stem.range(of: #"^layers[._][0-9]+$"#, options: .regularExpression) != nil
        let isNamed = HookName.layer(ofFolder: stem, .residualStream) != nil
        let config = SparsifyConfig(file("cfg.json"))
        return found(
            .sparsify, ["sae.safetensors", "cfg.json"],
            hook: block.map { HookName(outputOf: $0, .residualStream) },
            otherPlace: config?.transcode == true
                ? PublishedDictionary.transcoder : isWhole || isNamed ? nil : "\"\(stem)\"",
            size: DictionarySize(names: path, width: config?.features, l0: config?.k))
    }

    var dictionaryLearning: PublishedDictionary? {
        guard names.contains("ae.pt"), names.contains("config.json") else { return nil }
        let config = DictionaryLearningConfig(file("config.json"))
        return found(
            .dictionaryLearning, ["ae.pt", "config.json"],
            hook: config?.layer.map { HookName(outputOf: $0, .residualStream) },
            otherPlace: config?.otherPlace,
            size: DictionarySize(names: path, width: config?.features, l0: config?.k))
    }

    var llamaScope: PublishedDictionary? {
        guard names.contains("hyperparams.json"), names.contains("checkpoints") else { return nil }
        let config = LlamaScopeConfig(file("hyperparams.json"))
        return found(
            .llamaScope, ["checkpoints/final.safetensors", "hyperparams.json"],
            hook: config.flatMap(\.hook), otherPlace: config?.otherPlace,
            size: DictionarySize(names: path, width: config?.features, l0: config?.top_k))
    }

    var llamaScopeR1: PublishedDictionary? {
        guard names.contains("sae_weights.safetensors"), names.contains("config.json"),
            !names.contains("cfg.json"), let config = LlamaScopeConfig(file("config.json"))
        else { return nil }
        return found(
            .llamaScopeR1, ["sae_weights.safetensors", "config.json"], hook: config.hook,
            otherPlace: config.otherPlace,
            size: DictionarySize(names: path, width: config.features, l0: config.top_k))
    }

    /// Formats with one file a dictionary.
    var singleFiles: [PublishedDictionary] {
        names.sorted().compactMap { name in
            if let block = Self.match(name, #"^layer([0-9]+)\.sae\.pt$"#) {
                return found(
                    .qwenScope, [name], hook: HookName(outputOf: block, .residualStream),
                    size: DictionarySize(names: path))
            }
            if let block = Self.match(name, #"-l([0-9]+)\.pth?$"#) {
                return found(
                    .goodfire, [name], hook: HookName(outputOf: block, .residualStream),
                    size: DictionarySize(names: path))
            }
            let config = name.replacing(/\.pt$/, with: "_cfg.json")
            guard config != name, names.contains(config),
                let known = AttentionOutputConfig(file(config))
            else { return nil }
            return found(
                .attentionOutput, [name, config], hook: HookName(known.act_name),
                otherPlace: HookName(known.act_name) == nil ? "\"\(known.act_name)\"" : nil,
                size: DictionarySize(names: path, width: known.dict_size))
        }
    }

    private func file(_ name: String) -> URL { folder.appending(path: name) }

    private func found(
        _ format: PublishedDictionary.Format, _ files: [String], hook: HookName?,
        otherPlace: String? = nil, size: DictionarySize
    ) -> PublishedDictionary {
        PublishedDictionary(
            format: format, files: files.map(file), hook: hook,
            otherPlace: otherPlace ?? (hook?.place == .headOutputs ? nil : otherPlaceOfPath),
            size: size)
    }

    // MARK: - Names

    private static func path(of folder: URL, below root: URL) -> [String] {
        let path = folder.resolvingSymlinksInPath().pathComponents
        let above = root.resolvingSymlinksInPath().pathComponents
        // A link leads into a download that has its publisher's names.
        let isBelow = path.starts(with: above)
        let own = isBelow ? Array(path.dropFirst(above.count - 1)) : path.suffix(4)
        // Of a folder within a layer's or a download's, that one still counts.
        let outer = path.dropLast(own.count)
        let layer = outer.suffix(3).last { match($0, "^layer_([0-9]+)$") != nil }
        let download = outer.last { $0.hasPrefix("models--") }
        return [download, layer].compactMap { $0 } + own
    }

    /// Where Gemma Scope's folders say it is.
    private var hookOfPath: HookName? {
        let isOfHeads = path.contains {
            let name = $0.lowercased()
            return name.contains("attn_out") || name.hasSuffix("-att")
        }
        return number(after: ["layer_"]).map {
            HookName(outputOf: $0, isOfHeads ? .headOutputs : .residualStream)
        }
    }

    /// What names along the path say the dictionary is of, if it explains no attention.
    private var otherPlaceOfPath: String? {
        for name in path.map({ $0.lowercased() }) {
            let words = name.split { !$0.isLetter && !$0.isNumber }
            if words.contains("clt") { return PublishedDictionary.crossLayerTranscoder }
            if words.contains(where: { $0.hasPrefix("crosscoder") }) {
                return PublishedDictionary.crosscoder
            }
            if words.contains(where: { $0.hasPrefix("transcoder") }) {
                return PublishedDictionary.transcoder
            }
            if name.contains("mlp_out") || name.hasSuffix("-mlp") { return "the output of an MLP" }
            if name.contains("attn_out") || name.hasSuffix("-att") {
                return "the outputs of heads, and no name says of which layer"
            }
            if words.contains(where: { $0.hasPrefix("embedding") }) { return "the embeddings" }
        }
        return nil
    }

    /// The number behind one of the words in the nearest folder's name that has it.
    private func number(after words: [String]) -> Int? {
        for name in path.reversed() {
            for word in words {
                guard let range = name.range(of: word) else { continue }
                let digits = name[range.upperBound...].prefix { $0.isASCII && $0.isNumber }
                if let number = HookName.number(digits) { return number }
            }
        }
        return nil
    }

    /// The number that a pattern finds in a name.
    private static func match(_ name: String, _ pattern: String) -> Int? {
        guard let expression = try? NSRegularExpression(pattern: pattern),
            let match = expression.firstMatch(
                in: name, range: NSRange(name.startIndex..., in: name)),
            let range = Range(match.range(at: 1), in: name)
        else { return nil }
        return HookName.number(name[range])
    }
}
