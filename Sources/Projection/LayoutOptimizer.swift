// SPDX-License-Identifier: Apache-2.0
// The stochastic gradient descent that turns a starting picture into the final one.

import Tensors

/// A position in the picture; the fourth number is 0, so that a position is one aligned load.
typealias Position = SIMD4<Float>

/// The descent on the cross entropy between graph and picture (McInnes, Healy, Melville 2018, 3.2).
///
/// Along an edge, at distance d, the head is pulled by -2ab d^(2b-2) / (1 + a d^(2b)) (x - y), and the
/// tail by the opposite; then points drawn at random push the head by
/// 2b / ((0.001 + d^2)(1 + a d^(2b))) (x - y) each. No force is longer than 4 along an axis. A step is
/// the force times a learning rate that falls linearly to 0.
///
/// Sixteen edges of a class move in the sixteen lanes of a register. Their heads share their random
/// draws: each still sees independent uniform draws, and a draw costs one broadcast instead of sixteen
/// gathered loads. Moving both ends of an edge together matters: with each point moving only itself, in
/// parallel, pictures came out swollen and folded (a swiss roll kept 0.71 of its neighbourhoods
/// instead of 0.77), so one descent runs on one thread.
struct LayoutOptimizer {
    let schedule: EdgeSchedule
    let curve: NearnessCurve
    let epochs: Int
    let learningRate: Float
    let negativeSampleRate: Int
    let seed: UInt64

    /// The points of `start` after all epochs, each edge moving both its ends.
    func optimized(_ start: [Position]) -> [Position] {
        // Lanes without an edge move these extra points.
        var positions = start + [Position](repeating: .zero, count: 2 * laneCount)
        run(among: &positions, count: start.count)
        positions.removeLast(2 * laneCount)
        return positions
    }

    /// New points that begin at `start`, after all epochs among those of `cloud`, which stand still.
    /// The draws depend on nothing but the seed, so that each new point is placed for itself.
    func optimized(_ start: [Position], among cloud: [Position]) -> [Position] {
        var heads = start + [Position](repeating: .zero, count: laneCount)
        var tails = cloud + [Position](repeating: .zero, count: 2 * laneCount)
        run(
            Movement(
                headCount: start.count, tailCount: cloud.count, movesTails: false),
            heads: &heads, tails: &tails)
        heads.removeLast(laneCount)
        return heads
    }

    private func run(among positions: UnsafeMutablePointer<Position>, count: Int) {
        run(
            Movement(headCount: count, tailCount: count, movesTails: true), heads: positions,
            tails: positions)
    }

    private func run(
        _ movement: Movement, heads: UnsafeMutablePointer<Position>,
        tails: UnsafeMutablePointer<Position>
    ) {
        let force = Force(curve)
        var active = ActiveEdges(schedule, movement)
        for epoch in 0..<epochs {
            let rate = learningRate * (1 - Float(epoch) / Float(epochs))
            for edgeClass in 0..<schedule.classCount {
                let groups = active.choose(edgeClass, of: schedule, epoch: epoch)
                var random = RandomStream(
                    seed: seed, purpose: 2, UInt64(epoch), UInt64(edgeClass))
                let classRandom = random
                for group in 0..<groups {
                    if !movement.movesTails { random = classRandom }
                    movement.move(
                        heads, active.heads(of: group), tails, active.tails(of: group),
                        by: force, rate: rate, pushes: negativeSampleRate, &random)
                }
            }
        }
    }
}

/// The edges of one class that move their points in one epoch, in whole groups of sixteen.
private struct ActiveEdges {
    private var heads: [Int32]
    private var tails: [Int32]
    private let spareHead: Int32
    private let spareTail: Int32

    init(_ schedule: EdgeSchedule, _ movement: Movement) {
        heads = [Int32](repeating: 0, count: schedule.largestClass + laneCount)
        tails = heads
        spareHead = Int32(truncatingIfNeeded: movement.headCount)
        spareTail = Int32(truncatingIfNeeded: movement.tailCount + laneCount)
    }

    func heads(of group: Int) -> IntegerLanes { Self.lanes(heads, group) }

    func tails(of group: Int) -> IntegerLanes { Self.lanes(tails, group) }

    @inline(__always)
    private static func lanes(_ places: UnsafePointer<Int32>, _ group: Int) -> IntegerLanes {
        UnsafeRawPointer(places + group * laneCount).loadUnaligned(as: IntegerLanes.self)
    }

    /// Lists the edges of `edgeClass` whose running sum passes a whole number in this epoch, then spare
    /// points up to a multiple of sixteen; returns the number of groups.
    mutating func choose(_ edgeClass: Int, of schedule: EdgeSchedule, epoch: Int) -> Int {
        let epoch = UInt32(truncatingIfNeeded: epoch)
        let own = schedule.classStarts[edgeClass]..<schedule.classStarts[edgeClass + 1]
        var count = 0
        heads.withUnsafeMutableBufferPointer { heads in
            tails.withUnsafeMutableBufferPointer { tails in
                schedule.edges.withUnsafeBufferPointer { edges in
                    for place in own {
                        let edge = edges[place]
                        // Writing first and counting after needs no branch.
                        heads[count] = edge.head
                        tails[count] = edge.tail
                        count &+= edge.pulls(in: epoch)
                    }
                }
                for lane in 0..<(laneCount - count % laneCount) % laneCount {
                    heads[count + lane] = spareHead + Int32(truncatingIfNeeded: lane)
                    tails[count + lane] = spareTail + Int32(truncatingIfNeeded: lane)
                }
            }
        }
        return (count + laneCount - 1) / laneCount
    }
}

/// How the points of an edge move.
private struct Movement {
    let headCount: Int
    let tailCount: Int
    /// Whether tails move as heads do, being points of the same memory.
    let movesTails: Bool

    /// Moves the points of sixteen edges, at `headPlaces` of `heads` and `tailPlaces` of `tails`.
    @inline(__always)
    func move(
        _ heads: UnsafeMutablePointer<Position>, _ headPlaces: IntegerLanes,
        _ tails: UnsafeMutablePointer<Position>, _ tailPlaces: IntegerLanes, by force: Force,
        rate: Float, pushes: Int, _ random: inout RandomStream
    ) {
        let rate = Lanes(repeating: rate)
        var head = PositionLanes(heads, headPlaces)
        var tail = PositionLanes(tails, tailPlaces)
        var difference = head - tail
        let pull = force.pull(squaredDistance: difference.squaredNorm)
        head.add(difference, scaledBy: pull, times: rate)
        if movesTails {
            tail.add(difference, scaledBy: pull, times: -rate)
            tail.store(to: tails, tailPlaces)
        }
        var sum = PositionLanes.zero
        for _ in 0..<pushes {
            let drawn = random.next(below: UInt64(tailCount))
            difference = head - PositionLanes(repeating: tails[drawn])
            var push = force.push(squaredDistance: difference.squaredNorm)
            if movesTails {
                push = push.replacing(
                    with: Lanes.zero,
                    where: headPlaces .== IntegerLanes(repeating: Int32(truncatingIfNeeded: drawn)))
            }
            sum.add(difference, scaledBy: push, times: Lanes(repeating: 1))
        }
        head.add(sum, times: rate)
        head.store(to: heads, headPlaces)
    }
}
