// SPDX-License-Identifier: Apache-2.0
// Softmax of rows in place, for heads that nobody studies, and the soft cap.

import Tensors

extension ScoreBlock {
    /// The softmax of every row over its visible keys; zero elsewhere.
    public func softmax() {
        for q in queries {
            let visible = visibleKeys(of: q)
            let row = row(q)
            Self.softmax(row + visible.lowerBound, visible.count, sink: sink)
            clear(row, outside: visible)
        }
    }

    /// Zeroes what the row does not see.
    @inline(__always)
    public func clear(_ row: UnsafeMutablePointer<Float>, outside visible: Range<Int>) {
        (row + keys.lowerBound).update(repeating: 0, count: visible.lowerBound - keys.lowerBound)
        (row + visible.upperBound).update(
            repeating: 0, count: max(0, keys.upperBound - visible.upperBound))
    }

    private static func softmax(
        _ x: UnsafeMutablePointer<Float>, _ count: Int, sink: Float?
    ) {
        let full = count / laneCount * laneCount
        let tail = laneMask(first: count - full)
        var maxima = Lanes(repeating: -.greatestFiniteMagnitude)
        var i = 0
        while i < full {
            maxima = lanewiseMax(maxima, x.lanes(at: i))
            i += laneCount
        }
        if full < count {
            maxima = maxima.replacing(
                with: lanewiseMax(maxima, x.lanes(at: full)), where: tail)
        }
        let largest = max(maxima.laneMax, sink ?? -.infinity)
        let maximum = Lanes(repeating: largest)
        var sums = Lanes()
        i = 0
        while i < full {
            let e = exp(x.lanes(at: i) - maximum)
            sums += e
            x.store(e, at: i)
            i += laneCount
        }
        if full < count {
            let e = Lanes().replacing(with: exp(x.lanes(at: full) - maximum), where: tail)
            sums += e
            x.store(e, at: full)
        }
        var total = sums.laneSum
        if let sink { total += exp(Lanes(repeating: sink - largest))[0] }
        let scale = 1 / total
        i = 0
        while i < count {
            x.store(x.lanes(at: i) * scale, at: i)
            i += laneCount
        }
    }

    /// s becomes cap tanh(s / cap).
    func softCap(_ cap: Float) {
        for q in queries {
            let row = row(q)
            var k = keys.lowerBound
            while k < keys.upperBound {
                row.store(tanh(row.lanes(at: k) / cap) * cap, at: k)
                k += laneCount
            }
        }
    }
}
