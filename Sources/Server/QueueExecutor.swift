// SPDX-License-Identifier: Apache-2.0
// Threads for work that blocks or computes, apart from those that answer requests.

import Dispatch
import Synchronization

/// Runs an actor's jobs on a dispatch queue of its own, one after the other, so that files and forward
/// passes hold up none of the threads that Swift's concurrency shares.
final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(_ label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// Bounds how many requests wait for the same thing.
struct Admission: Sendable {
    /// Shared by the copies of the value.
    private final class Count: Sendable {
        let value = Atomic(0)
    }

    private let limit: Int
    private let waiting = Count()

    init(limit: Int) { self.limit = limit }

    /// Runs `body`, or says to come back later when `limit` others are running or waiting.
    func admit<Result>(_ body: () async throws -> Result) async throws -> Result {
        let before = waiting.value.wrappingAdd(1, ordering: .relaxed).oldValue
        defer { waiting.value.wrappingSubtract(1, ordering: .relaxed) }
        guard before < limit else {
            throw APIError.busy(
                "\(limit) requests are waiting already; try again in a moment.", retryAfter: 2)
        }
        return try await body()
    }
}
