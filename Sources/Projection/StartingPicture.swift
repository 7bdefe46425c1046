// SPDX-License-Identifier: Apache-2.0
// Where every point starts, whether its graph is one piece or many.

import Tensors

/// The number of components of every picture.
public let componentCount = 3

/// Starting positions, each axis spread over [0, 10].
struct StartingPicture {
    /// [n, 3]
    let positions: [Float]

    /// - Parameters:
    ///   - graph: the pruned fuzzy graph of `points`.
    ///   - points: only the centroids of separate components are taken from them.
    init(of graph: FuzzyGraph, points: Points, seed: UInt64) throws {
        let components = graph.components()
        var random = RandomStream(seed: seed, purpose: 1)
        var positions =
            components.count == 1
            ? try Self.layout(graph, &random)
            : try Self.layout(components, of: graph, points: points, &random)
        Self.scale(&positions, toLargest: 10)
        // A little noise, so that points which start together can part.
        for place in positions.indices { positions[place] += Float(random.nextNormal() * 1e-4) }
        Self.spreadAxes(&positions, over: 10)
        self.positions = positions
    }

    /// One connected graph: spectral, or random where it has too few points for three eigenvectors.
    private static func layout(
        _ graph: FuzzyGraph, _ random: inout RandomStream
    ) throws -> [Float] {
        guard graph.count > componentCount + 1 else {
            return (0..<graph.count * componentCount).map { _ in
                Float(2 * random.nextUnit() - 1)
            }
        }
        return try SpectralLayout(of: graph).coordinates
    }

    /// Several: each laid out alone around its own place, small enough to stay clear of the others.
    private static func layout(
        _ components: [[Int32]], of graph: FuzzyGraph, points: Points,
        _ random: inout RandomStream
    ) throws -> [Float] {
        let places = try ComponentPlaces(components, of: points)
        var positions = [Float](repeating: 0, count: graph.count * componentCount)
        for (component, members) in components.enumerated() {
            var own = try layout(graph.restricted(to: members), &random)
            scale(&own, toLargest: places.radii[component])
            for (row, member) in members.enumerated() {
                for axis in 0..<componentCount {
                    positions[Int(member) * componentCount + axis] =
                        places.centers[component * componentCount + axis]
                        + own[row * componentCount + axis]
                }
            }
        }
        return positions
    }

    private static func scale(_ positions: inout [Float], toLargest size: Float) {
        let largest = positions.reduce(0) { max($0, abs($1)) }
        guard largest > 0 else { return }
        for place in positions.indices { positions[place] *= size / largest }
    }

    private static func spreadAxes(_ positions: inout [Float], over size: Float) {
        for axis in 0..<componentCount {
            let places = stride(from: axis, to: positions.count, by: componentCount)
            let least = places.reduce(Float.infinity) { min($0, positions[$1]) }
            let most = places.reduce(-Float.infinity) { max($0, positions[$1]) }
            let scale = most > least ? size / (most - least) : 0
            for place in places { positions[place] = (positions[place] - least) * scale }
        }
    }
}

/// Places for the separate components of a graph.
private struct ComponentPlaces {
    /// [components, 3]
    let centers: [Float]
    /// [components]: half the way to the nearest other place.
    let radii: [Float]

    /// Up to six components sit on the unit axes, as far from one another as can be; more sit where the
    /// principal components of their centroids put them.
    init(_ components: [[Int32]], of points: Points) throws {
        var centers = [Float](repeating: 0, count: components.count * componentCount)
        if components.count <= 2 * componentCount {
            let half = (components.count + 1) / 2
            for component in components.indices {
                centers[component * componentCount + component % half] = component < half ? 1 : -1
            }
        } else {
            let centroids = Self.centroids(components, of: points)
            centers = try PCA(centroids).transform(unchecked: centroids)
            let largest = centers.reduce(0) { max($0, abs($1)) }
            if largest > 0 { centers = centers.map { $0 / largest } }
        }
        self.centers = centers
        let nearest = NearestNeighbors(
            within: Points(unchecked: centers, dimensions: componentCount), k: 1, workers: 1)
        // Components whose places coincide still get a size of their own.
        radii = nearest.distances.map { max($0 / 2, 1e-3) }
    }

    private static func centroids(_ components: [[Int32]], of points: Points) -> Points {
        let dimensions = points.dimensions
        var values = [Float](repeating: 0, count: components.count * dimensions)
        for (component, members) in components.enumerated() {
            for column in 0..<dimensions {
                let sum = members.reduce(0.0) {
                    $0 + Double(points.values[Int($1) * dimensions + column])
                }
                values[component * dimensions + column] = Float(sum / Double(members.count))
            }
        }
        return Points(unchecked: values, dimensions: dimensions)
    }
}
