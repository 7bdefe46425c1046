// SPDX-License-Identifier: Apache-2.0
// A head as maps between residual streams, with the gains of norms multiplied into its matrices.
//
// A norm divides by a scale that depends on the text and multiplies by gains that do not. What weights say
// of a head without a text takes the gains in and leaves the scale out, as is usual since "A Mathematical
// Framework for Transformer Circuits" (Elhage et al. 2021).

/// The four matrices of one head over the residual stream.
public struct FoldedHead: Sendable {
    /// The head.
    public let address: HeadAddress
    /// The width of the residual stream.
    public let dModel: Int
    /// W_Q and W_K, [dHead, dModel]: q = W_Q x, before rotary.
    public let query: [Float]
    public let key: [Float]
    /// W_V, [dValue, dModel].
    public let value: [Float]
    /// W_O, [dValue, dModel]: the head adds z W_O.
    public let output: [Float]

    /// Folds what stands before q, k and v and after z: the input norm, norms of queries and keys, and the norm
    /// of the attention's output. Biases are left out; so is a norm that stands behind the residual addition.
    public init(_ weights: HeadWeights, dModel: Int) {
        address = weights.address
        self.dModel = dModel
        query = Self.folded(weights.query, weights.inputNorm, dModel)
        key = Self.folded(weights.key, weights.inputNorm, dModel)
        value = Self.folded(weights.value, weights.inputNorm, dModel)
        var written = weights.output
        if let norm = weights.outputNorm?.norm { written.foldWritten(norm) }
        output = written
    }

    /// A head of these matrices.
    public init(
        _ address: HeadAddress, dModel: Int, query: [Float], key: [Float], value: [Float],
        output: [Float]
    ) {
        self.address = address
        self.dModel = dModel
        self.query = query
        self.key = key
        self.value = value
        self.output = output
    }

    /// N W N_in: gains on both sides of a projection.
    private static func folded(
        _ projection: HeadWeights.Projection, _ input: NormWeights?, _ dModel: Int
    ) -> [Float] {
        var matrix = projection.matrix
        if !projection.norm.isEmpty {
            if projection.normIsCentred { centreColumns(&matrix, width: dModel) }
            for (row, gain) in projection.norm.enumerated() {
                for i in row * dModel..<(row + 1) * dModel { matrix[i] *= gain }
            }
        }
        if let input { matrix.fold(input) }
        return matrix
    }
}

extension [Float] {
    /// Makes rows that read a normalised vector read the vector itself, but for the norm's scale.
    mutating func fold(_ norm: NormWeights) {
        multiplyColumns(&self, by: norm.weight)
        if norm.isCentred { centreRows(&self, width: norm.weight.count) }
    }
}

extension [Float] {
    /// Makes rows that are written before a norm those that come out of it, but for the norm's scale:
    /// norm(x) = g (x - mean x) / scale.
    mutating func foldWritten(_ norm: NormWeights) {
        if norm.isCentred { centreRows(&self, width: norm.weight.count) }
        multiplyColumns(&self, by: norm.weight)
    }
}

extension NormWeights {
    /// Whether the norm takes the mean off.
    var isCentred: Bool {
        if case .layer = kind { true } else { false }
    }
}

private func multiplyColumns(_ matrix: inout [Float], by gains: [Float]) {
    for row in stride(from: 0, to: matrix.count, by: gains.count) {
        for i in gains.indices { matrix[row + i] *= gains[i] }
    }
}

/// Takes the mean of each row off it.
private func centreRows(_ matrix: inout [Float], width: Int) {
    for row in stride(from: 0, to: matrix.count, by: width) {
        let mean = matrix[row..<row + width].reduce(0, +) / Float(width)
        for i in row..<row + width { matrix[i] -= mean }
    }
}

/// Takes the mean of all rows off each.
private func centreColumns(_ matrix: inout [Float], width: Int) {
    let rows = matrix.count / width
    for i in 0..<width {
        let mean = (0..<rows).reduce(Float(0)) { $0 + matrix[$1 * width + i] } / Float(rows)
        for row in 0..<rows { matrix[row * width + i] -= mean }
    }
}
