// SPDX-License-Identifier: Apache-2.0
// The stochastic gradient descent that turns a starting picture into the final one.

import Tensors

/// A position in the picture; the fourth number is unused, so that a position is one aligned load.
typealias Position = SIMD4<Float>

/// How the descent goes; the same for a fit and for placing new points.
struct DescentParameters {
    var curve: NearnessCurve
    var epochs: Int
    var learningRate: Float
    var negativeSampleRate: Int
    var seed: UInt64
    /// How many times an edge pulls at its head: 2 where the tail's own edge back does the same to the
    /// tail, 1 where the tails are held still.
    var pullsPerEdge: Int
}

/// The descent on the cross entropy between graph and picture (McInnes, Healy, Melville 2018, 3.2).
///
/// Along an edge, at distance d, a point is pulled by -2ab d^(2b-2) / (1 + a d^(2b)) (x - y); each pull is
/// followed by pushes 2b / ((0.001 + d^2)(1 + a d^(2b))) (x - y) from points drawn at random. No step is
/// longer than 4 times the learning rate along an axis, and the rate falls linearly to 0.
///
/// Every point sees the others where they stood when the epoch began, and moves itself alone. So the
/// sixteen points of a block move in the sixteen lanes of one register, blocks may run in any order on
/// any number of threads, and the result is the same. The points of a block share their random draws:
/// each sees independent uniform draws all the same, and a draw costs one broadcast instead of sixteen
/// gathered loads.
struct LayoutOptimizer {
    let schedule: PullSchedule
    let parameters: DescentParameters
    /// Whether heads are points of the cloud itself, which must not push themselves.
    let isWithinCloud: Bool

    /// The points of `start` after all epochs, among those of `still`, or among themselves.
    func optimized(
        _ start: [Position], among still: [Position]? = nil, workers: Int
    ) -> [Position] {
        var current = start
        var next = start
        let workers = max(1, min(workers, schedule.blockCount))
        let pullCapacity = (schedule.largestDegree + 1) * laneCount
        let pulls = UnsafeMutableBufferPointer<Int32>.allocate(capacity: workers * pullCapacity)
        pulls.initialize(repeating: 0)
        defer { pulls.deallocate() }
        for epoch in 0..<parameters.epochs {
            current.withUnsafeBufferPointer { heads in
                (still ?? current).withUnsafeBufferPointer { cloud in
                    next.withUnsafeMutableBufferPointer { next in
                        concurrently(workers) { worker in
                            var move = EpochMove(
                                self, epoch: epoch, heads: heads, cloud: cloud, next: next,
                                pulls: pulls.baseAddress! + worker * pullCapacity)
                            for block in stride(
                                from: worker, to: schedule.blockCount, by: workers)
                            {
                                move.advance(block)
                            }
                        }
                    }
                }
            }
            swap(&current, &next)
        }
        return current
    }
}

/// One worker's part of one epoch.
private struct EpochMove {
    private let optimizer: LayoutOptimizer
    private let epoch: Int
    private let heads: UnsafePointer<Position>
    private let cloud: UnsafePointer<Position>
    private let cloudCount: UInt64
    private let next: UnsafeMutablePointer<Position>
    /// [pulls of a point, 16]: the tails that pull in this epoch.
    private let pulls: UnsafeMutablePointer<Int32>
    private let learningRate: Float
    private let force: Force

    init(
        _ optimizer: LayoutOptimizer, epoch: Int, heads: UnsafeBufferPointer<Position>,
        cloud: UnsafeBufferPointer<Position>, next: UnsafeMutableBufferPointer<Position>,
        pulls: UnsafeMutablePointer<Int32>
    ) {
        let parameters = optimizer.parameters
        self.optimizer = optimizer
        self.epoch = epoch
        self.heads = heads.baseAddress!
        self.cloud = cloud.baseAddress!
        cloudCount = UInt64(cloud.count)
        self.next = next.baseAddress!
        self.pulls = pulls
        learningRate =
            parameters.learningRate * (1 - Float(epoch) / Float(parameters.epochs))
        force = Force(parameters.curve)
    }

    /// Moves the sixteen points of `block`.
    mutating func advance(_ block: Int) {
        let counts = choosePulls(block)
        let points = blockPoints(block)
        // Lanes without a point stand where point 0 stands, and are not written back.
        var place = gathered(heads, points.replacing(with: 0, where: points .< 0))
        let own = optimizer.isWithinCloud ? points : IntegerLanes(repeating: -1)
        var random = RandomStream(
            seed: optimizer.parameters.seed, purpose: 2, UInt64(epoch),
            optimizer.isWithinCloud ? UInt64(block) : 0)
        for step in 0..<Int(counts.max()) {
            let rate = Lanes(repeating: learningRate).replacing(
                with: 0, where: counts .<= Int32(truncatingIfNeeded: step))
            let tails = gathered(
                cloud,
                UnsafeRawPointer(pulls + step * laneCount).loadUnaligned(
                    as: IntegerLanes.self))
            for _ in 0..<optimizer.parameters.pullsPerEdge {
                place.add(force.pull(place - tails), times: rate)
            }
            var push = PositionLanes.zero
            for _ in 0..<optimizer.parameters.negativeSampleRate {
                let drawn = random.next(below: cloudCount)
                let away = force.push(place - PositionLanes(repeating: cloud[drawn]))
                let others = Lanes(repeating: 1).replacing(
                    with: 0, where: own .== Int32(truncatingIfNeeded: drawn))
                push.add(away, times: others)
            }
            place.add(push, times: rate)
        }
        for lane in 0..<laneCount where points[lane] >= 0 {
            next[Int(points[lane])] = Position(place.x[lane], place.y[lane], place.z[lane], 0)
        }
    }

