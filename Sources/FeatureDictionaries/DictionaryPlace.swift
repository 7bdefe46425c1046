// SPDX-License-Identifier: Apache-2.0
// Of which vectors of a model a dictionary is, and by which names its publisher calls them.

/// What a dictionary's features are features of.
public enum DictionaryPlace: Sendable, CaseIterable {
    /// The residual stream that enters a layer, [dModel].
    case residualStream
    /// z of all heads of a layer, one after another, as W_O reads it (`hook_z`), [nHeads dValue].
    case headOutputs

    /// For people.
    public var name: String {
        switch self {
        case .residualStream: "the residual stream"
        case .headOutputs: "the outputs of its heads (hook_z)"
        }
    }

    /// For messages: that the model's vectors there have `width` numbers.
    func isWide(_ width: Int) -> String {
        switch self {
        case .residualStream: "the model's residual stream is \(width) wide"
        case .headOutputs: "what the heads of a layer put out (hook_z) is \(width) wide"
        }
    }
}

/// A place in a model, by a name that publishers give it.
struct HookName: Sendable, Equatable {
    /// What it is of.
    let place: DictionaryPlace
    /// The block in the name.
    let block: Int
    /// The layer that the residual stream enters there, or whose heads it is of. It may lie beyond the last block.
    let layer: Int

    /// What is understood, for messages.
    static let understood =
        "blocks.N.hook_resid_pre, blocks.N.hook_resid_post, names of whole blocks such as "
        + "model.layers.N, transformer.h.N and gpt_neox.layers.N, and for heads' outputs blocks.N.attn.hook_z"

    /// TransformerLens' names, old and new: the place, and how many blocks after block N the layer lies.
    private static let lensNames: [String: (DictionaryPlace, Int)] = [
        "hook_resid_pre": (.residualStream, 0), "hook_in": (.residualStream, 0),
        "hook_resid_post": (.residualStream, 1), "hook_out": (.residualStream, 1),
        "attn.hook_z": (.headOutputs, 0), "hook_z": (.headOutputs, 0),
    ]
    /// The lists of blocks in Hugging Face's models; a hook on a block reads its output.
    private static let blockLists: Set<String> = [
        "model.layers", "model.language_model.layers", "model.decoder.layers", "layers",
        "transformer.h", "transformer.blocks", "h", "gpt_neox.layers",
    ]
    /// What follows a block's name where the input of its W_O is meant.
    private static let headOutputs = ".self_attn.o_proj.input"

    /// What `name` means, or nil for any other place.
    init?(_ name: String) {
        if name.hasPrefix("blocks.") {
            let rest = name.dropFirst("blocks.".count)
            guard let dot = rest.firstIndex(of: "."), let block = Self.number(rest[..<dot]),
                let (place, distance) = Self.lensNames[String(rest[rest.index(after: dot)...])]
            else { return nil }
            self.init(place, block: block, layer: block + distance)
        } else if name.hasSuffix(Self.headOutputs) {
            guard let block = Self.block(named: String(name.dropLast(Self.headOutputs.count)))
            else { return nil }
            self.init(.headOutputs, block: block, layer: block)
        } else {
            let whole = name.hasSuffix(".output") ? String(name.dropLast(".output".count)) : name
            guard let block = Self.block(named: whole) else { return nil }
            self.init(.residualStream, block: block, layer: block + 1)
        }
    }

    private init(_ place: DictionaryPlace, block: Int, layer: Int) {
        (self.place, self.block, self.layer) = (place, block, layer)
    }

    /// What comes out at `place` of a block.
    init(outputOf block: Int, _ place: DictionaryPlace) {
        self.init(place, block: block, layer: place == .residualStream ? block + 1 : block)
    }

    private static func block(named name: String) -> Int? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let last = parts.last, blockLists.contains(parts.dropLast().joined(separator: "."))
        else { return nil }
        return number(last)
    }

    /// A plain number of at most six digits.
    static func number(_ text: Substring) -> Int? {
        guard (1...6).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }

    /// The layer that a folder's name says: `L<layer>`, or `Z<layer>` for the outputs of heads.
    static func layer(ofFolder name: String, _ place: DictionaryPlace) -> Int? {
        name.first == letter(of: place) ? number(name.dropFirst()) : nil
    }

    /// With what the name of a layer's own folder begins.
    static func letter(of place: DictionaryPlace) -> Character {
        place == .residualStream ? "L" : "Z"
    }
}
