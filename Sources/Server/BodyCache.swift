// SPDX-License-Identifier: Apache-2.0
// Files in memory as they are sent, plain and compressed, within a bound.

import NIOCore
import Synchronization

/// The least recently used bodies make room for new ones. Bodies that slow clients are still being sent take room too:
/// all that is held, in the cache or on its way, stays within the bound.
final class BodyCache: Sendable {
    /// A file as it is sent.
    struct Key: Hashable, Sendable {
        let root: String
        let path: FilePath
        let isCompressed: Bool
    }

    /// A body, of one state of its file. It counts against the cache's bound until nobody sends it any more.
    struct Body: Sendable {
        let state: FileState
        let bytes: ByteBuffer
        let reservation: Reservation
    }

    private struct Entry {
        var body: Body
        var lastUse: UInt64
    }

    private struct Held {
        var entries: [Key: Entry] = [:]
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

    private let budget: MemoryBudget
    private let held = Mutex(Held())

    /// A cache of so many bytes.
    init(capacity: Int) { budget = MemoryBudget(capacity) }

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
    /// one; nil if it cannot be made, or if there is no room for it.
    ///
    /// - Parameter make: gets room for as many bytes as the file has.
    func body(
        _ key: Key, of state: FileState, make: @escaping @Sendable (Reservation) async -> Body?
    ) async -> Body? {
        let making = Making(key: key, state: state)
        let task: Task<Body?, Never>? = held.withLock { held in
            if let task = held.making[making] { return task }
            guard let reservation = room(for: state.size, in: &held) else { return nil }
            let task = Task { [self] in
                let body = await make(reservation)
                self.held.withLock { held in
                    held.making[making] = nil
                    if let body { keep(body, under: key, in: &held) }
                }
                return body
            }
            held.making[making] = task
            return task
        }
        return await task?.value
    }

    /// Room for a body; others make way for it.
    private func room(for size: Int, in held: inout Held) -> Reservation? {
        while true {
            if let reservation = budget.reserve(size) { return reservation }
            guard let oldest = held.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
                return nil
            }
            held.entries[oldest.key] = nil
        }
    }

    private func keep(_ body: Body, under key: Key, in held: inout Held) {
        guard body.bytes.readableBytes <= budget.limit / 2 else { return }
        held.uses += 1
        held.entries[key] = Entry(body: body, lastUse: held.uses)
    }
}
