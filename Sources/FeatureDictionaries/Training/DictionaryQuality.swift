// SPDX-License-Identifier: Apache-2.0
// How well a dictionary reconstructs text, and how much of it is in use.

import Tensors

/// What a dictionary does to some tokens.
public struct DictionaryQuality: Sendable {
    /// Squared error and features that fire, by token.
    public private(set) var errors: [Float]
    public private(set) var counts: [Int32]
    /// How often each feature fires.
    public private(set) var uses: [Int]
    private let rows: PaddedRows
    private let range: Range<Int>

    /// Encodes and decodes the rows of `range`.
    public init(
        _ autoencoder: TopKAutoencoder, _ rows: PaddedRows, _ range: Range<Int>, workers: Int
    ) {
        self.rows = rows
        self.range = range
        errors = Array(repeating: 0, count: range.count)
        counts = Array(repeating: 0, count: range.count)
        uses = Array(repeating: 0, count: autoencoder.features)
        let chunk = DictionaryTrainer.chunk
        let batch = chunk * 4 * workers
        let scratch = (0..<workers).map { _ in Scratch(autoencoder, rows: chunk) }
        var features = [Int32](repeating: 0, count: batch * autoencoder.k)
        for first in stride(from: 0, to: range.count, by: batch) {
            let count = min(batch, range.count - first)
            features.withUnsafeMutableBufferPointer { features in
                errors.withUnsafeMutableBufferPointer { errors in
                    counts.withUnsafeMutableBufferPointer { counts in
                        guard let features = features.baseAddress,
                            let errors = errors.baseAddress, let counts = counts.baseAddress
                        else { return }
                        share((count + chunk - 1) / chunk, among: workers) { worker, item in
                            let start = item * chunk
                            scratch[worker].measure(
                                autoencoder, rows[range.lowerBound + first + start],
                                count: min(chunk, count - start),
                                features: features + start * autoencoder.k,
                                errors: errors + first + start, counts: counts + first + start)
                        }
                    }
                }
            }
            for r in 0..<count {
                for i in 0..<Int(counts[first + r]) {
                    uses[Int(features[r * autoencoder.k + i])] += 1
                }
            }
        }
    }

    /// Features that fire at a token, on average.
    public var meanL0: Double {
        counts.reduce(0) { $0 + Double($1) } / Double(max(1, counts.count))
    }

    /// Of the tokens that `include` names by their row: 1 - sum |x - x̂|^2 / sum |x - mean|^2, and the
    /// median over tokens of 1 - |x - x̂|^2 / |x - mean|^2, with the mean of these tokens.
    public func explained(_ include: (Int) -> Bool) -> (share: Double, median: Double) {
        let chosen = range.filter(include)
        guard !chosen.isEmpty else { return (0, 0) }
        let mean = mean(of: chosen)
        var (error, variance) = (0.0, 0.0)
        var shares: [Double] = []
        shares.reserveCapacity(chosen.count)
        for r in chosen {
            let square = Double(squaredDistance(rows[r], mean.base, rows.stride))
            let lost = Double(errors[r - range.lowerBound])
            error += lost
            variance += square
            if square > 0 { shares.append(1 - lost / square) }
        }
        guard variance > 0 else { return (0, 0) }
        shares.sort()
        return (1 - error / variance, shares[shares.count / 2])
    }

    private func mean(of chosen: [Int]) -> PaddedRows {
        var sums = [Double](repeating: 0, count: rows.dModel)
        for r in chosen { for i in 0..<rows.dModel { sums[i] += Double(rows[r][i]) } }
        return PaddedRows(sums.map { Float($0 / Double(chosen.count)) }, dModel: rows.dModel)
    }

    /// A worker's memory.
    private final class Scratch {
        private let encoder: RowEncoder
        private let reconstruction: PaddedRows
        private var activations: [Float]

        init(_ autoencoder: TopKAutoencoder, rows: Int) {
            encoder = RowEncoder(autoencoder, rows: rows)
            reconstruction = PaddedRows(1, dModel: autoencoder.dModel)
            activations = Array(repeating: 0, count: rows * autoencoder.k)
        }

        func measure(
            _ autoencoder: TopKAutoencoder, _ inputs: UnsafePointer<Float>, count: Int,
            features: UnsafeMutablePointer<Int32>, errors: UnsafeMutablePointer<Float>,
            counts: UnsafeMutablePointer<Int32>
        ) {
            let (k, stride) = (autoencoder.k, reconstruction.stride)
            activations.withUnsafeMutableBufferPointer { buffer in
                guard let activations = buffer.baseAddress else { return }
                encoder.encode(
                    inputs, count: count, features: features, activations: activations,
                    counts: counts)
                for r in 0..<count {
                    let firing = ChosenRows(
                        indices: features + r * k, coefficients: activations + r * k,
                        count: Int(counts[r]))
                    decode(firing, autoencoder, into: reconstruction.base)
                    errors[r] = squaredDistance(reconstruction.base, inputs + r * stride, stride)
                }
            }
        }
    }
}
