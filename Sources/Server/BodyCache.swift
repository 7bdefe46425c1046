// SPDX-License-Identifier: Apache-2.0
// Files in memory as they are sent, plain and compressed, within a bound.

import NIOCore
import Synchronization

/// The least recently used bodies make room for new ones.
final class BodyCache: Sendable {
    /// A file as it is sent.
    struct Key: Hashable, Sendable {
        let root: String
        let path: FilePath
        let isCompressed: Bool
    }

    /// A body, of one state of its file.
    struct Body: Sendable {
        let state: FileState
        let bytes: ByteBuffer
    }

    private struct Entry {
        var body: Body
        var lastUse: UInt64
    }

    private struct Held {
        var entries: [Key: Entry] = [:]
        var size = 0
        var uses: UInt64 = 0
        /// Bodies that are being made, so that many requests make them once.
        var making: [Making: Task<Body?, Never>] = [:]
    }

    /// What is being made. The file's state belongs to it: a request that comes after a write must not be
    /// answered with what was begun before it.
    private struct Making: Hashable {
        let key: Key
        let state: FileState
    }

    private let capacity: Int
    private let held = Mutex(Held())

    /// A cache of so many bytes.
    init(capacity: Int) { self.capacity = capacity }

    /// The body under `key` if it is of this state of its file.
    func body(_ key: Key, _ state: FileState) -> Body? {
        held.withLock { held in
            guard let entry = held.entries[key], entry.body.state == state else { return nil }
            held.uses += 1
            held.entries[key]?.lastUse = held.uses
            return entry.body
        }
    }

    /// The body under `key`, made by `make` unless somebody makes it already of a file in this state or a later
    /// one.
    func body(
        _ key: Key, of state: FileState, make: @escaping @Sendable () async -> Body?
    ) async -> Body? {
        let making = Making(key: key, state: state)
        let task = held.withLock { held in
            if let task = held.making[making] { return task }
            let task = Task { [self] in
                let body = await make()
                self.held.withLock { held in
                    held.making[making] = nil
                    if let body { keep(body, under: key, in: &held) }
                }
                return body
            }
            held.making[making] = task
            return task
        }
        return await task.value
    }

    private func keep(_ body: Body, under key: Key, in held: inout Held) {
        let size = body.bytes.readableBytes
        guard size <= capacity / 2 else { return }
        held.size -= held.entries[key]?.body.bytes.readableBytes ?? 0
        held.uses += 1
        held.entries[key] = Entry(body: body, lastUse: held.uses)
        held.size += size
        while held.size > capacity,
            let oldest = held.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            held.entries[oldest.key] = nil
            held.size -= oldest.value.body.bytes.readableBytes
        }
    }
}
