// SPDX-License-Identifier: Apache-2.0
// The corpus as token ids: documents become sequences.

import Corpora
import Digests
import Foundation
import Stages
import Tokenizers
import UserErrors

/// The sequences that a scan walks. Token ids are small next to anything else of a scan: four bytes
/// each, against megabytes of attention.
public struct TokenizedCorpus {
    /// Of all sequences, one after the other.
    public private(set) var tokens: [Int32] = []
    /// Where each sequence starts, and the end.
    public private(set) var starts = [0]
    /// For each sequence, its file (an index into `files`) and line.
    public private(set) var sources: [(file: Int, line: Int)] = []
    /// The corpus's files that were read.
    public private(set) var files: [String] = []
    /// Of the texts of all walked documents, each ended by a NUL.
    public private(set) var textSHA256 = ""
    /// The token at position 0, if there is one.
    public let beginning: Int32?

    /// Number of sequences.
    public var count: Int { sources.count }

    /// The ids of a sequence.
    public subscript(_ sequence: Int) -> ArraySlice<Int32> {
        tokens[starts[sequence]..<starts[sequence + 1]]
    }

    /// Reads and tokenizes the corpus.
    public init(paths: [String], arguments: CorpusArguments, loaded: LoadedModel) throws {
        var options = CorpusOptions()
        options.textField = arguments.textField
        options.documentPerFile = arguments.document == .file
        let reader = try CorpusReader(paths: paths, options: options)
        let cutter = SequenceCutter(arguments, loaded)
        beginning = loaded.sequenceEnds(bos: arguments.bos).prefix.first
        note(loaded.beginningMessage(bos: arguments.bos))
        let hash = SHA256()
        var progress = Progress("reading", unit: "sequences", total: arguments.sequences)
        let limit = arguments.sequences == 0 ? Int.max : arguments.sequences
        while count < limit, let document = try reader.next() {
            hash.update(document.text)
            hash.update([0])
            for sequence in cutter.sequences(of: document.text).prefix(limit - count) {
                append(sequence, from: document)
            }
            progress.update(count)
        }
        progress.finish(count)
        textSHA256 = hexadecimal(hash.finalize())
        if let broken = reader.report.brokenMessage { note(broken) }
        guard count > 0 else { throw UserError(reader.report.emptyCorpusMessage) }
    }

    private mutating func append(_ sequence: [Int32], from document: Document) {
        if files.last != document.source { files.append(document.source) }
        tokens += sequence
        starts.append(tokens.count)
        sources.append((files.count - 1, document.line))
    }

    /// Every token id that occurs, with its display string, ascending.
    public func vocabulary(_ tokenizer: Tokenizer) -> [(id: Int32, display: String)] {
        Set(tokens).sorted().map { ($0, tokenizer.display($0)) }
    }
}

/// Cuts a document into sequences of ids.
private struct SequenceCutter {
    private let tokenizer: Tokenizer
    private let prefix: [Int32]
    private let suffix: [Int32]
    /// Text tokens in a sequence, at most.
    private let room: Int
    private let splits: Bool

    init(_ arguments: CorpusArguments, _ loaded: LoadedModel) {
        tokenizer = loaded.tokenizer
        let ends = loaded.sequenceEnds(bos: arguments.bos)
        prefix = ends.prefix
        suffix = ends.suffix
        room = max(1, arguments.seqLen - prefix.count - suffix.count)
        splits = arguments.chunk == .split
    }

    func sequences(of text: String) -> [[Int32]] {
        let ids = tokenizer.encode(text, limit: splits ? .max : room)
        return stride(from: 0, to: ids.count, by: room).map { start in
            prefix + ids[start..<min(start + room, ids.count)] + suffix
        }
    }
}
