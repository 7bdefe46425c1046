// SPDX-License-Identifier: Apache-2.0
// The documents of a corpus, one after the other, in memory bounded by the longest of them.

import Foundation
import UserErrors

/// Streams the documents of text and JSON-lines files, plain or compressed. It has one consumer.
///
/// Text is a document a line (or a file, as the options say); of JSON lines each holds the text in
/// one field. A line that is not valid UTF-8, is not a JSON object, lacks the field or has something
/// other than a string there is counted in `report` and skipped; so is an empty document. Standard
/// input and pipes without a telling name are looked into: gzip and zstd by their first bytes, JSON
/// lines by a first line that begins with `{"`.
public final class CorpusReader {
    /// The files to read, in order, as the user would name them.
    public let files: [String]
    /// What was read so far.
    public private(set) var report = CorpusReport()

    private let options: CorpusOptions
    private var remaining: ArraySlice<CorpusFile>
    private var current: OpenFile?
    private var failure: (any Error)?

    /// A file that is being read.
    private final class OpenFile {
        let source: String
        let stored: FileBytes
        let format: CorpusFormat
        var lines: LineReader

        init(source: String, stored: FileBytes, format: CorpusFormat, lines: LineReader) {
            self.source = source
            self.stored = stored
            self.format = format
            self.lines = lines
        }
    }

    /// Finds the files; opens none yet.
    ///
    /// - Parameters:
    ///   - paths: files, folders (with all below them), globs, and `-` for standard input.
    ///   - options: what a document is.
    public init(paths: [String], options: CorpusOptions) throws {
        let found = try CorpusFile.expand(paths)
        files = found.map(\.path)
        remaining = found[...]
        self.options = options
        report.fileCount = found.count
        report.firstFile = found.first?.path ?? ""
        report.totalBytes = found.reduce(0) { total, file in
            guard let total, let bytes = file.bytes else { return nil }
            return total + bytes
        }
    }

    /// The next document, nil after the last.
    ///
    /// A file that cannot be read is an error, thrown after the documents before the fault; the
    /// reader stays at it.
    public func next() throws -> Document? {
        if let failure { throw failure }
        do {
            return try advance()
        } catch {
            failure = error
            current = nil
            throw error
        }
    }

    private func advance() throws -> Document? {
        while true {
            if current == nil {
                guard let file = remaining.popFirst() else { return nil }
                current = try open(file)
            }
            let line = try nextLine()
            switch line {
            case .bytes(let range):
                if let document = document(at: range) { return document }
            case .tooLong:
                addBroken("is longer than \(options.longestLine >> 20) MiB")
            case nil: current = nil
            }
        }
    }

    private func nextLine() throws -> LineReader.Line? {
        let before = current?.stored.bytesRead ?? 0
        defer { report.bytesRead += (current?.stored.bytesRead ?? 0) - before }
        return try current?.lines.next()
    }

    /// The document on the line at `range` of the buffer; nil, and counted, when there is none.
    private func document(at range: Range<Int>) -> Document? {
        guard let file = current else { return nil }
        do throws(LineFault) {
            let text = try file.lines.buffer.withUnsafeBufferPointer {
                (buffer) throws(LineFault) -> String? in
                try self.text(of: UnsafeBufferPointer(rebasing: buffer[range]), as: file.format)
            }
            guard let text else {
                report.empty += 1
                return nil
            }
            report.documents += 1
            return Document(text: text, source: file.source, line: file.lines.number)
        } catch {
            addBroken(error.reason)
            return nil
        }
    }

    /// The text of a line, nil when it is only white space.
    private func text(
        of line: UnsafeBufferPointer<UInt8>, as format: CorpusFormat
    ) throws(LineFault) -> String? {
        guard !line.isEmpty else { return nil }
        guard var text = String(validating: line, as: UTF8.self) else {
            throw LineFault("is not valid UTF-8")
        }
        guard !isBlank(text) else { return nil }
        if format == .jsonLines {
            text = try JSONLine.text(of: options.textField, in: line)
            return isBlank(text) ? nil : text
        }
        return options.documentPerFile && line.contains(UInt8(ascii: "\r"))
            ? text.replacingOccurrences(of: "\r\n", with: "\n") : text
    }

    private func isBlank(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy(\.properties.isWhitespace)
    }

    private func addBroken(_ reason: String) {
        guard let file = current else { return }
        report.addBroken(
            BrokenLine(source: file.source, line: file.lines.number, reason: reason))
    }

    private func open(_ file: CorpusFile) throws -> OpenFile {
        let stored = try FileBytes(path: file.path)
        defer { report.bytesRead += stored.bytesRead }
        let compression =
            if let kind = file.kind { kind.compression } else { try Self.compression(of: stored) }
        let bytes: any ByteSource
        switch compression {
        case .none: bytes = stored
        case .gzip: bytes = DecompressedBytes(stored, with: try GzipDecompressor())
        case .zstandard: bytes = DecompressedBytes(stored, with: try ZstandardDecompressor())
        }
        // Whether a pipe is a document is only known once its format is.
        var lines = LineReader(bytes, limit: options.longestLine)
        guard !UserError.isLFSPointer(lines.beginning) else {
            throw UserError.lfsPointer(file.path)
        }
        guard !lines.isWide else {
            throw UserError(
                "\(file.path): is UTF-16 or UTF-32 text; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8) and give that file."
            )
        }
        let format = file.kind?.format ?? Self.format(startingWith: lines.beginning)
        lines.wholeFile = format == .text && options.documentPerFile
        return OpenFile(source: file.path, stored: stored, format: format, lines: lines)
    }

    private static func compression(of file: FileBytes) throws -> Compression {
        let magic = try file.peek(4)
        if magic.starts(with: [0x1F, 0x8B]) { return .gzip }
        return magic == [0x28, 0xB5, 0x2F, 0xFD] ? .zstandard : .none
    }

    private static func format(startingWith bytes: ArraySlice<UInt8>) -> CorpusFormat {
        let signs = bytes.lazy.filter { $0 > 0x20 }.prefix(2)
        return signs.elementsEqual("{\"".utf8) ? .jsonLines : .text
    }
}
