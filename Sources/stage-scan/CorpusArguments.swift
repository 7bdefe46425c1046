// SPDX-License-Identifier: Apache-2.0
// How documents are read and cut into sequences.

import ArgumentParser
import AttentionStats

/// What becomes of a document longer than a sequence.
enum LongDocuments: String, ExpressibleByArgument, CaseIterable {
    /// Its beginning is one sequence.
    case truncate
    /// It becomes several sequences.
    case split
}

/// What is one document in a text file.
enum DocumentUnit: String, ExpressibleByArgument, CaseIterable {
    case line
    case file
}

/// Options about the corpus.
struct CorpusArguments: ParsableArguments {
    @Option(help: "Walk at most so many sequences; 0 is all.")
    var sequences = 0

    @Option(help: "Tokens in a sequence, at most.")
    var seqLen = 256

    @Flag(
        inversion: .prefixedNo,
        help: "Put the model's beginning-of-sequence token, if it has one, at position 0.")
    var bos = true

    @Option(help: "Long documents: truncate, or split into several sequences.")
    var chunk = LongDocuments.truncate

    @Option(help: "A document in a text file: a line, or the file.")
    var document = DocumentUnit.line

    @Option(help: "The field of a JSON line that holds the text.")
    var textField = "text"

    func validate() throws {
        guard (2...longestSequence).contains(seqLen) else {
            throw ValidationError("--seq-len must be from 2 to \(longestSequence), not \(seqLen).")
        }
        guard sequences >= 0 else {
            throw ValidationError("--sequences must not be negative.")
        }
    }
}
