// SPDX-License-Identifier: Apache-2.0
// UMAP in three components (McInnes, Healy, Melville 2018, arXiv:1802.03426), step by step.

import Tensors
import UserErrors

/// The parameters of a UMAP fit. The defaults and the steps follow the authors' umap-learn.
public struct UMAP: Sendable, Equatable {
    /// The size of a neighbourhood, the point itself included: larger shows more of the whole.
    public let nNeighbors: Int
    /// How close points may lie in the picture: smaller packs clusters tighter.
    public let minDist: Double
    /// The scale of the picture, on which `minDist` is measured.
    public let spread: Double
    /// Passes over the edges; nil: 500 for up to 10,000 points, else 200.
    public let epochs: Int?
    /// Points drawn to push for every pull along an edge.
    public let negativeSampleRate: Int
    /// Where every random number comes from: equal seeds give equal pictures, bit by bit.
    public let seed: UInt64
    /// The curve that `minDist` and `spread` give.
    public let curve: NearnessCurve

    /// - Throws: `UserError` that names the parameter which is out of range.
    public init(
        nNeighbors: Int = 15, minDist: Double = 0.1, spread: Double = 1, epochs: Int? = nil,
        negativeSampleRate: Int = 5, seed: UInt64 = 0
    ) throws {
        guard (2...200).contains(nNeighbors) else {
            throw UserError("n_neighbors is \(nNeighbors); pass a number from 2 to 200.")
        }
        guard (1...100_000).contains(epochs ?? 1) else {
            throw UserError("epochs is \(epochs ?? 0); pass a number from 1 to 100000.")
        }
        guard (0...100).contains(negativeSampleRate) else {
            throw UserError(
                "negative_sample_rate is \(negativeSampleRate); pass a number from 0 to 100.")
        }
        curve = try NearnessCurve(minDist: minDist, spread: spread)
        self.nNeighbors = nNeighbors
        self.minDist = minDist
        self.spread = spread
        self.epochs = epochs
        self.negativeSampleRate = negativeSampleRate
        self.seed = seed
    }

    /// Lays out `points`. The result does not depend on `workers`.
    ///
    /// Any number of points will do: none give an empty picture, one lies at 0; equal points, constant
    /// clouds and clouds in several pieces give a finite picture.
    ///
    /// - Throws: `UserError` when an eigenproblem has no solution.
    public func fit(_ points: Points, workers: Int = 1) throws -> FittedUMAP {
        let scaled = Scaling(of: points).applied(to: points)
        let epochs = epochs ?? (points.count <= 10_000 ? 500 : 200)
        let graph = fuzzyGraph(of: scaled, workers: workers).pruned(epochs: epochs)
        let start = try StartingPicture(of: graph, points: scaled, seed: seed)
        let optimizer = LayoutOptimizer(
            schedule: EdgeSchedule(symmetric: graph), curve: curve, epochs: epochs,
            learningRate: 1, negativeSampleRate: negativeSampleRate, seed: seed)
        let positions = optimizer.optimized(start.positions.asPositions)
        return try FittedUMAP(
            points: points, embedding: positions.asCoordinates, nNeighbors: nNeighbors,
            curve: curve, negativeSampleRate: negativeSampleRate, seed: seed)
    }

    /// The symmetric graph of memberships, before weak edges are pruned.
    package func fuzzyGraph(of points: Points, workers: Int) -> FuzzyGraph {
        let neighbors = NearestNeighbors(within: points, k: nNeighbors - 1, workers: workers)
        let smooth = SmoothDistances(neighbors, nNeighbors: neighbors.k + 1)
        return FuzzyGraph(memberships: neighbors, smooth, count: points.count)
            .unitedWithTranspose()
    }
}

extension [Float] {
    /// [n, 3] as positions.
    var asPositions: [Position] {
        (0..<count / componentCount).map {
            let place = $0 * componentCount
            return Position(self[place], self[place + 1], self[place + 2], 0)
        }
    }
}

extension [Position] {
    /// Positions as [n, 3].
    var asCoordinates: [Float] { flatMap { [$0.x, $0.y, $0.z] } }
}
