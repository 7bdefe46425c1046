// SPDX-License-Identifier: Apache-2.0
// The MLP's elementwise functions over rows.

import Tensors

extension Activation {
    /// The function on sixteen values.
    @inline(__always)
    func apply(_ x: Lanes) -> Lanes {
        switch self {
        case .silu:
            return x / (1 + exp(-x))
        case .gelu:
            return x * 0.5 * (1 + erf(x * Float(0.5).squareRoot()))
        case .geluTanh:
            let inner = (x + x * x * x * 0.044715) * 0.797_884_56  // sqrt(2/pi)
            return x * 0.5 * (1 + tanh(inner))
        case .relu:
            return lanewiseMax(x, Lanes())
        case .reluSquared:
            let positive = lanewiseMax(x, Lanes())
            return positive * positive
        }
    }

    /// Replaces the first `hidden` values of each row by f(x) or, gated, by f(x) times the value
    /// `hidden` places further.
    ///
    /// - Parameters:
    ///   - x: [rows, stride].
    ///   - stride: `hidden`, or 2 `hidden` when gated.
    func apply(
        _ x: UnsafeMutablePointer<Float>, rows: Int, hidden: Int, stride: Int, isGated: Bool
    ) {
        switch (self, isGated) {
        case (.silu, true):
            Self.sweep(x, rows, hidden, stride) { Activation.silu.apply($0) * $1 }
        case (.silu, false):
            Self.sweep(x, rows, hidden, stride) { a, _ in Activation.silu.apply(a) }
        case (.gelu, true):
            Self.sweep(x, rows, hidden, stride) { Activation.gelu.apply($0) * $1 }
        case (.gelu, false):
            Self.sweep(x, rows, hidden, stride) { a, _ in Activation.gelu.apply(a) }
        case (.relu, true):
            Self.sweep(x, rows, hidden, stride) { Activation.relu.apply($0) * $1 }
        case (.relu, false):
            Self.sweep(x, rows, hidden, stride) { a, _ in Activation.relu.apply(a) }
        case (.reluSquared, true):
            Self.sweep(x, rows, hidden, stride) { Activation.reluSquared.apply($0) * $1 }
        case (.reluSquared, false):
            Self.sweep(x, rows, hidden, stride) { a, _ in Activation.reluSquared.apply(a) }
        case (.geluTanh, true):
            Self.sweep(x, rows, hidden, stride) { Activation.geluTanh.apply($0) * $1 }
        case (.geluTanh, false):
            Self.sweep(x, rows, hidden, stride) { a, _ in Activation.geluTanh.apply(a) }
        }
    }

    /// One loop for all: inlined with its function, so that nothing is called per element. Without a
    /// gate (stride == hidden) the second argument repeats the first.
    @inline(__always)
    private static func sweep(
        _ x: UnsafeMutablePointer<Float>, _ rows: Int, _ hidden: Int, _ stride: Int,
        _ function: (Lanes, Lanes) -> Lanes
    ) {
        let gate = stride - hidden
        for row in 0..<rows {
            let values = x + row * stride
            var i = 0
            while i + laneCount <= hidden {
                values.store(function(values.lanes(at: i), values.lanes(at: i + gate)), at: i)
                i += laneCount
            }
            while i < hidden {
                values[i] =
                    function(
                        Lanes(repeating: values[i]), Lanes(repeating: values[i + gate]))[0]
                i += 1
            }
        }
    }
}
