// SPDX-License-Identifier: Apache-2.0
// How documents are read and cut into sequences.

import ArgumentParser
import AttentionStats

/// What becomes of a document longer than a sequence.
public enum LongDocuments: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// Its beginning is one sequence.
    case truncate
    /// It becomes several sequences.
    case split
}

/// What is one document in a text file.
public enum DocumentUnit: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// A line of a text file, a record of any other.
    case line
    /// A whole text file.
    case file
}

/// Options about the corpus.
public struct CorpusArguments: ParsableArguments {
    @Option(help: "Walk at most so many sequences; 0 is all.")
    public var sequences = 0

    @Option(help: "Tokens in a sequence, at most.")
    public var seqLen = 256

    @Flag(
        inversion: .prefixedNo,
        help:
            "Whether the model's BOS token stands at position 0; by default what its tokenizer states."
    )
    public var bos: Bool?

    @Option(help: "Long documents: truncate, or split into several sequences.")
    public var chunk = LongDocuments.truncate

    @Option(help: "A document in a text file: a line, or the file.")
    public var document = DocumentUnit.line

    @Option(help: "The field of a JSON line that holds the text.")
    public var textField = "text"

    public init() {}

    public func validate() throws {
        guard (2...longestSequence).contains(seqLen) else {
            throw ValidationError("--seq-len must be from 2 to \(longestSequence), not \(seqLen).")
        }
        guard sequences >= 0 else {
            throw ValidationError("--sequences must not be negative.")
        }
    }
}
