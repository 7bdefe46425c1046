// SPDX-License-Identifier: Apache-2.0
// QK and OV of one edge as maps that are linear in the parts of the residual stream.
//
// With the scales of the norms held as they were in the pass, a score is bilinear in the residual
// streams x_q and x_k that enter the layer ("A Mathematical Framework for Transformer Circuits",
// Elhage et al. 2021, with the norms and biases kept):
//
//     score = scale (R_q N_q (W_Q L(x_q) + b_Q)) · (R_k N_k (W_K L(x_k) + b_K))
//
// L is the input norm, N a norm of q or k, R the rotary rotation at the position. A soft cap,
// c tanh(s / c), is held as well: as the factor that it was for this score.

import Foundation
import Transformer
import UserErrors

/// The two sides of one edge's score and output, ready to take parts of the residual stream.
public struct HeadCircuit {
    private let weights: HeadWeights
    private let description: ModelDescription
    private let observation: EdgeObservation

    /// The circuit of a head as it was in `observation`.
    ///
    /// - Throws: when the query does not see the key.
    public init(
        _ weights: HeadWeights, of description: ModelDescription, at observation: EdgeObservation
    ) throws {
        precondition(weights.address == observation.edge.head)
        guard observation.score != nil else {
            let edge = observation.edge
            throw UserError(
                "in head \(edge.head) query \(edge.query) does not see key \(edge.key); choose a key\(description.isCausal ? " at or before the query" : " within the head's window")."
            )
        }
        self.weights = weights
        self.description = description
        self.observation = observation
    }

    /// What each part of x_q adds to the query vector and each part of x_k to the key vector, in such
    /// units that the scalar products of the rows are their parts of the score. The last row of a side
    /// is the head's own bias, if it has one.
    ///
    /// - Parameters:
    ///   - queryParts: [n, dModel], rows that add up to the residual stream at the query; `keyParts`
    ///     likewise at the key.
    func scoreSides(queryParts: Matrix, keyParts: Matrix) -> (query: Matrix, key: Matrix) {
        let edge = observation.edge
        let q = read(
            queryParts, at: observation.queryResidual, weights.query, position: edge.query,
            result: observation.q, isQuery: true)
        let k = read(
            keyParts, at: observation.keyResidual, weights.key, position: edge.key,
            result: observation.k)
        let scale = Double(description.scoreScale) * softCapFactor(dot(q.rowSum, k.rowSum))
        return (q.scaled(by: scale), k)
    }

    /// What each part of x_k adds to A[q,k] v, and each part of x_q read as a direction of the residual
    /// stream, both in the head's own space: the scalar products of the rows are
    /// A[q,k] d · (x W_V W_O). The key side's last row is the head's own bias, if it has one.
    func outputSides(queryParts: Matrix, keyParts: Matrix) -> (query: Matrix, key: Matrix) {
        (directions(queryParts), values(keyParts))
    }

    /// What each part of x_k adds to the residual stream at the query, [n, dModel]; a last row for the
    /// head's own bias, if it has one.
    func contributions(keyParts: Matrix) -> Matrix {
        let rows = values(keyParts).times(Matrix(columns: description.dModel, weights.output))
        return outputNorm.map { $0.apply(to: rows) } ?? rows
    }

    /// Directions of the residual stream as rows to be multiplied with `values`.
    private func directions(_ rows: Matrix) -> Matrix {
        let seen = outputNorm.map { $0.applyTransposed(to: rows) } ?? rows
        return seen.timesTransposed(Matrix(columns: description.dModel, weights.output))
    }

    /// The parts of A[q,k] v.
    private func values(_ parts: Matrix) -> Matrix {
        var rows = read(
            parts, at: observation.keyResidual, weights.value, position: nil,
            result: observation.v
        ).scaled(by: Double(observation.attention))
        // The gate, held as it was, is a factor of each dimension.
        for (i, factor) in observation.gate.enumerated() {
            for row in 0..<rows.rows { rows[row, i] *= Double(factor) }
        }
        return rows
    }

    /// The score as it entered the softmax, without what the model adds for the key's position alone (ALiBi).
    public var score: Double {
        let edge = observation.edge
        let bias = description.keyBias.map { $0(head: edge.head.head, key: edge.key) } ?? 0
        return Double(observation.score ?? .nan) - Double(bias)
    }

    /// A[q,k].
    public var attention: Double { Double(observation.attention) }

