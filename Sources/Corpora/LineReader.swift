// SPDX-License-Identifier: Apache-2.0
// Lines of a byte stream, without a copy: each is a range of the one buffer the stream is read into.

import Foundation
import UserErrors

/// Cuts a byte stream into lines, or takes it as one, holding no more than the longest one allowed.
struct LineReader {
    enum Line: Equatable {
        /// Where it lies in `buffer`, without its line ending; valid until the next call.
        case bytes(Range<Int>)
        /// It was longer than the limit and has been passed over.
        case tooLong
    }

    private(set) var buffer: [UInt8] = []
    /// The number of the line last returned, from 1.
    private(set) var number = 0
    private let source: any ByteSource
    private let limit: Int
    /// Whether the stream is one line, with line feeds in it.
    var wholeFile = false
    /// What has been read of the stream and not yet given out.
    private var unread = 0..<0
    private var atEnd = false
    /// What went wrong at the first look, kept for when the lines before it have been given out.
    private var fault: (any Error)?

    private static let smallBuffer = 4 * chunkSize
    /// How much of the stream is read at the least before its first line is asked for, in bytes.
    private static let glance = 64
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    /// What ends a line: a line feed, or in files of the first Macs a carriage return.
    private var newline = LineReader.lineFeed
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// - Parameters:
    ///   - source: where the bytes come from.
    ///   - limit: the most bytes a line may have.
    init(_ source: any ByteSource, limit: Int) {
        self.source = source
        self.limit = limit
        do throws {
            while unread.count < Self.glance && !atEnd { try fill() }
        } catch {
            fault = error
        }
        if buffer[unread].starts(with: Self.byteOrderMark) {
            unread = unread.lowerBound + Self.byteOrderMark.count..<unread.upperBound
        }
        let text = buffer[unread]
        if let first = text.firstIndex(of: Self.carriageReturn), first + 1 < text.endIndex,
            !text.contains(Self.lineFeed)
        {
            newline = Self.carriageReturn
        }
    }

    /// Whether the text is UTF-16 or UTF-32: by its byte order mark, or by zeros at every second byte.
    var isWide: Bool {
        let start = buffer[unread].prefix(64)
        if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF])
            || start.starts(with: [0, 0, 0xFE, 0xFF])
        {
            return true
        }
        guard start.count >= 8 else { return false }
        let zeros = start.enumerated().filter { $0.element == 0 }.map { $0.offset % 2 }
        return zeros.count >= start.count / 2 - 1 && Set(zeros).count == 1
    }

    /// The beginning of the stream, before the first line is asked for.
    var beginning: ArraySlice<UInt8> { buffer[unread] }

    /// The next line, nil at the end.
    mutating func next() throws -> Line? {
        var searched = 0
        while true {
            if let length = wholeFile ? nil : lengthOfLine(searchedTo: searched) {
                let line = unread.lowerBound..<unread.lowerBound + length
                unread = line.upperBound + 1..<unread.upperBound
                return finish(line)
            }
            searched = unread.count
            if searched > limit + 2 {  // a line ending may still belong to it
                return try skipLine()
            }
            if atEnd {
                guard !unread.isEmpty else { return nil }
                let line = unread
                unread = unread.upperBound..<unread.upperBound
                return finish(line)
            }
            try fill()
        }
    }

    /// The distance to the line feed that ends the line, nil when it has not been read yet.
    private func lengthOfLine(searchedTo offset: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[unread].dropFirst(offset))
            guard let base = rest.baseAddress,
                let found = memchr(base, Int32(newline), rest.count)
            else { return nil }
            return offset + base.distance(to: UnsafeRawPointer(found))
        }
    }

    /// Counts a line and takes the carriage return (of a whole file, the line ending) off its end.
    private mutating func finish(_ line: Range<Int>) -> Line {
        number += 1
        var end = line.upperBound
        if wholeFile && end > line.lowerBound && buffer[end - 1] == newline { end -= 1 }
        if end > line.lowerBound && buffer[end - 1] == Self.carriageReturn { end -= 1 }
        return end - line.lowerBound > limit ? .tooLong : .bytes(line.lowerBound..<end)
    }

    /// Passes over a line whose beginning fills the buffer.
    private mutating func skipLine() throws -> Line {
        number += 1
        while true {
            unread = 0..<0
            if atEnd { return .tooLong }
            try fill()
            if let length = wholeFile ? nil : lengthOfLine(searchedTo: 0) {
                unread = unread.lowerBound + length + 1..<unread.upperBound
                return .tooLong
            }
        }
    }

    /// Reads another chunk behind what is unread, which moves to the front; the buffer grows twofold
    /// when a line asks for it and shrinks again when nothing of it is left.
    private mutating func fill() throws {
        if let fault { throw fault }
        if unread.isEmpty {
            unread = 0..<0
            if buffer.count != Self.smallBuffer {
                buffer = [UInt8](repeating: 0, count: Self.smallBuffer)
            }
        } else if unread.lowerBound > 0 {
            buffer.withUnsafeMutableBytes { bytes in
                let kept = UnsafeRawBufferPointer(rebasing: bytes[unread])
                bytes.copyMemory(from: kept)
            }
            unread = 0..<unread.count
        }
        if buffer.count - unread.upperBound < chunkSize {
            let size = min(buffer.count * 2, limit + 2 * chunkSize)
            buffer.append(contentsOf: repeatElement(0, count: max(size - buffer.count, chunkSize)))
        }
        let end = unread.upperBound
        let source = source
        let count = try buffer.withUnsafeMutableBufferPointer { (all) throws in
            try source.read(into: UnsafeMutableBufferPointer(rebasing: all[end...]))
        }
        unread = unread.lowerBound..<end + count
        atEnd = count == 0
    }
}
