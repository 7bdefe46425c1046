// SPDX-License-Identifier: Apache-2.0
// A head's circuits written out as matrices over the residual stream, plainly, in Float64.

import Tensors
import TestSupport
import Testing
import Transformer

/// One head's W_QK and W_OV, [dModel, dModel] each, and what they are made of, [dHead, dModel].
struct Written {
    let query: Matrix
    let key: Matrix
    let value: Matrix
    let output: Matrix
    /// score(q, k) = x_q qk x_k^T.
    let qk: Matrix
    /// x ov is what the head writes of x.
    let ov: Matrix

    /// From the weights as the model has them; every norm is an explicit matrix.
    init(_ weights: HeadWeights, dModel d: Int) {
        let input = weights.inputNorm.map { Self.norm($0.weight, Self.isCentred($0), d) }
        func read(_ projection: HeadWeights.Projection) -> Matrix {
            var matrix = Matrix(projection.matrix.count / d, d) {
                Double(projection.matrix[$0 * d + $1])
            }
            if !projection.norm.isEmpty {
                matrix = Self.norm(
                    projection.norm, projection.normIsCentred, projection.norm.count
                ).times(matrix)
            }
            return input.map { matrix.times($0) } ?? matrix
        }
        let output = Matrix(weights.output.count / d, d) { Double(weights.output[$0 * d + $1]) }
        let written =
            weights.outputNorm.map {
                output.times(
                    Self.norm($0.norm.weight, Self.isCentred($0.norm), d).transposed)
            } ?? output
        self.init(
            query: read(weights.query), key: read(weights.key), value: read(weights.value),
            output: written)
    }

    private init(query: Matrix, key: Matrix, value: Matrix, output: Matrix) {
        (self.query, self.key, self.value, self.output) = (query, key, value, output)
        qk = query.transposed.times(key)
        ov = value.transposed.times(output)
    }

    /// From matrices that hold the norms already.
    init(_ head: FoldedHead) {
        func matrix(_ values: [Float]) -> Matrix {
            Matrix(values.count / head.dModel, head.dModel) {
                Double(values[$0 * head.dModel + $1])
            }
        }
        self.init(
            query: matrix(head.query), key: matrix(head.key), value: matrix(head.value),
            output: matrix(head.output))
    }

    private static func isCentred(_ norm: NormWeights) -> Bool {
        if case .layer = norm.kind { true } else { false }
    }

    /// x -> g (x - mean x) as a matrix on columns, or x -> g x.
    private static func norm(_ gain: [Float], _ isCentred: Bool, _ n: Int) -> Matrix {
        Matrix(n, n) { i, j in
            Double(gain[i]) * ((i == j ? 1 : 0) - (isCentred ? 1 / Double(n) : 0))
        }
    }

