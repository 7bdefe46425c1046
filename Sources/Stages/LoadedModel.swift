// SPDX-License-Identifier: Apache-2.0
// A model together with its tokenizer, from a folder or a GGUF file.

import Checkpoints
import Foundation
import Tokenizers
import Transformer
import UserErrors

/// A model and the tokenizer that belongs to it.
public struct LoadedModel: Sendable {
    /// The model.
    public let model: Model
    /// Its tokenizer.
    public let tokenizer: Tokenizer
    /// Its name for people (`name(of:)`).
    public let name: String

    /// Opens both.
    public init(opening path: String) throws {
        model = try Self.model(opening: path)
        tokenizer = try Self.tokenizer(model)
        name = Self.name(of: model.url)
    }

    /// The model alone, for what needs no text.
    public static func model(opening path: String) throws -> Model {
        guard FileManager.default.fileExists(atPath: path) else {
            throw UserError(
                "\(path): there is no such model; set MODEL to a folder or a .gguf file.")
        }
        return try Model(opening: URL(filePath: path))
    }

    /// The tokenizer alone, without a look at the weights.
    public static func tokenizer(of path: String) throws -> Tokenizer {
        let url = URL(filePath: path)
        // As with the weights, a folder with a single GGUF file is that file.
        if let checkpoint = try? Checkpoint(opening: url), checkpoint.format == .gguf {
            return try Tokenizer(gguf: GGUFVocabulary(checkpoint.metadata))
        }
        return try Tokenizer(folder: Model.folder(of: url))
    }

    private static func tokenizer(_ model: Model) throws -> Tokenizer {
        model.checkpoint.format == .gguf
            ? try Tokenizer(gguf: GGUFVocabulary(model.checkpoint.metadata))
            : try Tokenizer(folder: Model.folder(of: model.url))
    }

    /// The token that stands at position 0 of every sequence, if the model has one.
    public var beginningOfSequence: Int32? {
        tokenizer.beginningOfSequence ?? model.description.beginningOfSequence
    }
}

extension GGUFVocabulary {
    /// The vocabulary in a GGUF file's metadata.
    init(_ metadata: GGUFMetadata) {
        func id(_ name: String) -> Int32? {
            metadata.int("tokenizer.ggml.\(name)").flatMap(Int32.init(exactly:))
        }
        self.init(
            model: metadata.string("tokenizer.ggml.model") ?? "",
            pre: metadata.string("tokenizer.ggml.pre"),
            tokens: metadata.strings("tokenizer.ggml.tokens") ?? [],
            merges: metadata.strings("tokenizer.ggml.merges") ?? [],
            scores: (metadata.floats("tokenizer.ggml.scores") ?? []).map(Float.init),
            tokenTypes: (metadata.ints("tokenizer.ggml.token_type") ?? []).map {
                Int32(clamping: $0)
            },
            bosID: id("bos_token_id"), eosID: id("eos_token_id"), unknownID: id("unknown_token_id"),
            separatorID: id("seperator_token_id"), classificationID: id("cls_token_id"),
            addBOS: metadata.bool("tokenizer.ggml.add_bos_token"),
            addEOS: metadata.bool("tokenizer.ggml.add_eos_token"),
            addSpacePrefix: metadata.bool("tokenizer.ggml.add_space_prefix"),
            precompiledCharacterMap: (metadata.ints("tokenizer.ggml.precompiled_charsmap") ?? [])
                .map { UInt8(truncatingIfNeeded: $0) })
    }
}

extension LoadedModel {
    /// What stands before and after the text of every sequence: what the tokenizer's own
    /// post-processor puts there, or else the beginning-of-sequence token alone.
    ///
    /// - Parameter bos: whether sequences begin with such tokens at all; nil leaves it to what the tokenizer
    ///   states of itself, and where it states nothing, to whether the model has a BOS token.
    public func sequenceEnds(bos: Bool?) -> (prefix: [Int32], suffix: [Int32]) {
        guard bos != false else { return ([], []) }
        let (prefix, suffix) = (tokenizer.sequencePrefix, tokenizer.sequenceSuffix)
        guard prefix.isEmpty && suffix.isEmpty else { return (prefix, suffix) }
        guard bos ?? tokenizer.takesBeginning ?? true else { return ([], []) }
        return (beginningOfSequence.map { [$0] } ?? [], [])
    }

    /// One line on what stands at position 0, and why.
    public func beginningMessage(bos: Bool?) -> String {
        let prefix = sequenceEnds(bos: bos).prefix
        let reason =
            bos.map { "BOS=\($0 ? 1 : 0)" }
            ?? (prefix.isEmpty && tokenizer.takesBeginning == false
                ? "its tokenizer states that it takes none; BOS=1 puts one there"
                : tokenizer.takesBeginning == true || !tokenizer.sequencePrefix.isEmpty
                    ? "as its tokenizer states" : "its tokenizer states nothing")
        guard let first = prefix.first else { return "sequences begin with their text (\(reason))" }
        return
            "sequences begin with token \(first), \(tokenizer.display(first).debugDescription) (\(reason))"
    }
}
