// SPDX-License-Identifier: Apache-2.0
// All pairs of a head of one layer with a head of the same or a later one.

import Tensors

/// Two layers whose heads are compared, or one with itself.
struct LayerPair {
    let earlier: LayerSubspaces
    let later: LayerSubspaces

    /// What two heads' weights have to do with each other.
    struct Numbers {
        /// By `ReadingSide.allCases`: composition and projection kernel; 0 within a layer.
        var composition = SIMD3<Float>()
        var kernel = SIMD3<Float>()
        /// By `WeightCircuit.allCases`.
        var likeness = SIMD2<Float>()
    }

    /// [writer, reader].
    func compare(workers: Int) -> [Numbers] {
        let (writers, readers) = (earlier.heads.count, later.heads.count)
        var numbers = [Numbers](repeating: Numbers(), count: writers * readers)
        numbers.withUnsafeMutableBufferPointer { numbers in
            nonisolated(unsafe) let numbers = numbers
            share(writers, among: workers) { _, writer in
                var row = [Numbers](repeating: Numbers(), count: readers)
                if earlier.heads[0].layer < later.heads[0].layer { compose(writer, &row) }
                liken(writer, &row)
                for reader in 0..<readers { numbers[writer * readers + reader] = row[reader] }
            }
        }
        return numbers
    }

    private func compose(_ writer: Int, _ row: inout [Numbers]) {
        let norm = earlier.norms[.ov]?[writer] ?? 0
        for (place, side) in ReadingSide.allCases.enumerated() {
            let cosines = Cosines(of: later[side], with: earlier.output, head: writer)
            let weights = later.readers[side] ?? []
            let norms = later.norms[side == .value ? .ov : .qk] ?? []
            for reader in row.indices {
                row[reader].kernel[place] = squares(cosines[reader])
                let product = cosines.between(weights[reader], reader, earlier.writers[writer])
                let scale = norms[reader] * norm
                row[reader].composition[place] =
                    scale > 0 ? squares(product[...]).squareRoot() / scale : 0
            }
        }
    }

    private func liken(_ head: Int, _ row: inout [Numbers]) {
        for (place, circuit) in WeightCircuit.allCases.enumerated() {
            let (norm, norms) = (earlier.norms[circuit]?[head] ?? 0, later.norms[circuit] ?? [])
            let left = Cosines(of: later[circuit].0, with: earlier[circuit].0, head: head)
            let right = Cosines(of: later[circuit].1, with: earlier[circuit].1, head: head)
            for other in row.indices {
                let (a, b) = (left.ofMatrices(other), right.ofMatrices(other))
                let scale = norms[other] * norm
                row[other].likeness[place] = scale > 0 ? dot(a, b, a.count) / scale : 0
            }
        }
    }
}

/// The products of one head's basis with those of all heads of a layer, B_other B^T.
private struct Cosines {
    private let others: HeadSubspaces
    private let own: HeadSubspaces.Part
    /// [rows of the layer's basis, rank].
    private let products: [Float]

    init(of others: HeadSubspaces, with layer: HeadSubspaces, head: Int) {
        let (part, d) = (layer.parts[head], layer.dModel)
        let rows = others.basis.count / d
        var products = [Float](repeating: 0, count: rows * part.rank)
        layer.basis.withUnsafeBufferPointer { basis in
            guard let basis = basis.baseAddress else { return }
            multiply(
                rows, part.rank, d, others.basis, d, .asStored, basis + part.rows.lowerBound * d, d,
                .transposed, into: &products, part.rank)
        }
        (self.others, own, self.products) = (others, part, products)
    }

    /// With one of the heads, [its rank, rank].
    subscript(other: Int) -> ArraySlice<Float> {
        let rows = others.parts[other].rows
        return products[rows.lowerBound * own.rank..<rows.upperBound * own.rank]
    }

    /// a (B_other B^T) b^T, of a [m, other's rank] and b [n, rank].
    func between(_ a: [Float], _ other: Int, _ b: [Float]) -> [Float] {
        let (inner, rank) = (others.parts[other].rank, own.rank)
        guard inner > 0, rank > 0 else { return [] }
        let (m, n) = (a.count / inner, b.count / rank)
        var half = [Float](repeating: 0, count: m * rank)
        self[other].withUnsafeBufferPointer { block in
            guard let block = block.baseAddress else { return }
            multiply(m, rank, inner, a, inner, .asStored, block, rank, into: &half, rank)
        }
        var product = [Float](repeating: 0, count: m * n)
        multiply(m, n, rank, half, rank, .asStored, b, rank, .transposed, into: &product, n)
        return product
    }

    /// M_other M^T.
    func ofMatrices(_ other: Int) -> [Float] {
        between(others.parts[other].coordinates, other, own.coordinates)
    }
}

private func squares(_ numbers: ArraySlice<Float>) -> Float {
    numbers.withUnsafeBufferPointer { numbers in
        numbers.baseAddress.map { sumOfSquares($0, numbers.count, around: 0) } ?? 0
    }
}
