// SPDX-License-Identifier: Apache-2.0
// How much of what a head writes is read by the queries, keys and values of heads in later layers.
//
//     composition(1, 2) = ||W_2 W_1||_F / (||W_2||_F ||W_1||_F)        (Elhage et al. 2021)
//
// W_1 is the earlier head's W_OV = W_O^T W_V; W_2 the later head's W_OV for values, W_QK = W_Q^T W_K for keys
// and its transpose for queries. Both have the rank of a head: with ||X Y||² = tr(X^T X Y Y^T), the outer
// matrix of each is taken into the inner one by a square root of its Gram matrix,
//
//     ||W_Q^T W_K W_O^T W_V||_F = ||(F_Q W_K) (F_V W_O)^T||_F,   F_Q^T F_Q = W_Q W_Q^T,  F_V^T F_V = W_V W_V^T,
//
// so that every pair of heads is one small block of a large matrix product.

import Tensors
import Transformer

/// A reading side of a head.
public enum ReadingSide: String, CaseIterable, Sendable {
    case query = "q"
    case key = "k"
    case value = "v"
}

/// The composition of every pair of heads.
public struct Composition: Sendable {
    /// In the order in which they were given.
    public let heads: [HeadAddress]
    /// By side, [writer, reader]; 0 where the writer does not stand in an earlier layer.
    public let scores: [ReadingSide: [Float]]

    /// What two heads of these ranks give whose directions have nothing to do with each other: the mean of the
    /// squared score under a uniformly random rotation between them, and its standard deviation.
    ///
    /// For symmetric A and B, E tr(A U B U^T) = tr A tr B / d, and its variance is
    /// 2 (tr A² - (tr A)²/d) (tr B² - (tr B)²/d) / ((d - 1)(d + 2)).
    ///
    /// - Parameters:
    ///   - writerRank: participation ratio of the writer's map, (tr A)² / tr A²; `readerRank` likewise.
    public static func chance(writerRank: Double, readerRank: Double, dModel: Int)
        -> (mean: Double, deviation: Double)
    {
        let d = Double(dModel)
        let variance =
            2 * (1 / writerRank - 1 / d) * (1 / readerRank - 1 / d) / ((d - 1) * (d + 2))
        return (1 / d, max(0, variance).squareRoot())
    }
}

/// Computes the composition layer by layer: what earlier layers write is kept, [dValue, dModel] a head.
public struct CompositionBuilder: Sendable {
    /// The writing side of one head: F_V W_O and its norm.
    private struct Writer: Sendable {
        let matrix: [Float]
        let norm: Float
    }

    private let dModel: Int
    private let workers: Int
    private var heads: [HeadAddress] = []
    private var writers: [Writer] = []
    /// By side and reader, the scores of the writers before its layer.
    private var columns: [ReadingSide: [[Float]]] = [.query: [], .key: [], .value: []]

    public init(dModel: Int, workers: Int) {
        self.dModel = dModel
        self.workers = workers
    }

    /// Adds the heads of the next layer.
    public mutating func append(_ layer: [FoldedHead]) throws {
        var next: [Writer] = []
        var readers: [ReadingSide: [[Float]]] = [:]
        for head in layer {
            let (q, k) = (gram(head.query, dModel), gram(head.key, dModel))
            let (v, o) = (gram(head.value, dModel), gram(head.output, dModel))
            readers[.query, default: []].append(try scaled(head.query, by: k))
            readers[.key, default: []].append(try scaled(head.key, by: q))
            readers[.value, default: []].append(try scaled(head.value, by: o))
            let written = try scaled(head.output, by: v)
            next.append(Writer(matrix: written, norm: norm(written)))
        }
        for side in ReadingSide.allCases {
            let read = scores(of: readers[side] ?? [])
            columns[side]?.append(contentsOf: read)
        }
        heads += layer.map(\.address)
        writers += next
    }

    /// The composition of all heads that were added.
    public func finish() -> Composition {
        let n = heads.count
        let scores = columns.mapValues { columns in
            var matrix = [Float](repeating: 0, count: n * n)
            for (reader, column) in columns.enumerated() {
                for (writer, score) in column.enumerated() { matrix[writer * n + reader] = score }
            }
            return matrix
        }
        return Composition(heads: heads, scores: scores)
    }

    /// F M, with F^T F = `gram`.
    private func scaled(_ matrix: [Float], by gram: [Double]) throws -> [Float] {
        let n = matrix.count / dModel
        let f = try factor(gram, order: n)
        var product = [Float](repeating: 0, count: matrix.count)
        multiply(n, dModel, n, f, n, .asStored, matrix, dModel, .asStored, into: &product, dModel)
        return product
    }

    /// For each reader, its score with every writer so far.
    private func scores(of readers: [[Float]]) -> [[Float]] {
        let rows = readers.map { $0.count / dModel }
        let total = rows.reduce(0, +)
        let stacked = readers.flatMap { $0 }
        let norms = readers.map(norm)
        var result = [Float](repeating: 0, count: writers.count * readers.count)
        result.withUnsafeMutableBufferPointer { result in
            nonisolated(unsafe) let result = result
            share(writers.count, among: workers) { _, w in
                let writer = writers[w]
                let n = writer.matrix.count / dModel
                // [total, n]: the rows of one reader lie together.
                let product = [Float](unsafeUninitializedCapacity: total * n) { buffer, count in
                    guard let base = buffer.baseAddress else { return }
                    multiply(
                        total, n, dModel, stacked, dModel, .asStored, writer.matrix, dModel,
                        .transposed, into: base, n)
                    count = total * n
                }
                var row = 0
                for (r, height) in rows.enumerated() {
                    let block = product.withUnsafeBufferPointer { product in
                        product.baseAddress.map {
                            sumOfSquares($0 + row * n, height * n, around: 0)
                        } ?? 0
                    }
                    let scale = writer.norm * norms[r]
                    result[w * readers.count + r] = scale > 0 ? block.squareRoot() / scale : 0
                    row += height
                }
            }
        }
        return readers.indices.map { r in
            writers.indices.map { result[$0 * readers.count + r] }
        }
    }

    private func norm(_ matrix: [Float]) -> Float {
        matrix.withUnsafeBufferPointer { matrix in
            matrix.baseAddress.map { sumOfSquares($0, matrix.count, around: 0).squareRoot() } ?? 0
        }
    }
}
