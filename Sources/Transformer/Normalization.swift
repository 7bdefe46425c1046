// SPDX-License-Identifier: Apache-2.0
// Layer norm and root-mean-square norm of rows.

import Tensors

/// A norm with its weights, ready to run.
public struct NormWeights: Sendable {
    /// What is computed.
    public let kind: ModelDescription.Norm
    /// The multiplier, with the family's offset added.
    public let weight: [Float]
    /// Added at the end; empty when there is none.
    public let bias: [Float]

    init(kind: ModelDescription.Norm, weight: [Float], bias: [Float] = []) {
        self.kind = kind
        let offset = kind.weightOffset
        self.weight = offset == 0 ? weight : weight.map { $0 + offset }
        self.bias = bias
    }

    /// Normalises `count` rows of the weight's width from `x` into `y`, which may be the same memory.
    ///
    /// - Parameters:
    ///   - strideX: distance between rows of x, in elements; `strideY` likewise.
    /// - Returns: whether every value was finite.
    func normalize(
        _ count: Int, _ x: UnsafePointer<Float>, _ strideX: Int,
        into y: UnsafeMutablePointer<Float>, _ strideY: Int
    ) -> Bool {
        let width = weight.count
        var isFinite = true
        weight.withUnsafeBufferPointer { weight in
            bias.withUnsafeBufferPointer { bias in
                guard let w = weight.baseAddress else { return }
                for row in 0..<count {
                    let (mean, scale) = moments(x + row * strideX, width)
                    isFinite = isFinite && scale.isFinite && mean.isFinite
                    Self.apply(
                        x + row * strideX, width, mean, scale, w,
                        bias.isEmpty ? nil : bias.baseAddress, into: y + row * strideY)
                }
            }
        }
        return isFinite
    }

    /// What is subtracted (0 for root mean square) and what multiplies the difference.
    func moments(_ x: UnsafePointer<Float>, _ width: Int) -> (mean: Float, scale: Float) {
        switch kind {
        case .rootMeanSquare(let epsilon, _):
            let square = sumOfSquares(x, width, around: 0) / Float(width)
            return (0, 1 / (square + epsilon).squareRoot())
        case .layer(let epsilon, _):
            let mean = sum(x, width) / Float(width)
            let variance = sumOfSquares(x, width, around: mean) / Float(width)
            return (mean, 1 / (variance + epsilon).squareRoot())
        }
    }

    private static func apply(
        _ x: UnsafePointer<Float>, _ width: Int, _ mean: Float, _ scale: Float,
        _ weight: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
        into y: UnsafeMutablePointer<Float>
    ) {
        var i = 0
        while i + laneCount <= width {
            var value = (x.lanes(at: i) - mean) * scale * weight.lanes(at: i)
            if let bias { value += bias.lanes(at: i) }
            y.store(value, at: i)
            i += laneCount
        }
        while i < width {
            y[i] = (x[i] - mean) * scale * weight[i] + (bias?[i] ?? 0)
            i += 1
        }
    }
}

extension ModelDescription.Norm {
    /// What is added to the stored weight.
    var weightOffset: Float {
        switch self {
        case .layer(_, let offset), .rootMeanSquare(_, let offset): offset
        }
    }

    /// The same for a weight that is not stored but 1.
    var withoutOffset: Self {
        switch self {
        case .layer(let epsilon, _): .layer(epsilon: epsilon)
        case .rootMeanSquare(let epsilon, _): .rootMeanSquare(epsilon: epsilon)
        }
    }
}