    private func blockPoints(_ block: Int) -> IntegerLanes {
        optimizer.schedule.points.withUnsafeBufferPointer {
            UnsafeRawPointer($0.baseAddress! + block * laneCount).loadUnaligned(
                as: IntegerLanes.self)
        }
    }

    /// Lists the tails that the comb hits, lane by lane, and returns how many each lane has.
    private func choosePulls(_ block: Int) -> IntegerLanes {
        let comb = PullSchedule.combOffset(epoch: epoch)
        var counts = IntegerLanes.zero
        let schedule = optimizer.schedule
        schedule.tails.withUnsafeBufferPointer { tails in
            schedule.rates.withUnsafeBufferPointer { rates in
                schedule.offsets.withUnsafeBufferPointer { offsets in
                    for lane in 0..<laneCount {
                        var count = 0
                        let first = schedule.starts[block * laneCount + lane]
                        let end = schedule.starts[block * laneCount + lane + 1]
                        for edge in first..<end {
                            // Hit when the sum passes a whole number: when it wraps around. Writing
                            // first and counting after needs no branch.
                            let phase = offsets[edge] &+ comb
                            pulls[count &* laneCount &+ lane] = tails[edge]
                            count &+= phase &+ rates[edge] < phase ? 1 : 0
                        }
                        counts[lane] = Int32(truncatingIfNeeded: count)
                    }
                }
            }
        }
        return counts
    }
}

/// Sixteen positions, or differences of positions.
private struct PositionLanes {
    var x: Lanes
    var y: Lanes
    var z: Lanes

    static var zero: PositionLanes { PositionLanes(x: .zero, y: .zero, z: .zero) }

    @inline(__always)
    init(x: Lanes, y: Lanes, z: Lanes) {
        self.x = x
        self.y = y
        self.z = z
    }

    @inline(__always)
    init(repeating position: Position) {
        x = Lanes(repeating: position.x)
        y = Lanes(repeating: position.y)
        z = Lanes(repeating: position.z)
    }

    @inline(__always)
    static func - (left: PositionLanes, right: PositionLanes) -> PositionLanes {
        PositionLanes(x: left.x - right.x, y: left.y - right.y, z: left.z - right.z)
    }

    @inline(__always)
    mutating func add(_ other: PositionLanes, times factor: Lanes) {
        x = x.addingProduct(other.x, factor)
        y = y.addingProduct(other.y, factor)
        z = z.addingProduct(other.z, factor)
    }

    @inline(__always)
    var squaredNorm: Lanes { (x * x).addingProduct(y, y).addingProduct(z, z) }

    /// Each coordinate times `factor`, but within -4...4.
    @inline(__always)
    func scaledAndClipped(_ factor: Lanes) -> PositionLanes {
        let low = Lanes(repeating: -4)
        let high = Lanes(repeating: 4)
        return PositionLanes(
            x: (x * factor).clamped(lowerBound: low, upperBound: high),
            y: (y * factor).clamped(lowerBound: low, upperBound: high),
            z: (z * factor).clamped(lowerBound: low, upperBound: high))
    }
}

/// The positions at sixteen places, turned from one position per load to one coordinate per register.
@inline(__always)
private func gathered(
    _ positions: UnsafePointer<Position>, _ places: IntegerLanes
) -> PositionLanes {
    var (x, y, z) = (Lanes.zero, Lanes.zero, Lanes.zero)
    for lane in 0..<laneCount {
        let position = positions[Int(places[lane])]
        x[lane] = position.x
        y[lane] = position.y
        z[lane] = position.z
    }
    return PositionLanes(x: x, y: y, z: z)
}

/// The two gradients of the cross entropy, for sixteen differences at once.
private struct Force {
    private let a: Lanes
    private let b: Lanes
    private let pullScale: Lanes
    private let pushScale: Lanes

    init(_ curve: NearnessCurve) {
        a = Lanes(repeating: Float(curve.a))
        b = Lanes(repeating: Float(curve.b))
        pullScale = Lanes(repeating: Float(-2 * curve.a * curve.b))
        pushScale = Lanes(repeating: Float(2 * curve.b))
    }

    /// Along an edge: -2ab d^(2b-2) / (1 + a d^(2b)) times the difference; 0 where there is none.
    @inline(__always)
    func pull(_ difference: PositionLanes) -> PositionLanes {
        let squared = difference.squaredNorm + 1e-30
        let power = exp2(b * log2(squared))
        let factor = pullScale * power / (squared * Lanes(repeating: 1).addingProduct(a, power))
        return difference.scaledAndClipped(factor)
    }

    /// From a drawn point: 2b / ((0.001 + d^2)(1 + a d^(2b))) times the difference.
    @inline(__always)
    func push(_ difference: PositionLanes) -> PositionLanes {
        let squared = difference.squaredNorm
        let power = exp2(b * log2(squared + 1e-30))
        let factor =
            pushScale / ((squared + 0.001) * Lanes(repeating: 1).addingProduct(a, power))
        return difference.scaledAndClipped(factor)
    }
}
