// SPDX-License-Identifier: Apache-2.0
// Data parallelism: items shared out among a fixed number of workers.

import Dispatch
import Synchronization

/// Calls `body(worker, item)` once for every item in 0..<count, each worker taking the next item when
/// it is free; returns when all are done.
///
/// - Parameter body: runs on several threads at the same time, but never on two for one worker, so
///   that memory indexed by `worker` or by `item` needs no lock.
public func share(
    _ count: Int, among workers: Int, _ body: (_ worker: Int, _ item: Int) -> Void
) {
    withoutActuallyEscaping(body) { body in
        // Sendable by the contract above.
        nonisolated(unsafe) let body = body
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            while true {
                let item = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard item < count else { return }
                body(worker, item)
            }
        }
    }
}
