// SPDX-License-Identifier: Apache-2.0
// How alike the patterns of any two heads are, by what they do with the same queries.

import Tensors
import Transformer

/// The likeness of every pair of studied heads, summed over sequences.
///
/// Of a sequence a few queries are watched, the same ones for all heads. For two heads with patterns A and B,
/// the sequence counts with the mean over its watched queries q of the Bhattacharyya coefficient
/// Σ_k sqrt(A[q,k] B[q,k]) over keys k > 0: 1 where both attend alike and neither rests on position 0, 0 where they
/// share no key. As an inner product of square-root rows it is one matrix product a sequence for all pairs.
///
/// Every addend is rounded to a multiple of 2^-31, so that sums of up to four million sequences are exact:
/// they do not depend on the order, and parts of a corpus add up to the whole, bit by bit.
public struct Likeness: Sendable, Equatable {
    /// Number of studied heads.
    public let heads: Int
    /// How many sequences were watched.
    public private(set) var sequences = 0
    /// [heads, heads], symmetric: Σ of the sequences' means.
    public private(set) var sum: [Double]
    /// [heads, heads], symmetric: Σ of their squares.
    public private(set) var sumOfSquares: [Double]

    /// Queries that are watched in a sequence.
    public static let queriesPerSequence = 2
    private static let step = 0x1p-31
    /// Rows of the matrix that one worker computes at a time.
    private static let rowsPerBlock = 64

    /// Of no sequences yet.
    public init(heads: Int) {
        self.heads = heads
        sum = Array(repeating: 0, count: heads * heads)
        sumOfSquares = sum
    }

    /// Sums that were taken before; both [heads, heads].
    public init(heads: Int, sequences: Int, sum: [Double], sumOfSquares: [Double]) {
        precondition(sum.count == heads * heads && sumOfSquares.count == heads * heads)
        self.heads = heads
        self.sequences = sequences
        self.sum = sum
        self.sumOfSquares = sumOfSquares
    }

    /// Adds the sums of other sequences.
    public static func += (a: inout Likeness, b: Likeness) {
        precondition(a.heads == b.heads)
        a.sequences += b.sequences
        for i in a.sum.indices {
            a.sum[i] += b.sum[i]
            a.sumOfSquares[i] += b.sumOfSquares[i]
        }
    }

    /// Adds the watched sequences of a batch.
    public mutating func add(_ batch: [ScanSequence], _ results: BatchResults, workers: Int) {
        for s in batch.indices where !batch[s].watchedQueries.isEmpty {
            add(rootRows(ofSequence: s, results), queries: batch[s].watchedQueries.count, workers)
            sequences += 1
        }
    }

    /// [heads, width]: for each head its square-root rows, one after the other.
    private func rootRows(ofSequence s: Int, _ results: BatchResults) -> [Float] {
        var rows: [Float] = []
        for h in 0..<heads { rows += results[s, h].rootRows }
        return rows
    }

    private mutating func add(_ rows: [Float], queries: Int, _ workers: Int) {
        let (heads, width) = (heads, rows.count / heads)
        let blocks = (heads + Self.rowsPerBlock - 1) / Self.rowsPerBlock
        sum.withUnsafeMutableBufferPointer { sum in
            sumOfSquares.withUnsafeMutableBufferPointer { squares in
                // Every block writes rows of its own.
                nonisolated(unsafe) let (sum, squares) = (sum, squares)
                share(blocks, among: workers) { _, block in
                    let first = block * Self.rowsPerBlock
                    let count = min(Self.rowsPerBlock, heads - first)
                    var products = [Float](repeating: 0, count: count * heads)
                    rows.withUnsafeBufferPointer { rows in
                        guard let rows = rows.baseAddress else { return }
                        multiply(
                            count, heads, width, rows + first * width, width, .asStored, rows,
                            width,
                            .transposed, into: &products, heads, alpha: 1 / Float(queries))
                    }
                    for (i, product) in products.enumerated() {
                        let value = Self.rounded(Double(product))
                        sum[first * heads + i] += value
                        squares[first * heads + i] += Self.rounded(value * value)
                    }
                }
            }
        }
    }

    private static func rounded(_ value: Double) -> Double { (value / step).rounded() * step }
}

extension HeadView {
    /// The square roots of the rows of some queries, without position 0: [queries.count, length - 1].
    func rootRows(of queries: [Int]) -> [Float] {
        let width = length - 1
        var rows = [Float](repeating: 0, count: queries.count * width)
        for (i, query) in queries.enumerated() {
            let row = attention + query * attentionStride
            for key in visibleKeys(of: query) where key > 0 {
                rows[i * width + key - 1] = row[key].squareRoot()
            }
        }
        return rows
    }
}
