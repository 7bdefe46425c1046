// SPDX-License-Identifier: Apache-2.0
// The order in which training looks at its tokens.

import Tensors

/// Every token once in each of many passes, each pass in another random order.
struct TrainingOrder {
    private var order: [Int32]
    private var next: Int
    private var random: RandomStream

    init(count: Int, seed: UInt64) {
        order = Array(0..<Int32(clamping: count))
        next = count
        random = RandomStream(seed: seed, purpose: 2)
    }

    /// The next tokens; a pass that has not enough left is cut short.
    ///
    /// - Parameter count: at most as many as there are tokens.
    mutating func next(into tokens: UnsafeMutablePointer<Int32>, _ count: Int) {
        if order.count - next < count {
            order.shuffle(using: &random)
            next = 0
        }
        for i in 0..<count { tokens[i] = order[next + i] }
        next += count
    }
}
