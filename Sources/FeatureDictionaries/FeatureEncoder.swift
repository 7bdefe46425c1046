// SPDX-License-Identifier: Apache-2.0
// From residual vectors to the features that fire in them.

import Tensors

/// Encodes with one dictionary. It owns the memory this needs, so every worker makes its own.
///
/// Rows go through matrix products of one fixed shape, idle rows included, so that the codes of a row do
/// not depend on the rows that come with it.
public final class FeatureEncoder {
    /// The dictionary.
    public let dictionary: FeatureDictionary

    /// Rows of one matrix product.
    private let chunk: Int
    /// Features and what fills them up to whole groups of four vectors; the rest of a row stays 0.
    private let stride: Int
    /// [chunk, dModel]: what the encoder reads.
    private let input: UnsafeMutablePointer<Float>
    /// [dModel]: what is taken off it, the decoder's bias or 0.
    private let inputBias: UnsafeMutablePointer<Float>
    /// [chunk, stride]: products, then activations.
    private let products: UnsafeMutablePointer<Float>
    /// [3, stride]: the encoder's bias, then what else the activation function needs of each feature.
    private let parameters: UnsafeMutablePointer<Float>
    /// [stride]: scratch of the selection.
    private let maxima: UnsafeMutablePointer<Float>
    /// [stride]: activations that were found, one after another.
    private let found: UnsafeMutablePointer<Float>
    /// [stride]: their features.
    private let positions: UnsafeMutablePointer<Int32>
    private let slab: UnsafeMutablePointer<Float>

    /// Allocates memory for encoding with `dictionary`: some tens of MB for the largest.
    public init(_ dictionary: FeatureDictionary) {
        BLAS.prepare()
        self.dictionary = dictionary
        let group = 4 * laneCount
        stride = (dictionary.dSAE + group - 1) / group * group
        // 16 MB of products, and no more rows than still make the product faster.
        chunk = max(8, min(128, (1 << 22) / stride))
        let dModel = dictionary.dModel
        let sizes = [chunk * dModel, dModel, chunk * stride, 3 * stride, stride, stride]
        let total = sizes.reduce(0, +)
        slab = .allocate(capacity: total)
        slab.initialize(repeating: 0, count: total)
        input = slab
        inputBias = input + sizes[0]
        products = inputBias + sizes[1]
        parameters = products + sizes[2]
        maxima = parameters + sizes[3]
        found = maxima + sizes[4]
        positions = .allocate(capacity: stride)
        positions.initialize(repeating: 0, count: stride)

        if dictionary.subtractsDecoderBias {
            inputBias.update(from: dictionary.decoderBias, count: dModel)
        }
        parameters.update(from: dictionary.encoderBias, count: dictionary.dSAE)
        switch dictionary.activation {
        case .relu, .topK: break
        case .jumpReLU(let thresholds):
            (parameters + stride).update(from: thresholds, count: dictionary.dSAE)
        case .gated(let scales, let biases):
            (parameters + stride).update(from: scales, count: dictionary.dSAE)
            (parameters + 2 * stride).update(from: biases, count: dictionary.dSAE)
        }
    }

    deinit {
        slab.deallocate()
        positions.deallocate()
    }

    /// Appends the codes of `rows` residual vectors to `codes`, activations as SAELens reports them.
    ///
    /// - Parameter x: [rows, dModel], as the model computes them.
    public func encode(_ x: UnsafePointer<Float>, rows: Int, into codes: inout SparseCodes) {
        let (dModel, count) = (dictionary.dModel, dictionary.dSAE)
        var done = 0
        while done < rows {
            let height = min(chunk, rows - done)
            for row in 0..<height {
                prepare(x + (done + row) * dModel, into: input + row * dModel)
            }
            dictionary.encoder.withUnsafeBufferPointer { encoder in
                guard let encoder = encoder.baseAddress else { return }
                multiply(
                    chunk, count, dModel, input, dModel, .asStored, encoder, dModel, .transposed,
                    into: products, stride)
            }
            for row in 0..<height {
                let fired = select(products + row * stride)
                codes.appendRow(positions, found, fired)
            }
            done += height
        }
    }

    /// Takes one residual vector apart.
    ///
    /// - Parameter x: [dModel].
    public func decompose(_ x: [Float]) -> ResidualDecomposition {
        precondition(x.count == dictionary.dModel, "a vector of another width")
        var codes = SparseCodes()
        encode(x, rows: 1, into: &codes)
        let undo = dictionary.normalization.coefficients(of: x, dModel: x.count)
        let bias = dictionary.decoderBias.map { $0 * undo.scale + undo.offset }
        var error = zip(x, bias).map { $0 - $1 }
        for (feature, activation) in zip(codes.features, codes.activations) {
            let direction = Int(feature) * x.count
            let length = activation * undo.scale
            for i in 0..<x.count { error[i] -= length * dictionary.decoder[direction + i] }
        }
        return ResidualDecomposition(
            features: codes.features, activations: codes.activations, scale: undo.scale,
            bias: bias, error: error)
    }

    /// Writes what the encoder reads of one residual vector.
    private func prepare(_ x: UnsafePointer<Float>, into row: UnsafeMutablePointer<Float>) {
        let dModel = dictionary.dModel
        let map = dictionary.normalization.coefficients(of: x, dModel: dModel)
        for i in 0..<dModel { row[i] = (x[i] - map.offset) * map.gain - inputBias[i] }
    }

    /// Turns products into activations and leaves those that fire in `found` and `positions`.
    private func select(_ row: UnsafeMutablePointer<Float>) -> Int {
        let second = parameters + stride
        switch dictionary.activation {
        case .relu:
            rectify(row, stride, bias: parameters)
        case .topK(let k):
            rectify(row, stride, bias: parameters)
            let reached = lowerBound(ofTop: k, of: row, stride, maxima: maxima)
            let bound = reached > 0 ? reached.nextDown : 0
            let candidates = compact(row, stride, above: bound, positions: positions, found: found)
            return keepTop(k, of: found, positions, candidates)
        case .jumpReLU:
            jump(row, stride, bias: parameters, thresholds: second)
        case .gated:
            gate(
                row, stride, bias: parameters, scales: second,
                magnitudeBias: parameters + 2 * stride)
        }
        return compact(row, stride, above: 0, positions: positions, found: found)
    }
}
