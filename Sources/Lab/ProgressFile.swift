// SPDX-License-Identifier: Apache-2.0
// What is known of questions that are not answered yet: a file that grows at its end, and goes when they are.

import Attribution
import Digests
import Foundation
import OpenFiles
import Synchronization
import UserErrors

/// Keeps what prompts gave, and answers, so that a run that was ended in the middle goes on where it was.
///
/// A line says whose progress it is; records follow: a kind (0 a prompt, 1 an answer), the number of bytes (32 bits),
/// the bytes and the XXH64 of all of these, little-endian. A record that is not whole, and all behind it, is
/// cut off when the file is opened.
public final class ProgressFile: Sendable {
    /// What stands for one prompt of a question: a hash of its tokens and of what was looked at.
    public struct Key: Hashable, Sendable {
        fileprivate let bytes: [UInt8]

        fileprivate init(_ bytes: [UInt8]) { self.bytes = bytes }

        init(_ name: String, _ request: SequenceRequest) {
            let hash = SHA256()
            hash.update("\(name)\n")
            for edge in request.edges { hash.update("\(edge.head) \(edge.query) \(edge.key)\n") }
            Array(request.tokens).withUnsafeBytes { hash.update($0) }
            bytes = Array(hash.finalize().prefix(nameBytes))
        }
    }

    private struct State {
        /// Open and locked once there is a file.
        var descriptor: Int32 = -1
        var size = 0
        var findings: [Key: [Float]] = [:]
        var answers: [String: [UInt8]] = [:]
    }

    private let url: URL
    private let title: [UInt8]
    private let limit: Int
    private let state: Mutex<State>

    /// Reads what is there; a file about something else is begun anew.
    ///
    /// - Parameters:
    ///   - about: what decides what prompts give, and is the same as long as that is.
    ///   - limit: bytes beyond which nothing more is written down.
    /// - Throws: when another program is at the file.
    public init(_ url: URL, about: String, limit: Int = 1 << 30) throws {
        self.url = url
        self.limit = limit
        let hash = SHA256()
        hash.update(about)
        title = Array("headvis lab progress 1 \(hexadecimal(hash.finalize()))\n".utf8)
        state = Mutex(State())
        guard FileManager.default.fileExists(atPath: url.path) else { return }
        try state.withLock { try open(&$0) }
    }

    deinit {
        state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } }
    }

    /// Answers that are known, by id.
    public var answers: [String: [UInt8]] { state.withLock { $0.answers } }
    /// Prompts that are known.
    public var prompts: Int { state.withLock { $0.findings.count } }

    func finding(_ key: Key) -> [Float]? { state.withLock { $0.findings[key] } }

    func note(findings: [(Key, [Float])]) throws {
        guard !findings.isEmpty else { return }
        try append(
            findings.flatMap { key, numbers in
                Self.record(
                    0, key.bytes + numbers.flatMap { Self.littleEndian($0.bitPattern) })
            })
    }

    /// Writes down answers by their ids, of sixteen characters. When this returns they are on the disk.
    public func note(answers: [(id: String, answer: [UInt8])]) throws {
        guard !answers.isEmpty else { return }
        precondition(answers.allSatisfy { $0.id.utf8.count == nameBytes })
        try append(answers.flatMap { Self.record(1, Array($0.id.utf8) + $0.answer) })
    }

    /// Removes the file: what it knows is stored elsewhere now.
    public func remove() {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            unlink(url.path)
            close(state.descriptor)
            state = State()
        }
    }

    private func append(_ bytes: [UInt8]) throws {
        try state.withLock { state in
            if state.descriptor < 0 { try open(&state) }
            guard state.size + bytes.count <= limit else { return }
            guard writeAll(bytes, to: state.descriptor, at: state.size),
                fdatasync(state.descriptor) == 0
            else {
                let error = cannotWrite()
                ftruncate(state.descriptor, off_t(state.size))
                throw error
            }
            state.size += bytes.count
        }
    }

    /// Opens the file, or makes it, and reads what it holds.
    private func open(_ state: inout State) throws {
        try? FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let file = Foundation.open(
            url.path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw cannotWrite() }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw UserError(
                "\(url.path): is in use by another run with the same questions; wait until it is done."
            )
        }
        state.descriptor = file
        let mapped = try? Data(contentsOf: url, options: .alwaysMapped)
        let bytes = mapped.map { [UInt8]($0.prefix(limit)) } ?? []
        if bytes.starts(with: title) {
            state.size = title.count
            read(bytes, into: &state)
        } else {
            guard ftruncate(file, 0) == 0, writeAll(title, to: file, at: 0) else {
                throw cannotWrite()
            }
            state.size = title.count
        }
        ftruncate(file, off_t(state.size))
    }

    private func read(_ bytes: [UInt8], into state: inout State) {
        while let record = Self.record(bytes, at: state.size) {
            switch bytes[state.size] {
            case 0:
                let key = Key(Array(record.prefix(nameBytes)))
                state.findings[key] = record.dropFirst(nameBytes).withUnsafeBytes { buffer in
                    (0..<buffer.count / 4).map {
                        Float(
                            bitPattern: UInt32(
                                littleEndian: buffer.loadUnaligned(
                                    fromByteOffset: 4 * $0, as: UInt32.self)))
                    }
                }
            case 1:
                let id = String(decoding: record.prefix(nameBytes), as: UTF8.self)
                state.answers[id] = Array(record.dropFirst(nameBytes))
            default: return
            }
            state.size += record.count + Self.frame
        }
    }

    // MARK: Records

    /// Bytes of a record besides its own.
    private static let frame = 1 + 4 + 8

    private static func record(_ kind: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var bytes = [kind]
        bytes.reserveCapacity(payload.count + frame)
        bytes += littleEndian(UInt32(clamping: payload.count))
        bytes += payload
        return bytes + littleEndian(digest(of: bytes[...]))
    }

    /// The payload of the record that begins at `start`; nil unless it is whole.
    private static func record(_ bytes: [UInt8], at start: Int) -> ArraySlice<UInt8>? {
        guard start + frame <= bytes.count else { return nil }
        let count = bytes[start + 1..<start + 5].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard count <= bytes.count - start - frame, count >= nameBytes else {
            return nil
        }
        let end = start + 5 + count
        guard Array(bytes[end..<end + 8]) == littleEndian(digest(of: bytes[start..<end])) else {
            return nil
        }
        return bytes[start + 5..<end]
    }

    private static func digest(of bytes: ArraySlice<UInt8>) -> UInt64 {
        var hash = XXH64()
        bytes.withUnsafeBytes { hash.update($0) }
        return hash.digest
    }

    private static func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private func cannotWrite() -> UserError {
        UserError(
            "\(url.path): cannot be written (\(String(cString: strerror(errno)))); is the disk full or read-only?"
        )
    }
}

/// Bytes of a prompt's hash, and of an answer's id.
private let nameBytes = 16
