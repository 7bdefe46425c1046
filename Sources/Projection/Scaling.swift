// SPDX-License-Identifier: Apache-2.0
// Bringing points near zero and near one, where Float32 has its digits.

/// x -> (x - center) * scale, with a power of two for a scale, so that equal stays equal and no digit of
/// the differences is lost.
///
/// A cloud far from zero would lose its distances to cancellation, and one of very large or small
/// numbers would leave Float32's range when squared. UMAP sees only ratios of distances, so nothing else
/// changes.
package struct Scaling {
    /// [dimensions]: the mean of the points.
    package let center: [Double]
    /// A power of two that brings the largest centred coordinate into [1, 2); 1 for a constant cloud.
    package let scale: Double

    /// The scaling that suits `points`.
    package init(of points: Points) {
        center = points.mean
        var largest = 0.0
        for row in 0..<points.count {
            for column in 0..<points.dimensions {
                let value = Double(points.values[row * points.dimensions + column])
                largest = max(largest, abs(value - center[column]))
            }
        }
        scale = largest > 0 ? 1 / largest.binade : 1
    }

    /// The scaled points. New points far outside the cloud are held within Float32's range.
    package func applied(to points: Points) -> Points {
        let dimensions = points.dimensions
        var values = [Float](repeating: 0, count: points.values.count)
        for row in 0..<points.count {
            for column in 0..<dimensions {
                let place = row * dimensions + column
                let scaled = (Double(points.values[place]) - center[column]) * scale
                values[place] = Float(min(max(scaled, -1e15), 1e15))
            }
        }
        return Points(unchecked: values, dimensions: dimensions)
    }
}