    /// W_E and W_U with the final norm's gain, as rows, read off the checkpoint by the families' own names.
    static func vocabulary(_ model: Model) throws -> (embedding: Matrix, unembedding: Matrix) {
        let d = model.description
        let family = d.family
        func tensor(_ names: String...) -> [Float]? {
            names.lazy.compactMap { model.checkpoint.tensors[$0] }.first.map { $0.widened() }
        }
        func rows(_ values: [Float]) -> Matrix {
            Matrix(d.dVocab, d.dModel) { Double(values[$0 * d.dModel + $1]) }
        }
        let stored = try #require(
            tensor(
                "model.embed_tokens.weight", "transformer.wte.weight", "gpt_neox.embed_in.weight",
                "transformer.word_embeddings.weight"))
        var embedding = rows(stored)
        let stem = "transformer.word_embeddings_layernorm."
        if let gain = tensor(stem + "weight"), let bias = tensor(stem + "bias") {
            embedding = embedding.layerNormalized(gain, bias)
        }
        let gain = try #require(
            tensor(
                "model.norm.weight", "transformer.ln_f.weight", "gpt_neox.final_layer_norm.weight"))
        let offset: Float = family.hasPrefix("gemma") ? 1 : 0
        let isCentred = ["gpt2", "gpt_neox", "bloom"].contains(family)
        let unembedding = rows(tensor("lm_head.weight", "embed_out.weight") ?? stored)
            .times(norm(gain.map { $0 + offset }, isCentred, d.dModel))
        return (embedding, unembedding)
    }

    /// A matrix as rows.
    struct Matrix {
        let rows: Int
        let columns: Int
        var values: [Double]

        init(_ rows: Int, _ columns: Int, _ value: (Int, Int) -> Double) {
            (self.rows, self.columns) = (rows, columns)
            values = (0..<rows * columns).map { value($0 / columns, $0 % columns) }
        }

        var transposed: Matrix { Matrix(columns, rows) { values[$1 * columns + $0] } }

        func times(_ other: Matrix) -> Matrix {
            precondition(columns == other.rows)
            var product = Matrix(rows, other.columns) { _, _ in 0 }
            for i in 0..<rows {
                for k in 0..<columns {
                    let factor = values[i * columns + k]
                    for j in 0..<other.columns {
                        product.values[i * other.columns + j] +=
                            factor * other.values[k * other.columns + j]
                    }
                }
            }
            return product
        }

        var trace: Double { (0..<rows).reduce(0) { $0 + values[$1 * columns + $1] } }

        func dot(_ other: Matrix) -> Double {
            zip(values, other.values).reduce(0) { $0 + $1.0 * $1.1 }
        }

        /// The projection onto what the rows span, by Gram and Schmidt.
        func projectionOntoRows() -> Matrix {
            var basis: [[Double]] = []
            let longest = (0..<rows).map { row($0).reduce(0) { $0 + $1 * $1 } }.max() ?? 0
            for i in 0..<rows {
                var rest = row(i)
                // Twice, as once leaves what rounding brings in.
                for _ in 0..<2 {
                    for unit in basis {
                        let along = zip(rest, unit).reduce(0) { $0 + $1.0 * $1.1 }
                        rest = zip(rest, unit).map { $0 - along * $1 }
                    }
                }
                let square = rest.reduce(0) { $0 + $1 * $1 }
                if square > 1e-12 * longest { basis.append(rest.map { $0 / square.squareRoot() }) }
            }
            return Matrix(columns, columns) { i, j in basis.reduce(0) { $0 + $1[i] * $1[j] } }
        }

        private func row(_ i: Int) -> [Double] { Array(values[i * columns..<(i + 1) * columns]) }

        var norm: Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

        /// Sum of the eigenvalues' real parts over the sum of their moduli.
        func balance() throws -> Double {
            let values = try eigenvalues(of: self.values, order: rows)
            let moduli = values.reduce(0) {
                $0 + ($1.real * $1.real + $1.imaginary * $1.imaginary).squareRoot()
            }
            return values.reduce(0) { $0 + $1.real } / moduli
        }

        /// (Σ s²)² / Σ s⁴ of the singular values.
        func participation() throws -> Double {
            let squares = try SymmetricEigen(times(transposed).values, order: rows).values
            let sum = squares.reduce(0, +)
            return sum * sum / squares.reduce(0) { $0 + $1 * $1 }
        }

        /// Without the mean of the rows.
        var centred: Matrix {
            let mean = (0..<columns).map { j in
                (0..<rows).reduce(0) { $0 + values[$1 * columns + j] } / Double(rows)
            }
            return Matrix(rows, columns) { values[$0 * columns + $1] - mean[$1] }
        }

        func layerNormalized(_ gain: [Float], _ bias: [Float]) -> Matrix {
            var result = self
            for row in 0..<rows {
                let range = row * columns..<(row + 1) * columns
                let mean = values[range].reduce(0, +) / Double(columns)
                let variance =
                    values[range].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
                for i in range {
                    let c = i - range.lowerBound
                    result.values[i] =
                        (values[i] - mean) / (variance + 1e-5).squareRoot() * Double(gain[c])
                        + Double(bias[c])
                }
            }
            return result
        }
    }
}
