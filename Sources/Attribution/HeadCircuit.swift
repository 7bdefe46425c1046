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
    private let query: FrozenProjection
    private let key: FrozenProjection
    /// q and k, put together of what they are made of.
    private let qSum: [Double]
    private let kSum: [Double]
    /// What q · k is multiplied by.
    private let scoreFactor: Double

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
        let edge = observation.edge
        let layer = edge.head.layer
        query = FrozenProjection(
            weights.query, inputNorm: weights.inputNorm, at: observation.queryResidual,
            turn: RotaryTurn(description, layer: layer, position: edge.query),
            result: observation.q,
            factor: Double(description.layers[layer].queryScale(edge.query)))
        key = FrozenProjection(
            weights.key, inputNorm: weights.inputNorm, at: observation.keyResidual,
            turn: RotaryTurn(description, layer: layer, position: edge.key), result: observation.k,
            factor: 1)
        qSum =
            query.apply(to: Matrix(columns: description.dModel, observation.queryResidual)).rowSum
        kSum = key.apply(to: Matrix(columns: description.dModel, observation.keyResidual)).rowSum
        scoreFactor =
            Double(description.scoreScale) * Self.softCapFactor(dot(qSum, kSum), description)
    }

    /// What each part of x_q adds to the query vector and each part of x_k to the key vector, in such
    /// units that the scalar products of the rows are their parts of the score. The last row of a side
    /// is the head's own bias, if it has one.
    ///
    /// - Parameters:
    ///   - queryParts: [n, dModel], rows that add up to the residual stream at the query; `keyParts`
    ///     likewise at the key.
    func scoreSides(queryParts: Matrix, keyParts: Matrix) -> (query: Matrix, key: Matrix) {
        (
            query.apply(to: queryParts).scaled(by: scoreFactor), key.apply(to: keyParts)
        )
    }

    /// The score as it depends on either residual stream, the other one held.
    public func scoreReadings() -> (query: ResidualReading, key: ResidualReading) {
        func reading(_ side: FrozenProjection, of other: [Double]) -> ResidualReading {
            let row = Matrix(columns: other.count, other.map { $0 * scoreFactor })
            return ResidualReading(
                direction: Array(side.applyTransposed(to: row)[0]),
                constant: dot(row[0], side.constants.rowSum))
        }
        return (reading(query, of: kSum), reading(key, of: qSum))
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
        var rows = FrozenProjection(
            weights.value, inputNorm: weights.inputNorm, at: observation.keyResidual, turn: nil,
            result: observation.v, factor: 1
        ).apply(to: parts).scaled(by: Double(observation.attention))
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

    /// By how much the soft cap multiplied a score.
    private static func softCapFactor(
        _ unscaled: Double, _ description: ModelDescription
    ) -> Double {
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
