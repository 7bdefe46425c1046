// SPDX-License-Identifier: Apache-2.0
// Custom sequences in the tree, found and added without reading their files from end to end.

import DataTree
import Foundation
import Synchronization
import Transformer

/// Keeps in mind where the sequences of the last heads lie in their files, for as long as nobody else changes these.
final class CustomSequenceStore: Sendable {
    /// A file as it was read or written last.
    private struct Known {
        var state: FileState
        var sequences: CustomSequences
        var growth = FileGrowth()
    }

    private let tree: TreeStore
    private let known = Mutex<[HeadAddress: Known]>([:])

    /// Heads beyond these are read anew.
    private static let capacity = 64

    /// The sequences in this tree.
    init(_ tree: TreeStore) { self.tree = tree }

    /// The stored sequence with this id, as it is in the file; nil if there is none.
    func sequence(_ id: String, of head: HeadAddress) async throws -> [UInt8]? {
        switch found(id, of: head, tree.root) {
        case .stored(let sequence): return sequence
        case .missing: return nil
        case .unknown: break
        }
        return try await tree.betweenChanges {
            try self.read(head, self.tree.root)
            guard case .stored(let sequence) = self.found(id, of: head, self.tree.root) else {
                return nil
            }
            return sequence
        }
    }

    /// Stores a sequence at the end of its head's file, unless one with this id is there.
    ///
    /// - Returns: what is stored, when it is on the disk.
    func add(_ sequence: [UInt8], as id: String, to head: HeadAddress) async throws -> [UInt8] {
        try await tree.changing { root in
            try self.read(head, root)
            if case .stored(let stored) = self.found(id, of: head, root) { return stored }
            let url = root.appending(path: CustomSequences.path(head))
            do {
                if !(try self.insert(sequence, as: id, to: head, url)) {
                    try DurableFile.replace(url, with: CustomSequences.file(of: sequence))
                }
            } catch let error as DataTreeError {
                self.known.withLock { $0[head] = nil }
                throw APIError.broken(error.description)
            }
            return sequence
        }
    }

    /// Removes a sequence; false if there is none with this id.
    func remove(_ id: String, from head: HeadAddress) async throws -> Bool {
        try await tree.changing { root in
            try self.read(head, root)
            let known = self.known.withLock { $0[head] }
            let path = CustomSequences.path(head)
            guard var known, known.sequences.range(of: id) != nil,
                var bytes = try self.tree.contents(path)
            else { return false }
            guard let place = known.sequences.remove(id, from: &bytes) else { return false }
            let url = root.appending(path: path)
            do { try DurableFile.replace(url, with: bytes) } catch {
                throw APIError.broken("\(error)")
            }
            known.growth.fileChanged(from: place)
            self.keep(known, at: FileState(path: url.path), head)
            return true
        }
    }

    /// What is known of a sequence.
    private enum Lookup {
        case stored([UInt8])
        case missing
        /// The file is another than the one that was read.
        case unknown
    }

    /// Answers from what is known, if the file is still as it was.
    private func found(_ id: String, of head: HeadAddress, _ root: URL) -> Lookup {
        let path = CustomSequences.path(head)
        let (state, range) = known.withLock { all in
            (all[head]?.state, all[head]?.sequences.range(of: id))
        }
        guard let range else {
            return FileState(path: root.appending(path: path).path) == state ? .missing : .unknown
        }
        guard let file = OpenFile(path, under: root.path), file.state == state,
            let bytes = file.read(range)
        else { return .unknown }
        return .stored(Array(bytes.readableBytesView))
    }

    /// Reads the head's file unless it is known as it is.
    private func read(_ head: HeadAddress, _ root: URL) throws {
        let path = CustomSequences.path(head)
        let state = FileState(path: root.appending(path: path).path)
        guard known.withLock({ $0[head]?.state }) != state else { return }
        guard let file = OpenFile(path, under: root.path) else {
            known.withLock { $0[head] = nil }
            guard state == nil else {
                throw APIError.broken(
                    "\(path) in the data tree cannot be read; check its permissions.")
            }
            return
        }
        guard let bytes = file.read(0..<file.state.size) else {
            throw APIError.broken("\(path) in the data tree cannot be read to its end.")
        }
        let sequences = try CustomSequences(Array(bytes.readableBytesView), of: head)
        keep(Known(state: file.state, sequences: sequences), at: file.state, head)
    }

    private func keep(_ file: Known, at state: FileState?, _ head: HeadAddress) {
        known.withLock { known in
            known[head] = nil
            guard let state else { return }
            if known.count >= Self.capacity, let other = known.keys.first { known[other] = nil }
            known[head] = file
            known[head]?.state = state
        }
    }

    /// Inserts a sequence into the file that is known; false if there is no file.
    private func insert(
        _ sequence: [UInt8], as id: String, to head: HeadAddress, _ url: URL
    ) throws -> Bool {
        let before = known.withLock { all in
            all[head].map { ($0.state, $0.sequences.insertion(of: sequence), $0.growth) }
        }
        guard let (state, (bytes, place), growth) = before else { return false }
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw DataTreeError("\(url.lastPathComponent) cannot be read.")
        }
        defer { close(descriptor) }
        guard FileState(descriptor: descriptor) == state else {
            throw DataTreeError(
                "\(url.lastPathComponent) was changed by another program just now; try again.")
        }
        var next = growth
        try next.insert(bytes, at: place, into: url, current: descriptor)
        let now = FileState(path: url.path)
        known.withLock { all in
            guard let now else { return all[head] = nil }
            // In place: what is known of 10,000 sequences is not copied.
            all[head]?.sequences.didInsert(id, sequence)
            all[head]?.growth = next
            all[head]?.state = now
        }
        return true
    }
}
