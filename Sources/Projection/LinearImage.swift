// SPDX-License-Identifier: Apache-2.0
// Working with the images x W of points, such as head outputs z W_O, at the width of x.

import Tensors
import UserErrors

/// A linear map W, [d, D], as W = L Q with L [d, d] and rows of Q [d, D] orthonormal where L is not zero.
///
/// Inner products of images are those of the rows of x L, since Q Q^T is the identity there:
/// (x W)(y W)^T = x G y^T with G = W W^T = L L^T. So distances, nearest neighbours and UMAP of the images
/// are exactly those of `coordinates(of:)`, d wide however wide the images are. G = U S U^T gives
/// L = U S^1/2 and Q = S^-1/2 U^T W.
public struct LinearImage: Sendable {
    /// d, the width of a point.
    public let inputDimensions: Int
    /// D, the width of an image.
    public let outputDimensions: Int
    /// L, [d, d] row-major.
    public let factor: [Double]
    /// Q, [d, D] row-major; zero rows where W has no further direction.
    private let basis: [Double]

    /// Factors `map`, W [d, D] row-major.
    ///
    /// - Throws: `UserError` when the size is not d x D or a weight is not usable.
    public init(
        _ map: [Float], inputDimensions d: Int, outputDimensions wide: Int
    ) throws {
        let (size, overflow) = d.multipliedReportingOverflow(by: wide)
        guard (1...8192).contains(d), (1...1_048_576).contains(wide), !overflow,
            map.count == size
        else {
            throw UserError(
                "A map of \(map.count) weights is not \(d) by \(wide); pass d_head x d_model weights."
            )
        }
        guard let map64 = Self.widened(map) else {
            throw UserError(
                "A map holds a weight that is not finite or above 1e30; check the checkpoint.")
        }
        BLAS.prepare()
        var gram = [Double](repeating: 0, count: d * d)
        multiply(d, d, wide, map64, wide, .asStored, map64, wide, .transposed, into: &gram, d)
        let eigen = try SymmetricEigen(gram, order: d)
        let floor = (eigen.values.last ?? 0) * 1e-14
        var factor = [Double](repeating: 0, count: d * d)
        var inverse = factor  // S^-1/2 U^T
        for direction in 0..<d where eigen.values[direction] > floor {
            let length = eigen.values[direction].squareRoot()
            for place in 0..<d {
                let entry = eigen.vectors[direction * d + place]
                factor[place * d + direction] = entry * length
                inverse[direction * d + place] = entry / length
            }
        }
        var basis = [Double](repeating: 0, count: size)
        multiply(
            d, wide, d, inverse, d, .asStored, map64, wide, .asStored, into: &basis, wide)
        inputDimensions = d
        outputDimensions = wide
        self.factor = factor
        self.basis = basis
    }

    /// x L for each point x, [n, d]: points whose distances are those of the images.
    ///
    /// - Throws: `UserError` when the points have another width, or leave Float32's range.
    public func coordinates(of points: Points) throws -> Points {
        let d = inputDimensions
        guard points.dimensions == d else {
            throw UserError(
                "Points of \(points.dimensions) dimensions have no image under a map of \(d);"
                    + " pass points of \(d) dimensions.")
        }
        BLAS.prepare()
        let values = points.values.map(Double.init)
        var products = [Double](repeating: 0, count: values.count)
        multiply(
            points.count, d, d, values, d, .asStored, factor, d, .asStored, into: &products, d)
        return try Points(products.map { Float($0) }, dimensions: d)
    }

    /// v Q for each row v of `vectors`, [m, d]: directions among the images, [m, D].
    func directions(_ vectors: [Double]) -> [Double] {
        let count = vectors.count / inputDimensions
        var result = [Double](repeating: 0, count: count * outputDimensions)
        multiply(
            count, outputDimensions, inputDimensions, vectors, inputDimensions, .asStored,
            basis, outputDimensions, .asStored, into: &result, outputDimensions)
        return result
    }

    private static func widened(_ map: [Float]) -> [Double]? {
        map.allSatisfy { $0.magnitude <= Points.largestMagnitude } ? map.map(Double.init) : nil
    }
}
