// SPDX-License-Identifier: Apache-2.0

import Foundation
import Projection
import Testing
import UserErrors

@Suite struct UMAPTests {
    @Test func `separate blobs stay together and apart`() throws {
        let values = blobs(4, size: 100, dimensions: 10, distance: 6, seed: 1)
        let fit = try UMAP(seed: 3).fit(Points(values, dimensions: 10), workers: 2)
        // Every point's nearest neighbours in the picture belong to its own blob.
        let squared = squaredDistances(fit.embedding, dimensions: 3)
        for point in 0..<400 {
            #expect(
                ranking(squared, of: point, count: 400).prefix(5).allSatisfy {
                    $0 / 100 == point / 100
                })
        }
    }

    @Test func `neighbourhoods are kept as well as by the reference`() throws {
        let reference = try Reference.load()
        let ring = reference.ring
        let points = try Points(ring.points, dimensions: ring.dimensions)
        var (trustworthiness, kept) = (0.0, 0.0)
        for seed: UInt64 in 0..<5 {
            let fit = try UMAP(nNeighbors: reference.neighbors, seed: seed).fit(points)
            let measured = quality(ring.points, dimensions: ring.dimensions, fit.embedding, k: 15)
            trustworthiness += measured.trustworthiness / 5
            kept += measured.kept / 5
        }
        #expect(trustworthiness > reference.ring_quality.trustworthiness - 0.005)
        #expect(kept > reference.ring_quality.kept - 0.01)
    }

    @Test func `equal seeds give equal bits whatever the number of workers, others other pictures`()
        throws
    {
        let points = try Points(normals(300 * 6, seed: 2), dimensions: 6)
        let one = try UMAP(epochs: 50, seed: 5).fit(points, workers: 1)
        let three = try UMAP(epochs: 50, seed: 5).fit(points, workers: 3)
        let other = try UMAP(epochs: 50, seed: 6).fit(points, workers: 1)
        #expect(one == three)
        #expect(one.embedding != other.embedding)
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 17])
    func `any number of points gives a finite picture`(count: Int) throws {
        let points = try Points(normals(count * 4, seed: 3), dimensions: 4)
        let fit = try UMAP().fit(points)
        #expect(fit.embedding.count == count * 3)
        #expect(fit.embedding.allSatisfy { abs($0) < 1000 })
        if count > 0 {
            #expect(try fit.transform(points).allSatisfy { abs($0) < 1000 })
        }
    }

    @Test func `constant clouds, duplicates, outliers and extreme sizes give finite pictures`()
        throws
    {
        let plain = normals(200 * 5, seed: 4)
        let clouds: [[Float]] = [
            [Float](repeating: 3, count: 1000),
            (0..<1000).map { plain[$0 % 25] },
            plain.map { $0 * 1e28 },
            plain.map { $0 * 1e-30 },
            plain.map { $0 + 1e6 },
            plain.enumerated().map { $0 < 5 ? 1e20 : $1 },
        ]
        for cloud in clouds {
            let fit = try UMAP(nNeighbors: 10, epochs: 100).fit(Points(cloud, dimensions: 5))
            #expect(fit.embedding.allSatisfy { abs($0) < 1000 })
            let again = try fit.transform(Points(cloud, dimensions: 5))
            #expect(again.allSatisfy { abs($0) < 1000 })
        }
    }

    @Test func `a cloud in many pieces keeps them apart`() throws {
        let values = blobs(12, size: 30, dimensions: 6, distance: 100, seed: 5)
        let points = try Points(values, dimensions: 6)
        #expect(try UMAP().fuzzyGraph(of: points, workers: 1).components().count == 12)
        let fit = try UMAP().fit(points)
        let squared = squaredDistances(fit.embedding, dimensions: 3)
        for point in 0..<360 {
            #expect(
                ranking(squared, of: point, count: 360).prefix(10).allSatisfy {
                    $0 / 30 == point / 30
                })
        }
    }

    @Test func `a point of the cloud lands on itself, one beside it lands beside it`() throws {
        let values = blobs(4, size: 100, dimensions: 8, distance: 5, seed: 6)
        let points = try Points(values, dimensions: 8)
        let fit = try UMAP(seed: 1).fit(points)
        #expect(try fit.transform(points) == fit.embedding)
        let moved = zip(values, normals(values.count, seed: 7)).map { $0 + 0.01 * $1 }
        let placed = try fit.transform(Points(moved, dimensions: 8))
        let squared = squaredDistances(fit.embedding + placed, dimensions: 3)
        // Among its 50 nearest of the cloud's 400, and mostly much closer: it sits among the point's
        // neighbours, 15 of them.
        var ranks: [Int] = []
        for point in 0..<400 {
            let order = (0..<400).sorted {
                squared[(400 + point) * 800 + $0] < squared[(400 + point) * 800 + $1]
            }
            ranks.append(order.firstIndex(of: point) ?? 400)
            #expect(order[0] / 100 == point / 100)
        }
        ranks.sort()
        #expect(ranks[200] <= 15)
        #expect(ranks[380] <= 50)
    }

    @Test func `a placed point depends on nothing but itself, and a restored fit places it alike`()
        throws
    {
        let fit = try UMAP(epochs: 100, seed: 9).fit(
            Points(normals(250 * 4, seed: 8), dimensions: 4))
        let new = normals(40 * 4, seed: 9)
        let together = try fit.transform(Points(new, dimensions: 4), workers: 2)
        let restored = try FittedUMAP(
            points: fit.points, embedding: fit.embedding, nNeighbors: fit.nNeighbors,
            curve: fit.curve, negativeSampleRate: fit.negativeSampleRate, seed: fit.seed)
        let alone = try restored.transform(Points(Array(new[80..<84]), dimensions: 4))
        #expect(alone == Array(together[60..<63]))
    }

    @Test func `parameters out of range are refused by name`() {
        func sentence(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        #expect(sentence { _ = try UMAP(nNeighbors: 1) }.contains("n_neighbors"))
        #expect(sentence { _ = try UMAP(nNeighbors: 201) }.contains("n_neighbors"))
        #expect(sentence { _ = try UMAP(minDist: -0.1) }.contains("min_dist"))
        #expect(sentence { _ = try UMAP(minDist: .nan) }.contains("min_dist"))
        #expect(sentence { _ = try UMAP(spread: 0) }.contains("spread"))
        #expect(sentence { _ = try UMAP(epochs: 0) }.contains("epochs"))
    }

    @Test func `a stored fit that does not fit together is refused`() throws {
        let points = try Points([1, 2, 3, 4], dimensions: 2)
        let curve = try NearnessCurve(minDist: 0.1)
        #expect(throws: UserError.self) {
            try FittedUMAP(points: points, embedding: [1, 2, 3], nNeighbors: 15, curve: curve)
        }
        #expect(throws: UserError.self) {
            try FittedUMAP(
                points: points, embedding: [1, 2, 3, 4, 5, .nan], nNeighbors: 15, curve: curve)
        }
        let fit = try FittedUMAP(
            points: points, embedding: [1, 2, 3, 4, 5, 6], nNeighbors: 15, curve: curve)
        #expect(throws: UserError.self) {
            try fit.transform(Points([1, 2, 3], dimensions: 3))
        }
    }
}
