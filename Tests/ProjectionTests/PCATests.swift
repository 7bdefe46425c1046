// SPDX-License-Identifier: Apache-2.0

import Foundation
import Projection
import Tensors
import Testing
import UserErrors

@Suite struct PCATests {
    /// 200 points in 6 dimensions with different variances, off the origin.
    private let cloud: [Float] = normals(200 * 6, seed: 1).enumerated().map {
        $1 * [3, 2, 1, 0.5, 0.2, 0.1][$0 % 6] + 5 * Float($0 % 6)
    }

    @Test func `coordinates and shares are those of a naive PCA by Jacobi rotations`() throws {
        let points = try Points(cloud, dimensions: 6)
        let pca = try PCA(points)
        let (coordinates, ratios) = naivePCA(cloud.map(Double.init), dimensions: 6)
        #expect(largestDifference(try pca.transform(points), coordinates) < 1e-5)
        for (got, want) in zip(pca.explainedVarianceRatio, ratios) {
            #expect(abs(got - want) < 1e-12)
        }
    }

    @Test func `the largest entry of each axis is positive`() throws {
        let mirrored = try PCA(Points(cloud.map { -$0 }, dimensions: 6))
        let straight = try PCA(Points(cloud, dimensions: 6))
        for component in 0..<3 {
            let axis = straight.axes[component * 6..<(component + 1) * 6]
            #expect(axis.max { abs($0) < abs($1) }! > 0)
        }
        for (a, b) in zip(mirrored.axes, straight.axes) { #expect(abs(a - b) < 1e-9) }
    }

    @Test(arguments: [(6, 20), (6, 4), (2, 9)])
    func `the PCA of a linear image is that of the images themselves`(d: Int, wide: Int) throws {
        let inputs = (0..<150 * d).map { cloud[$0 % cloud.count] }
        let map = normals(d * wide, seed: 2)
        var images = [Double](repeating: 0, count: 150 * wide)
        for row in 0..<150 {
            for c in 0..<wide {
                for i in 0..<d {
                    images[row * wide + c] +=
                        Double(inputs[row * d + i]) * Double(map[i * wide + c])
                }
            }
        }
        let points = try Points(inputs, dimensions: d)
        let moments = Moments(of: points)
        let image = try LinearImage(map, inputDimensions: d, outputDimensions: wide)
        let pca = try PCA(mean: moments.mean, covariance: moments.covariance, image: image)
        let (coordinates, ratios) = naivePCA(images, dimensions: wide)
        let known = min(3, d)
        let got = try pca.transform(points)
        for row in 0..<150 {
            for component in 0..<3 {
                let want = component < known ? coordinates[row * 3 + component] : 0
                #expect(abs(Double(got[row * 3 + component]) - want) < 1e-4)
            }
        }
        for component in 0..<known {
            #expect(abs(pca.explainedVarianceRatio[component] - ratios[component]) < 1e-10)
        }
        let distances = squaredDistances(
            try image.coordinates(of: points).values, dimensions: d)
        let wanted = squaredDistances(images.map { Float($0) }, dimensions: wide)
        for (got, want) in zip(distances, wanted) { #expect(abs(got - want) <= 1e-4 * (1 + want)) }
    }

    @Test func `eigenvectors solve their equation and are orthonormal`() throws {
        let half = normals(49, seed: 3).map(Double.init)
        var matrix = [Double](repeating: 0, count: 49)
        for i in 0..<7 { for j in 0..<7 { matrix[i * 7 + j] = half[i * 7 + j] + half[j * 7 + i] } }
        let eigen = try SymmetricEigen(matrix, order: 7)
        let (values, _) = jacobiEigen(matrix, order: 7)
        for vector in 0..<7 {
            #expect(abs(eigen.values[vector] - values[6 - vector]) < 1e-12)
            for row in 0..<7 {
                let product = (0..<7).reduce(0) {
                    $0 + matrix[row * 7 + $1] * eigen.vectors[vector * 7 + $1]
                }
                #expect(
                    abs(product - eigen.values[vector] * eigen.vectors[vector * 7 + row]) < 1e-12)
            }
        }
    }

    @Test func `a matrix that is not square or not finite is refused`() {
        #expect(throws: UserError.self) { try SymmetricEigen([1, 2, 3], order: 2) }
        #expect(throws: UserError.self) { try SymmetricEigen([1, .nan, .nan, 1], order: 2) }
        #expect(throws: UserError.self) { try SymmetricEigen([], order: .max) }
    }

    @Test(arguments: [0, 1, 2, 3])
    func `few points give finite coordinates`(count: Int) throws {
        let points = try Points(Array(cloud.prefix(count * 6)), dimensions: 6)
        let pca = try PCA(points)
        let coordinates = try pca.transform(points)
        #expect(coordinates.count == count * 3)
        #expect(coordinates.allSatisfy { $0.isFinite })
        if count < 2 { #expect(pca.explainedVarianceRatio == [0, 0, 0]) }
        if count == 2 { #expect(abs(pca.explainedVarianceRatio[0] - 1) < 1e-12) }
    }

    @Test func `huge and constant clouds stay finite`() throws {
        for value: Float in [0, 7, 1e30, -1e30] {
            let points = try Points([Float](repeating: value, count: 60), dimensions: 6)
            #expect(try PCA(points).transform(points).allSatisfy { abs($0) <= 1e20 })
        }
        let wild = try Points(cloud.map { $0 * 1e28 }, dimensions: 6)
        #expect(try PCA(wild).transform(wild).allSatisfy { $0.isFinite })
    }

    @Test func `unusable points are refused in a sentence that names the first`() {
        let bad: [Float] = [0, 0, 1, .nan, 2, .infinity]
        #expect {
            try Points(bad, dimensions: 2)
        } throws: {
            "\($0)".hasPrefix("Point 1 holds nan")
        }
        #expect(throws: UserError.self) { try Points([1, 2, 3], dimensions: 2) }
        #expect(throws: UserError.self) { try Points([], dimensions: 0) }
    }
}
