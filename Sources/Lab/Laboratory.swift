// SPDX-License-Identifier: Apache-2.0
// Where questions are answered: a model, and the forward passes that look into it.

import Attribution
import FeatureDictionaries
import Foundation
import Stages
import Transformer
import UserErrors

/// What questions are answered with.
public final class Laboratory {
    /// The model under study.
    public let loaded: LoadedModel
    /// How many things are computed at the same time.
    public let workers: Int

    private let reader: PromptReader
    private let dictionaries: (_ layer: Int) throws -> FeatureDictionary
    private let sequences: (_ id: String) throws -> [Int32]
    /// The last pass, for the next question to the same heads.
    private var last: (pass: ForwardPass, toEnd: Bool)?

    /// One head's attention on so many tokens takes 1 GiB.
    private static let longestPrompt = 16_384
    /// Passes with room for so many tokens are kept for the next question.
    private static let keptLength = 1024

    /// - Parameters:
    ///   - bos: whether prompts begin with the tokenizer's own tokens; nil leaves it to the tokenizer.
    ///   - dictionaries: the dictionary of a layer.
    ///   - sequences: the ids of a stored sequence.
    public init(
        _ loaded: LoadedModel, bos: Bool?, workers: Int,
        dictionaries: @escaping (_ layer: Int) throws -> FeatureDictionary,
        sequences: @escaping (_ id: String) throws -> [Int32]
    ) {
        self.loaded = loaded
        self.workers = workers
        self.dictionaries = dictionaries
        self.sequences = sequences
        reader = PromptReader(
            model: loaded, ends: loaded.sequenceEnds(bos: bos),
            longest: min(loaded.model.description.nCtx, Self.longestPrompt))
    }

    var model: Model { loaded.model }
    var description: ModelDescription { loaded.model.description }

    // MARK: What questions name

    /// The prompt that a question names.
    func prompt(_ source: PromptSource) throws -> Prompt {
        switch source {
        case .text(let text): try reader.prompt(text)
        case .sequence(let id): try reader.prompt(ids: try sequences(id))
        }
    }

    func prompt(_ text: SlotText, value: String) throws -> Prompt {
        try reader.prompt(text, value: value)
    }

    func prompt(ids: [Int32]) throws -> Prompt { try reader.prompt(ids: ids) }

    /// The tokens of a text by itself, for people.
    public func tokens(of text: String) -> [String] {
        ids(of: text).map(loaded.tokenizer.display)
    }

    /// The ids of a text by itself, without what stands before and after prompts.
    func ids(of text: String) -> [Int32] { loaded.tokenizer.encode(text, limit: 1024) }

    /// The head at an address, checked.
    func head(layer: Int, head: Int) throws -> HeadAddress {
        let d = description
        guard (0..<d.nLayers).contains(layer), d.layers[layer].hasAttention,
            (0..<d.nHeads).contains(head)
        else {
            throw UserError(
                "\(loaded.name) has no head L\(layer)H\(head); it has \(d.nHeads) heads in \(d.attentionLayers.count) layers of attention."
            )
        }
        return HeadAddress(layer: layer, head: head)
    }

    /// The dictionary of the residual stream that enters a layer.
    func dictionary(ofLayer layer: Int) throws -> FeatureDictionary { try dictionaries(layer) }

    // MARK: Forward passes

    /// A pass in which these heads are seen.
    ///
    /// - Parameter toEnd: go on to the output of the last block.
    func pass(_ heads: HeadSelection, length: Int, toEnd: Bool = false) throws -> ForwardPass {
        if let last, last.pass.selection == heads, last.toEnd == toEnd,
            last.pass.maxLength >= length
        {
            return last.pass
        }
        last = nil
        let room = length <= Self.keptLength ? max(length, min(256, reader.longest)) : length
        let pass = try ForwardPass(
            model, selection: heads, maxLength: room, workers: workers, stopsAtAttention: !toEnd)
        if length <= Self.keptLength { last = (pass, toEnd) }
        return pass
    }
}
