// SPDX-License-Identifier: Apache-2.0
// Principal components from a covariance, in Float64.

import Tensors
import UserErrors

/// The three directions along which a cloud varies most.
///
/// The sign of a component is such that its entry of largest magnitude (the first, if several are) is
/// positive, so that reruns agree. A cloud with fewer than three directions has zero axes after them.
public struct PCA: Sendable, Equatable {
    /// [d]: the mean of the points.
    public let mean: [Double]
    /// [3, d]: coordinate c of a point x is row c times (x - mean). Unit vectors for the points' own
    /// components; for those of a linear image of the points, the image's unit components pulled back.
    public let axes: [Double]
    /// [3]: each component's share of the total variance, descending, in 0...1; zero without variance.
    public let explainedVarianceRatio: [Double]

    /// The number of coordinates of a point.
    public var dimensions: Int { mean.count }

    /// A fit made before, such as one read from a file.
    ///
    /// - Throws: `UserError` when the sizes do not fit or a value is not finite.
    public init(
        mean: [Double], axes: [Double], explainedVarianceRatio: [Double]
    ) throws {
        guard axes.count == componentCount * mean.count,
            explainedVarianceRatio.count == componentCount
        else {
            throw UserError(
                "A PCA of \(mean.count) dimensions comes with \(axes.count) axis values and"
                    + " \(explainedVarianceRatio.count) ratios; pass \(componentCount * mean.count)"
                    + " and \(componentCount).")
        }
        guard (mean + axes + explainedVarianceRatio).allSatisfy(\.isFinite) else {
            throw UserError(
                "A stored PCA holds a value that is not finite; make the file anew.")
        }
        self.mean = mean
        self.axes = axes
        self.explainedVarianceRatio = explainedVarianceRatio
    }

    /// Fits `points`; none or one gives zero axes.
    public init(_ points: Points) throws {
        let moments = Moments(of: points)
        try self.init(mean: moments.mean, covariance: moments.covariance)
    }

    /// Fits points known by their moments: `mean` [d], `covariance` [d, d].
    public init(mean: [Double], covariance: [Double]) throws {
        let eigen = try SymmetricEigen(covariance, order: mean.count)
        let (axes, ratios) = leadingComponents(eigen)
        self.mean = mean
        self.axes = withFixedSigns(axes, asIn: axes)
        explainedVarianceRatio = ratios
    }

    /// Fits the images x -> x W of points known by their moments, without making one image.
    ///
    /// With W = L Q, rows of Q orthonormal (see `LinearImage`), an image is y Q for y = x L, whose
    /// covariance is L^T C L, of size d. If v is a unit eigenvector of that, the image's component is
    /// u = Q^T v, and its coordinate (x - mean) W u = (x - mean) L v: so `axes` holds L v. The sign rule
    /// looks at u.
    public init(
        mean: [Double], covariance: [Double], image: LinearImage
    ) throws {
        let d = mean.count
        precondition(image.inputDimensions == d, "the image is of points of other dimensions")
        var half = [Double](repeating: 0, count: d * d)
        var inner = half
        multiply(d, d, d, covariance, d, .asStored, image.factor, d, .asStored, into: &half, d)
        multiply(d, d, d, image.factor, d, .transposed, half, d, .asStored, into: &inner, d)
        let (vectors, ratios) = leadingComponents(try SymmetricEigen(inner, order: d))
        var axes = [Double](repeating: 0, count: componentCount * d)
        multiply(
            componentCount, d, d, vectors, d, .asStored, image.factor, d, .transposed,
            into: &axes, d)
        self.mean = mean
        self.axes = withFixedSigns(axes, asIn: image.directions(vectors))
        explainedVarianceRatio = ratios
    }

    /// The coordinates of `points`, [n, 3].
    ///
    /// - Throws: `UserError` when the points have another number of dimensions.
    public func transform(_ points: Points) throws -> [Float] {
        guard points.dimensions == dimensions else {
            throw UserError(
                "Points of \(points.dimensions) dimensions cannot go through a PCA of \(dimensions);"
                    + " pass points of the fitted cloud's space.")
        }
        return transform(unchecked: points)
    }

    func transform(unchecked points: Points) -> [Float] {
        var coordinates = [Float](repeating: 0, count: points.count * componentCount)
        var centred = [Double](repeating: 0, count: dimensions)
        for row in 0..<points.count {
            for column in 0..<dimensions {
                centred[column] = Double(points.values[row * dimensions + column]) - mean[column]
            }
            for component in 0..<componentCount {
                var sum = 0.0
                for column in 0..<dimensions {
                    sum += axes[component * dimensions + column] * centred[column]
                }
                coordinates[row * componentCount + component] = Float(sum)
            }
        }
        return coordinates
    }
}

/// The mean and covariance of a cloud, in Float64.
public struct Moments: Sendable {
    /// [d]
    public let mean: [Double]
    /// [d, d]: the mean of the products of deviations.
    public let covariance: [Double]

    private static let rowsPerBlock = 256

    /// Adds up the products of centred blocks of rows.
    public init(of points: Points) {
        BLAS.prepare()
        let d = points.dimensions
        let mean = points.mean
        var covariance = [Double](repeating: 0, count: d * d)
        var block = [Double](repeating: 0, count: min(Self.rowsPerBlock, points.count) * d)
        for start in stride(from: 0, to: points.count, by: Self.rowsPerBlock) {
            let rows = min(Self.rowsPerBlock, points.count - start)
            for row in 0..<rows {
                for column in 0..<d {
                    block[row * d + column] =
                        Double(points.values[(start + row) * d + column]) - mean[column]
                }
            }
            multiply(
                d, d, rows, block, d, .transposed, block, d, .asStored, into: &covariance, d,
                alpha: 1 / Double(points.count), beta: 1)
        }
        self.mean = mean
        self.covariance = covariance
    }
}

/// The three eigenvectors of largest eigenvalue, [3, d], and their shares of the trace. Directions
/// without variance, beyond rounding, are zero.
private func leadingComponents(_ eigen: SymmetricEigen) -> ([Double], [Double]) {
    let d = eigen.values.count
    let total = eigen.values.reduce(0) { $0 + max($1, 0) }
    var axes = [Double](repeating: 0, count: componentCount * d)
    var ratios = [Double](repeating: 0, count: componentCount)
    for component in 0..<min(componentCount, d) {
        let place = d - 1 - component
        guard eigen.values[place] > total * 1e-13 else { break }
        ratios[component] = eigen.values[place] / total
        for column in 0..<d {
            axes[component * d + column] = eigen.vectors[place * d + column]
        }
    }
    return (axes, ratios)
}

/// `axes`, each turned so that the entry of largest magnitude in its row of `directions` is positive.
/// Magnitudes that differ by rounding only count as equal, and the first of them decides.
private func withFixedSigns(_ axes: [Double], asIn directions: [Double]) -> [Double] {
    var axes = axes
    let width = axes.count / componentCount
    let length = directions.count / componentCount
    for component in 0..<componentCount {
        let row = directions[component * length..<(component + 1) * length]
        let largest = row.reduce(0) { max($0, abs($1)) }
        guard let deciding = row.first(where: { abs($0) >= largest * (1 - 1e-9) }), deciding < 0
        else { continue }
        for place in component * width..<(component + 1) * width { axes[place].negate() }
    }
    return axes
}
