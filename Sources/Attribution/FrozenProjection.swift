// SPDX-License-Identifier: Apache-2.0
// How q, k or v is read off a residual stream, with the scales of the norms on the way held as they were: an
// affine map R N W L + constants (see HeadCircuit for the letters).

import Foundation
import Transformer

/// One projection of a head at one position.
struct FrozenProjection {
    private let inputNorm: FrozenNorm?
    /// W, [dHead, dModel].
    private let matrix: Matrix
    /// The gains of the norm of q or k, [dHead]; empty without one.
    private let gains: [Double]
    private let isCentred: Bool
    private let turn: RotaryTurn?
    /// The scale of that norm, or what the model multiplies queries by.
    private let factor: Double
    /// What is read whatever the stream holds, a row each: the bias, what the norm adds.
    let constants: Matrix

    /// - Parameters:
    ///   - residual: the whole stream, at which the norms' scales are held.
    ///   - result: the vector as the pass had it.
    ///   - factor: multiplies vectors that are not normalised.
    init(
        _ projection: HeadWeights.Projection, inputNorm norm: NormWeights?, at residual: [Float],
        turn: RotaryTurn?, result: [Float], factor: Double
    ) {
        let x = residual.map(Double.init)
        matrix = Matrix(columns: x.count, projection.matrix)
        inputNorm = norm.map { FrozenNorm($0, at: x) }
        gains = projection.norm.map(Double.init)
        isCentred = projection.normIsCentred
        self.turn = turn

        var bias = projection.bias.isEmpty ? nil : projection.bias.map(Double.init)
        if let norm, !norm.bias.isEmpty {
            let read = Matrix(columns: x.count, norm.bias).timesTransposed(matrix)[0]
            bias = zip(read, bias ?? read.map { _ in 0 }).map { $0 + $1 }
        }
        let shape = Shape(gains: gains, isCentred: isCentred, turn: turn)
        let shapedBias = bias.map { shape.apply(to: Matrix(columns: $0.count, $0)) }
        let added: Matrix? =
            projection.normBias.isEmpty
            ? nil : turn.turned(Matrix(columns: gains.count, projection.normBias))
        if gains.isEmpty {
            self.factor = factor
        } else {
            let input = Matrix(columns: x.count, x)
            let raw = shape.apply(
                to: (inputNorm?.apply(to: input) ?? input).timesTransposed(matrix))
            let sum = zip(raw[0], shapedBias.map { Array($0[0]) } ?? raw[0].map { _ in 0 }).map(+)
            let rest = zip(result, added.map { Array($0[0]) } ?? result.map { _ in 0 })
                .map { Double($0) - $1 }
            self.factor = Self.scale(of: sum, to: rest)
        }
        var constants = Matrix(columns: matrix.rows, [Double]())
        if let shapedBias { constants.append(Array(shapedBias.scaled(by: self.factor)[0])) }
        if let added { constants.append(Array(added[0])) }
        self.constants = constants
    }

    /// What is read from each row, and the constants after them; [n + constants, dHead].
    func apply(to parts: Matrix) -> Matrix {
        let input = inputNorm?.apply(to: parts) ?? parts
        var rows = shape.apply(to: input.timesTransposed(matrix)).scaled(by: factor)
        for row in 0..<constants.rows { rows.append(Array(constants[row])) }
        return rows
    }

    /// Directions t' of the residual stream, [n, dModel], such that t' · x = t · apply(x) but for the constants.
    func applyTransposed(to rows: Matrix) -> Matrix {
        let directions = shape.applyTransposed(to: rows).scaled(by: factor).times(matrix)
        return inputNorm?.applyTransposed(to: directions) ?? directions
    }

    private var shape: Shape { Shape(gains: gains, isCentred: isCentred, turn: turn) }

    /// The factor with which a norm of queries or keys multiplied this vector: the one that comes nearest to
    /// what the pass had.
    private static func scale(of vector: [Double], to result: [Double]) -> Double {
        let square = dot(vector, vector)
        return square > 0 ? dot(vector, result) / square : 0
    }

    /// What a head does with a vector after W: the norm but for its scale, and rotary.
    private struct Shape {
        let gains: [Double]
        let isCentred: Bool
        let turn: RotaryTurn?

        func apply(to rows: Matrix) -> Matrix {
            var result = rows
            for row in 0..<rows.rows where !gains.isEmpty {
                let mean = isCentred ? rows[row].reduce(0, +) / Double(rows.columns) : 0
                for i in 0..<rows.columns { result[row, i] = (rows[row, i] - mean) * gains[i] }
            }
            turn?.apply(to: &result)
            return result
        }

        func applyTransposed(to rows: Matrix) -> Matrix {
            var result = rows
            turn?.reversed.apply(to: &result)
            for row in 0..<rows.rows where !gains.isEmpty {
                for i in 0..<rows.columns { result[row, i] *= gains[i] }
                guard isCentred else { continue }
                let mean = result[row].reduce(0, +) / Double(rows.columns)
                for i in 0..<rows.columns { result[row, i] -= mean }
            }
            return result
        }
    }
}

/// Rotary embedding of q or k at a position. (The amplitude is a factor, so that the turn back is the
/// transposed map.)
struct RotaryTurn {
    let rotary: Rotary
    let position: Int

    /// Nil in a layer without rotary embedding.
    init?(_ description: ModelDescription, layer: Int, position: Int) {
        guard let index = description.layers[layer].rotary else { return nil }
        self.init(description.rotaries[index], position: position)
    }

    private init(_ rotary: Rotary, position: Int) {
        self.rotary = rotary
        self.position = position
    }

    /// The transposed map.
    var reversed: RotaryTurn { RotaryTurn(rotary, position: -position) }

    func apply(to rows: inout Matrix) {
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
}

extension RotaryTurn? {
    /// The rows turned, where there is a turn.
    fileprivate func turned(_ rows: Matrix) -> Matrix {
        var result = rows
        self?.apply(to: &result)
        return result
    }
}
