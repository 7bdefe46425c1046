// SPDX-License-Identifier: Apache-2.0

import Foundation
import Projection
import Tensors
import Testing

/// Each step of UMAP against the reference or against obvious code.
@Suite struct StepTests {
    @Test func `a and b are the reference's to 1e-4`() throws {
        for wanted in try Reference.load().curves {
            let curve = try NearnessCurve(minDist: wanted.min_dist, spread: wanted.spread)
            #expect(abs(curve.a - wanted.a) < 1e-4 * wanted.a)
            #expect(abs(curve.b - wanted.b) < 1e-4 * wanted.b)
        }
    }

    @Test(arguments: [(40, 3, 5), (700, 17, 14), (300, 64, 199), (9, 2, 30)])
    func `neighbours are those of brute force`(n: Int, d: Int, k: Int) throws {
        // Coarse values, so that there are many exact ties.
        let values = normals(n * d, seed: 4).map { d < 4 ? ($0 * 2).rounded() : $0 }
        let points = try Points(values, dimensions: d)
        let found = NearestNeighbors(within: points, k: k, workers: 2)
        #expect(found.k == min(k, n - 1))
        let squared = squaredDistances(values, dimensions: d)
        for point in 0..<n {
            let order = ranking(squared, of: point, count: n)
            for rank in 0..<found.k {
                let distance = squared[point * n + order[rank]].squareRoot()
                let place = point * found.k + rank
                #expect(abs(Double(found.distances[place]) - distance) <= 1e-6 * (1 + distance))
                if d < 4 { #expect(Int(found.indices[place]) == order[rank]) }
            }
        }
    }

    @Test func `neighbours of a tight cluster far from zero are not lost to cancellation`() throws {
        let values = normals(200 * 8, seed: 5).enumerated().map { place, value in
            place < 1600 / 2 ? 1000 + value * 0.001 : value
        }
        let found = NearestNeighbors(
            within: try Points(values, dimensions: 8), k: 5, workers: 1)
        let squared = squaredDistances(values, dimensions: 8)
        for point in 0..<200 {
            let order = ranking(squared, of: point, count: 200)
            #expect((0..<5).map { Int(found.indices[point * 5 + $0]) } == Array(order.prefix(5)))
        }
    }

    @Test func `equal points are at distance exactly 0`() throws {
        var values = normals(50 * 7, seed: 6).map { $0 + 100 }
        values.replaceSubrange(7 * 7..<8 * 7, with: values[21..<28])
        let found = NearestNeighbors(within: try Points(values, dimensions: 7), k: 3, workers: 1)
        #expect(found.indices[3 * 3] == 7 && found.distances[3 * 3] == 0)
        #expect(found.indices[7 * 3] == 3 && found.distances[7 * 3] == 0)
    }

    @Test func `rho, sigma and the fuzzy union are the reference's`() throws {
        let reference = try Reference.load()
        for steps in [reference.small, reference.ring] {
            let points = try Points(steps.points, dimensions: steps.dimensions)
            let neighbors = NearestNeighbors(
                within: points, k: reference.neighbors - 1, workers: 1)
            let smooth = SmoothDistances(neighbors, nNeighbors: reference.neighbors)
            for point in 0..<points.count {
                #expect(abs(smooth.rho[point] - steps.rho[point]) <= 1e-6)
                #expect(abs(smooth.sigma[point] - steps.sigma[point]) <= 2e-4 * steps.sigma[point])
            }
            let umap = try UMAP(nNeighbors: reference.neighbors)
            let graph = umap.fuzzyGraph(of: points, workers: 1)
            var found: [Int: Float] = [:]
            for row in 0..<points.count {
                for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1]
                where graph.columns[edge] > row {
                    found[row * points.count + Int(graph.columns[edge])] = graph.weights[edge]
                }
            }
            #expect(found.count == steps.rows.count)
            for (place, weight) in steps.weights.enumerated() {
                let key = steps.rows[place] * points.count + steps.columns[place]
                #expect(abs((found[key] ?? -1) - weight) < 1e-4)
            }
        }
    }

    @Test func `the spectral start has the reference's eigenvalues, by LAPACK and by the filter`()
        throws
    {
        let reference = try Reference.load()
        for steps in [reference.small, reference.ring] {
            let points = try Points(steps.points, dimensions: steps.dimensions)
            let graph = try UMAP(nNeighbors: reference.neighbors)
                .fuzzyGraph(of: points, workers: 1).pruned(epochs: 500)
            let layout = try SpectralLayout(of: graph)
            for (got, want) in zip(layout.eigenvalues, steps.eigenvalues) {
                #expect(abs(got - want) < 1e-4)
            }
        }
    }

    @Test func `a large spectral start solves the eigenproblem`() throws {
        let values = blobs(3, size: 400, dimensions: 8, distance: 1, seed: 7)
        let graph = try UMAP().fuzzyGraph(of: Points(values, dimensions: 8), workers: 1)
        try #require(graph.components().count == 1)
        let layout = try SpectralLayout(of: graph)
        let n = graph.count
        let degrees = (0..<n).map { row in
            graph.weights[graph.rowStarts[row]..<graph.rowStarts[row + 1]].reduce(0.0) {
                $0 + Double($1)
            }
        }
        for component in 0..<3 {
            let x = (0..<n).map { Double(layout.coordinates[$0 * 3 + component]) }
            #expect(abs(x.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
            var residual = 0.0
            for row in 0..<n {
                var value = x[row] * (1 - layout.eigenvalues[component])
                for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1] {
                    let column = Int(graph.columns[edge])
                    value -=
                        Double(graph.weights[edge]) * x[column]
                        / (degrees[row] * degrees[column]).squareRoot()
                }
                residual += value * value
            }
            #expect(residual.squareRoot() < 3e-4)
        }
        #expect(layout.eigenvalues == layout.eigenvalues.sorted())
    }

    @Test func `log2 and exp2 are as exact as they say`() {
        var worst = (log: 0.0, exp: 0.0)
        for step in 1..<20_000 {
            let x = Foundation.exp(Float(step - 10_000) * 0.006)
            worst.log = max(
                worst.log, abs(Double(Projection.log2(Lanes(repeating: x))[5]) - log2(Double(x))))
            let y = Float(step - 10_000) * 0.0125
            let want = Foundation.exp2(Double(y))
            worst.exp = max(
                worst.exp, abs(Double(Projection.exp2(Lanes(repeating: y))[9]) / want - 1))
        }
        #expect(worst.log < 6e-6)
        #expect(worst.exp < 5e-6)
    }

    @Test func `random draws fill their range evenly and repeat with their seed`() {
        var counts = [Int](repeating: 0, count: 7)
        var random = RandomStream(seed: 1, purpose: 2)
        for _ in 0..<70_000 { counts[random.next(below: 7)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
        var (first, second) = (
            RandomStream(seed: 1, purpose: 2, 3), RandomStream(seed: 1, purpose: 2, 3)
        )
        var third = RandomStream(seed: 1, purpose: 3, 2)
        let draw = first.next()
        #expect(draw == second.next())
        #expect(draw != third.next())
    }
}
