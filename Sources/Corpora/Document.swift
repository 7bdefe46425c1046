// SPDX-License-Identifier: Apache-2.0
// What a corpus yields: documents, and a report of what was read and what was not.

/// How the files of a corpus are read.
public struct CorpusOptions: Sendable {
    /// The field of a JSON line that holds the text.
    public var textField = "text"
    /// Whether a text file is one document, rather than each of its lines.
    public var documentPerFile = false
    /// The longest line (or file, when that is the document) that is held in memory, in bytes as
    /// decompressed; a longer one counts as broken.
    public var longestLine = 256 << 20

    /// A document a line, JSON text under `text`.
    public init() {}
}

/// One text of a corpus.
public struct Document: Sendable, Equatable {
    /// The text, never empty and never only white space, without its line ending.
    public var text: String
    /// The path of its file as the user gave it, `-` for standard input.
    public var source: String
    /// The line it starts on, counted from 1.
    public var line: Int
}

/// A line that was skipped because nothing could be made of it.
public struct BrokenLine: Sendable, Equatable, CustomStringConvertible {
    /// The path of its file as the user gave it.
    public var source: String
    /// The number of the line, counted from 1.
    public var line: Int
    /// What is wrong with it, such as `is not valid UTF-8`.
    public var reason: String

    /// `path:line reason`.
    public var description: String { "\(source):\(line) \(reason)" }
}

/// What was read so far.
public struct CorpusReport: Sendable, Equatable {
    /// How many broken lines are kept word for word.
    public static let keptBrokenLines = 10

    /// Documents delivered.
    public internal(set) var documents = 0
    /// Documents skipped because they hold nothing but white space.
    public internal(set) var empty = 0
    /// How many lines were broken.
    public internal(set) var brokenCount = 0
    /// The first of them.
    public internal(set) var broken: [BrokenLine] = []
    /// Bytes read from files and standard input, as stored (compressed where they are).
    public internal(set) var bytesRead = 0
    /// Bytes there are to read; nil where standard input or a pipe is among the files.
    public internal(set) var totalBytes: Int?
    /// How many files the corpus has, and the first one, for messages.
    var fileCount = 0
    var firstFile = ""

    /// Nothing read yet.
    public init() {}

    mutating func addBroken(_ line: BrokenLine) {
        brokenCount += 1
        if broken.count < Self.keptBrokenLines { broken.append(line) }
    }

    /// What to say about broken lines, nil when there are none.
    public var brokenMessage: String? {
        guard let first = broken.first else { return nil }
        guard brokenCount > 1 else { return "One broken line was skipped: \(first)." }
        let rest = brokenCount - broken.count
        let listed = broken.map(\.description).joined(separator: "; ")
        return "\(brokenCount) broken lines were skipped: \(listed)"
            + (rest > 0 ? "; and \(rest) more." : ".")
    }

    /// What to say when the whole corpus was read and no document came.
    public var emptyCorpusMessage: String {
        let name = fileCount == 1 ? firstFile : "\(firstFile) and \(fileCount - 1) more"
        if let first = broken.first {
            return "The corpus (\(name)) has no text: all \(brokenCount) of its lines that are not "
                + "empty are broken, the first being \(first); "
                + "check the file and, for JSON lines, the name of the text field."
        }
        return "The corpus (\(name)) has no text: "
            + (empty == 0 ? "it is empty" : "its \(empty) documents hold only white space")
            + "; give a file with text in it."
    }
}
