// SPDX-License-Identifier: Apache-2.0
// The one way this module uses several threads.

import Dispatch

/// Runs `body(worker)` for each worker in 0..<workers at the same time, and returns when all are done.
///
/// Callers cut their work into pieces that do not depend on `workers`, and worker w takes the pieces
/// w, w + workers, ...: so results never depend on the number of workers.
func concurrently(_ workers: Int, _ body: (_ worker: Int) -> Void) {
    if workers <= 1 {
        body(0)
    } else {
        // The compiler cannot see that workers write to separate places; callers answer for it.
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: workers) { body($0) }
        }
    }
}
