// SPDX-License-Identifier: Apache-2.0
// Where questions are answered: a model, and the forward passes that look into it.

import Attribution
import FeatureDictionaries
import Foundation
import Stages
import Transformer
import UserErrors

/// Answers questions one after the other. What a question needs of forward passes runs in batches.
public final class Laboratory {
    /// The model under study.
    public let loaded: LoadedModel
    /// How many things are computed at the same time.
    public let workers: Int
    /// Called with how many prompts of how many are done; may throw to end the work.
    public var progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }

    private let reader: PromptReader
    private let dictionaries: (_ layer: Int) throws -> FeatureDictionary
    private let sequences: (_ id: String) throws -> [Int32]
    /// The last pass, for the next question to the same heads.
    private var last: (pass: ForwardPass, toEnd: Bool)?

    /// Sequences that run together, and the most tokens of them.
    private static let batchSequences = 256
    private static let batchTokens = 16_384
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

    /// Looks at edges of one head in many prompts, batch by batch.
    ///
    /// - Parameters:
    ///   - edges: of each prompt, query and key.
    ///   - take: gets what was seen of a prompt's edges, and keeps what it needs.
    func observe<Result>(
        _ head: HeadAddress, _ prompts: [[Int32]], edges: [[(query: Int, key: Int)]],
        _ take: (_ prompt: Int, _ edges: [EdgeObservation]) throws -> Result
    ) throws -> [Result] {
        let longest = prompts.map(\.count).max() ?? 1
        let pass = try pass(HeadSelection([head]), length: longest)
        var results: [Result] = []
        results.reserveCapacity(prompts.count)
        var next = 0
        try progress(0, prompts.count)
        while next < prompts.count {
            let batch = next..<Self.batchEnd(prompts, from: next)
            let seen = try pass.observe(
                batch.map { i in
                    edges[i].map { HeadEdge(head, query: $0.query, key: $0.key) }
                }, on: batch.map { prompts[$0][...] })
            for (i, observations) in zip(batch, seen) { results.append(try take(i, observations)) }
            next = batch.upperBound
            try progress(next, prompts.count)
        }
        return results
    }

    /// Where a batch that begins at `start` ends.
    private static func batchEnd(_ prompts: [[Int32]], from start: Int) -> Int {
        var (end, tokens) = (start, 0)
        while end < prompts.count, end - start < batchSequences,
            end == start || tokens + prompts[end].count <= batchTokens
        {
            tokens += prompts[end].count
            end += 1
        }
        return end
    }
}
