// SPDX-License-Identifier: Apache-2.0
// How much memory bodies may take that are on their way in or out, all clients together.

import Synchronization

/// Bytes that may be held at the same time.
package final class MemoryBudget: Sendable {
    /// In bytes.
    package let limit: Int
    private let used = Mutex(0)

    /// A budget of so many bytes.
    package init(_ limit: Int) { self.limit = limit }

    /// Takes `size` bytes until the reservation is gone; nil if there are not so many. What is larger than the whole
    /// budget gets it when nobody else has any.
    package func reserve(_ size: Int) -> Reservation? {
        take(size) ? Reservation(size, of: self) : nil
    }

    fileprivate func take(_ size: Int) -> Bool {
        used.withLock { used in
            guard used == 0 || used + size <= limit else { return false }
            used += size
            return true
        }
    }

    fileprivate func giveBack(_ size: Int) { used.withLock { $0 -= size } }
}

/// A part of a budget, given back when the last reference to it goes.
package final class Reservation: Sendable {
    private let budget: MemoryBudget
    private let size: Mutex<Int>

    fileprivate init(_ size: Int, of budget: MemoryBudget) {
        self.budget = budget
        self.size = Mutex(size)
    }

    deinit { budget.giveBack(size.withLock { $0 }) }

    /// Takes what is missing to `size` bytes, or gives back what is more; false if there is not enough.
    package func resize(to size: Int) -> Bool {
        self.size.withLock { held in
            if size > held {
                guard budget.take(size - held) else { return false }
            } else {
                budget.giveBack(held - size)
            }
            held = size
            return true
        }
    }
}