    /// What the head adds to the residual stream at the query from this key, along the residual stream
    /// that is there: A[q,k] x_q · (v W_O), computed from v as it was in the pass.
    public var outputAlongResidual: Double {
        let residual = Matrix(columns: description.dModel, observation.queryResidual)
        let gate = observation.gate
        let v = observation.v.enumerated().map { i, value in
            Double(value) * attention * (gate.isEmpty ? 1 : Double(gate[i]))
        }
        return dot(directions(residual)[0], v)
    }

    /// Rows of parts through the input norm, the projection, the norm of its result and rotary.
    private func read(
        _ parts: Matrix, at residual: [Float], _ projection: HeadWeights.Projection,
        position: Int?, result: [Float], isQuery: Bool = false
    ) -> Matrix {
        var input = parts
        let matrix = Matrix(columns: description.dModel, projection.matrix)
        var bias = projection.bias.isEmpty ? nil : projection.bias.map(Double.init)
        if let norm = weights.inputNorm {
            input = FrozenNorm(norm, at: residual.map(Double.init)).apply(to: parts)
            if !norm.bias.isEmpty {
                let constant = Matrix(columns: description.dModel, norm.bias)
                    .timesTransposed(matrix)[0]
                bias = zip(constant, bias ?? constant.map { _ in 0 }).map { $0 + $1 }
            }
        }
        var rows = input.timesTransposed(matrix)
        if let bias { rows.append(bias) }
        for row in 0..<rows.rows where !projection.norm.isEmpty {
            let mean =
                projection.normIsCentred ? rows[row].reduce(0, +) / Double(rows.columns) : 0
            for i in 0..<rows.columns {
                rows[row, i] = (rows[row, i] - mean) * Double(projection.norm[i])
            }
        }
        if let position { rotate(&rows, at: position) }
        guard !projection.norm.isEmpty else {
            return isQuery ? rows.scaled(by: Double(queryFactor)) : rows
        }
        guard !projection.normBias.isEmpty else {
            return rows.scaled(by: scale(of: rows.rowSum, to: result.map(Double.init)))
        }
        // What the norm adds is a part of its own.
        var constant = Matrix(columns: rows.columns, projection.normBias)
        if let position { rotate(&constant, at: position) }
        let rest = zip(result, constant[0]).map { Double($0) - $1 }
        var scaled = rows.scaled(by: scale(of: rows.rowSum, to: rest))
        scaled.append(Array(constant[0]))
        return scaled
    }

    /// What the model multiplies queries by at the edge's query.
    private var queryFactor: Float {
        description.layers[observation.edge.head.layer].queryScale(observation.edge.query)
    }

    /// The factor with which a norm of queries or keys multiplied this vector: the one that comes
    /// nearest to what the pass had.
    private func scale(of vector: [Double], to result: [Double]) -> Double {
        let square = dot(vector, vector)
        return square > 0 ? dot(vector, result) / square : 0
    }

    /// Rotary embedding.
    private func rotate(_ rows: inout Matrix, at position: Int) {
        guard let index = description.layers[observation.edge.head.layer].rotary else { return }
        let rotary = description.rotaries[index]
        for (i, frequency) in rotary.inverseFrequencies.enumerated() {
            let c = cos(Double(position) * frequency) * rotary.amplitude
            let s = sin(Double(position) * frequency) * rotary.amplitude
            let (first, second) = rotary.pair(i).from
            for row in 0..<rows.rows {
                let (a, b) = (rows[row, first], rows[row, second])
                rows[row, first] = a * c - b * s
                rows[row, second] = b * c + a * s
            }
        }
    }

    /// By how much the soft cap multiplied a score.
    private func softCapFactor(_ unscaled: Double) -> Double {
        guard let cap = description.scoreSoftCap.map(Double.init) else { return 1 }
        let score = unscaled * Double(description.scoreScale)
        return abs(score) > 1e-9 ? cap * tanh(score / cap) / score : 1
    }

    /// The norm of the layer's attention output, held as it was.
    private var outputNorm: FrozenNorm? {
        guard let outputNorm = weights.outputNorm else { return nil }
        let z = Matrix(columns: observation.layerOutput.count, observation.layerOutput)
        let output = Matrix(columns: description.dModel, outputNorm.output)
        var sum = Array(z.times(output)[0])
        for (i, bias) in outputNorm.bias.enumerated() { sum[i] += Double(bias) }
        return FrozenNorm(outputNorm.norm, at: sum)
    }
}
