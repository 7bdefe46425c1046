// SPDX-License-Identifier: Apache-2.0
// A finished picture, and the placing of new points in it.

import Tensors
import UserErrors

/// A fitted cloud: what a file must hold so that new points can be placed later.
public struct FittedUMAP: Sendable, Equatable {
    /// The points that were fitted.
    public let points: Points
    /// [n, 3]: where they lie in the picture.
    public let embedding: [Float]
    /// The neighbourhood size of the fit, the point itself included.
    public let nNeighbors: Int
    /// The curve of the fit.
    public let curve: NearnessCurve
    /// Points drawn to push for every pull along an edge.
    public let negativeSampleRate: Int
    /// The seed of the fit.
    public let seed: UInt64

    private static let placingEpochs = 100
    private static let placingLearningRate: Float = 0.25

    /// A fit made before, such as one read from a file.
    ///
    /// - Throws: `UserError` when the sizes do not fit or a value is not usable.
    public init(
        points: Points, embedding: [Float], nNeighbors: Int, curve: NearnessCurve,
        negativeSampleRate: Int = 5, seed: UInt64 = 0
    ) throws {
        guard embedding.count == points.count * componentCount,
            embedding.allSatisfy({ $0.magnitude <= Points.largestMagnitude })
        else {
            throw UserError(
                "The embedding of \(points.count) points holds \(embedding.count) values, where"
                    + " \(points.count * componentCount) finite ones are needed; fit the cloud anew."
            )
        }
        guard (2...200).contains(nNeighbors), (0...100).contains(negativeSampleRate),
            curve.a > 0, curve.a.isFinite, curve.b > 0, curve.b <= 100
        else {
            throw UserError(
                "A stored fit has n_neighbors \(nNeighbors), negative_sample_rate"
                    + " \(negativeSampleRate), a \(curve.a), b \(curve.b), which no fit makes;"
                    + " fit the cloud anew.")
        }
        self.points = points
        self.embedding = embedding
        self.nNeighbors = nNeighbors
        self.curve = curve
        self.negativeSampleRate = negativeSampleRate
        self.seed = seed
    }

    /// Places `newPoints` in the picture, [m, 3], with the cloud held still.
    ///
    /// A point starts at the mean of its nearest neighbours' places, weighted by membership, and descends
    /// for 100 epochs. A point equal to one of the cloud lands on it (the first, if several are equal).
    /// Where a point lands depends on nothing but itself and the fit.
    ///
    /// - Throws: `UserError` when the points have another width, or the cloud is empty.
    public func transform(_ newPoints: Points, workers: Int = 1) throws -> [Float] {
        guard newPoints.dimensions == points.dimensions else {
            throw UserError(
                "Points of \(newPoints.dimensions) dimensions do not belong in a cloud of"
                    + " \(points.dimensions); pass points of the fitted cloud's space.")
        }
        guard points.count > 0 else {
            throw UserError(
                "A cloud without points has no place for new ones; fit one first.")
        }
        let scaling = Scaling(of: points)
        let neighbors = NearestNeighbors(
            of: scaling.applied(to: newPoints), in: scaling.applied(to: points), k: nNeighbors,
            workers: workers)
        let smooth = SmoothDistances(
            neighbors, nNeighbors: neighbors.k, isLocallyConnected: false)
        let graph = FuzzyGraph(memberships: neighbors, smooth, count: newPoints.count)
        let cloud = embedding.asPositions
        let optimizer = LayoutOptimizer(
            schedule: EdgeSchedule(fromRowsOf: graph), curve: curve, epochs: Self.placingEpochs,
            learningRate: Self.placingLearningRate, negativeSampleRate: negativeSampleRate,
            seed: seed)
        var placed = optimizer.optimized(Self.weightedMeans(graph, of: cloud), among: cloud)
        for point in placed.indices where neighbors.distances[point * neighbors.k] == 0 {
            placed[point] = cloud[Int(neighbors.indices[point * neighbors.k])]
        }
        return placed.asCoordinates
    }

    private static func weightedMeans(_ graph: FuzzyGraph, of cloud: [Position]) -> [Position] {
        (0..<graph.count).map { row in
            var sum = Position.zero
            var total: Float = 0
            for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1] {
                sum += cloud[Int(graph.columns[edge])] * graph.weights[edge]
                total += graph.weights[edge]
            }
            return total > 0 ? sum / total : sum
        }
    }
}
