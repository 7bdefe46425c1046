// SPDX-License-Identifier: Apache-2.0
// The directions of the residual stream that a layer's heads read and write, as orthonormal rows.
//
// A head's matrix M, [dHead, dModel], is C B: the rows of B are an orthonormal basis of what M reads (or writes), C holds
// how much of each it takes. With M M^T = V L V^T they are C = V sqrt(L) and B = V^T M / sqrt(L). Products of two heads'
// bases are cosines of angles between directions, and products of their matrices are those in small matrices:
// M_1 M_2^T = C_1 (B_1 B_2^T) C_2^T. So one large product for each pair of matrices serves all that is asked of it.

import Tensors
import Transformer

/// One of the four matrices of every head of a layer.
struct HeadSubspaces {
    /// One head's part.
    struct Part {
        /// Its rows in `basis`.
        let rows: Range<Int>
        /// C: rows of the head's matrix by rows of the basis, [dHead, rank].
        let coordinates: [Float]
        /// M M^T, [dHead, dHead].
        let gram: [Double]

        var rank: Int { rows.count }
    }

    let dModel: Int
    /// Of all heads, [rows, dModel]; heads that share a matrix share its rows.
    let basis: [Float]
    /// By head of the layer.
    let parts: [Part]

    /// Singular values below this part of the largest are rounding.
    private static let tolerance = 1e-5

    /// - Parameter matrices: of the layer's heads, [dHead, dModel] each.
    init(_ matrices: [[Float]], dModel: Int) throws {
        self.dModel = dModel
        var basis: [Float] = []
        var parts: [Part] = []
        for (head, matrix) in matrices.enumerated() {
            // Heads of one group share their keys and values.
            if head > 0, matrix == matrices[head - 1] {
                parts.append(parts[head - 1])
                continue
            }
            let gram = gram(matrix, dModel)
            let (rows, coordinates) = try Self.split(matrix, gram, dModel)
            let first = basis.count / dModel
            basis += rows
            parts.append(
                Part(
                    rows: first..<basis.count / dModel, coordinates: coordinates, gram: gram))
        }
        self.basis = basis
        self.parts = parts
    }

    /// B and C of M, for the directions that M has.
    private static func split(
        _ matrix: [Float], _ gram: [Double], _ dModel: Int
    ) throws -> (basis: [Float], coordinates: [Float]) {
        let order = matrix.count / dModel
        let eigen = try SymmetricEigen(gram, order: order)
        let least = tolerance * tolerance * (eigen.values.last ?? 0)
        let kept = eigen.values.indices.filter { eigen.values[$0] > max(least, 0) }
        var scaled = [Double](repeating: 0, count: kept.count * order)
        var coordinates = [Float](repeating: 0, count: order * kept.count)
        for (row, i) in kept.enumerated() {
            let root = eigen.values[i].squareRoot()
            for j in 0..<order {
                let entry = eigen.vectors[i * order + j]
                scaled[row * order + j] = entry / root
                coordinates[j * kept.count + row] = Float(entry * root)
            }
        }
        let wide = matrix.map(Double.init)
        var basis = [Double](repeating: 0, count: kept.count * dModel)
        multiply(
            kept.count, dModel, order, scaled, order, .asStored, wide, dModel, .asStored,
            into: &basis, dModel)
        return (basis.map(Float.init), coordinates)
    }
}

/// What a layer's heads read and write, and how they weigh it.
struct LayerSubspaces {
    let heads: [HeadAddress]
    let query: HeadSubspaces
    let key: HeadSubspaces
    let value: HeadSubspaces
    let output: HeadSubspaces
    /// By side and head, F C: C of what is read, weighed by the matrix that it meets in the head, whose M M^T is F^T F.
    let readers: [ReadingSide: [[Float]]]
    /// By head, F_V C_O.
    let writers: [[Float]]
    /// By head, ||W_V^T W_O|| and ||W_Q^T W_K||, Frobenius norms.
    let norms: [WeightCircuit: [Float]]

    init(_ layer: [FoldedHead]) throws {
        let dModel = layer[0].dModel
        heads = layer.map(\.address)
        query = try HeadSubspaces(layer.map(\.query), dModel: dModel)
        key = try HeadSubspaces(layer.map(\.key), dModel: dModel)
        value = try HeadSubspaces(layer.map(\.value), dModel: dModel)
        output = try HeadSubspaces(layer.map(\.output), dModel: dModel)
        readers = [
            .query: try Self.weighed(query, by: key), .key: try Self.weighed(key, by: query),
            .value: try Self.weighed(value, by: output),
        ]
        writers = try Self.weighed(output, by: value)
        norms = [.qk: Self.norms(query, key), .ov: Self.norms(value, output)]
    }

    /// What the bases take in memory; the rest is small.
    var bytes: Int {
        [query, key, value, output].reduce(0) { $0 + 4 * $1.basis.count }
    }

    /// What a side of the heads reads.
    subscript(side: ReadingSide) -> HeadSubspaces {
        switch side {
        case .query: query
        case .key: key
        case .value: value
        }
    }

    /// The two matrices of a circuit A^T B.
    subscript(circuit: WeightCircuit) -> (HeadSubspaces, HeadSubspaces) {
        circuit == .qk ? (query, key) : (value, output)
    }

    /// F C with F^T F = M M^T of the other matrix, [dHead, rank] by head.
    private static func weighed(
        _ subspaces: HeadSubspaces, by other: HeadSubspaces
    ) throws -> [[Float]] {
        try zip(subspaces.parts, other.parts).map { part, other in
            let order = part.rank > 0 ? part.coordinates.count / part.rank : 0
            var product = [Float](repeating: 0, count: order * part.rank)
            let f = try factor(other.gram, order: order)
            multiply(
                order, part.rank, order, f, order, .asStored, part.coordinates, part.rank,
                .asStored, into: &product, part.rank)
            return product
        }
    }

    /// ||A^T B||, whose square is tr(A A^T B B^T).
    private static func norms(_ a: HeadSubspaces, _ b: HeadSubspaces) -> [Float] {
        zip(a.parts, b.parts).map { a, b in
            Float(max(0, zip(a.gram, b.gram).reduce(0) { $0 + $1.0 * $1.1 }).squareRoot())
        }
    }
}
