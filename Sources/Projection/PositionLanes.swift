// SPDX-License-Identifier: Apache-2.0
// Sixteen positions in three registers.

import Tensors

/// Sixteen positions, or differences of positions.
struct PositionLanes {
    var x: Lanes
    var y: Lanes
    var z: Lanes

    @inline(__always)
    init(x: Lanes, y: Lanes, z: Lanes) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// All at the origin.
    @inline(__always)
    static var zero: PositionLanes { PositionLanes(x: .zero, y: .zero, z: .zero) }

    /// All at one position.
    @inline(__always)
    init(repeating position: Position) {
        x = Lanes(repeating: position.x)
        y = Lanes(repeating: position.y)
        z = Lanes(repeating: position.z)
    }

    /// The positions at sixteen places, turned from one position per load to one coordinate per
    /// register: two rounds of taking every other number.
    @inline(__always)
    init(_ positions: UnsafePointer<Position>, _ places: IntegerLanes) {
        @inline(__always)
        func four(from lane: Int) -> Lanes {
            Lanes(
                lowHalf: SIMD8(
                    lowHalf: positions[Int(places[lane])],
                    highHalf: positions[Int(places[lane + 1])]),
                highHalf: SIMD8(
                    lowHalf: positions[Int(places[lane + 2])],
                    highHalf: positions[Int(places[lane + 3])]))
        }
        let first = SIMD32(lowHalf: four(from: 0), highHalf: four(from: 4))
        let second = SIMD32(lowHalf: four(from: 8), highHalf: four(from: 12))
        let xz = SIMD32(lowHalf: first.evenHalf, highHalf: second.evenHalf)
        let yw = SIMD32(lowHalf: first.oddHalf, highHalf: second.oddHalf)
        self.init(x: xz.evenHalf, y: yw.evenHalf, z: xz.oddHalf)
    }

    /// Writes the positions to sixteen different places, by the same turns backwards.
    @inline(__always)
    func store(to positions: UnsafeMutablePointer<Position>, _ places: IntegerLanes) {
        @inline(__always)
        func turned(_ x: SIMD8<Float>, _ y: SIMD8<Float>, _ z: SIMD8<Float>) -> SIMD32<Float> {
            var (xz, yw, all) = (Lanes.zero, Lanes.zero, SIMD32<Float>.zero)
            xz.evenHalf = x
            xz.oddHalf = z
            yw.evenHalf = y
            all.evenHalf = xz
            all.oddHalf = yw
            return all
        }
        @inline(__always)
        func storeFour(_ four: Lanes, from lane: Int) {
            positions[Int(places[lane])] = four.lowHalf.lowHalf
            positions[Int(places[lane + 1])] = four.lowHalf.highHalf
            positions[Int(places[lane + 2])] = four.highHalf.lowHalf
            positions[Int(places[lane + 3])] = four.highHalf.highHalf
        }
        let first = turned(x.lowHalf, y.lowHalf, z.lowHalf)
        let second = turned(x.highHalf, y.highHalf, z.highHalf)
        storeFour(first.lowHalf, from: 0)
        storeFour(first.highHalf, from: 4)
        storeFour(second.lowHalf, from: 8)
        storeFour(second.highHalf, from: 12)
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

    /// Adds `rate` times the force `factor` times `difference`, which is held within -4...4.
    @inline(__always)
    mutating func add(_ difference: PositionLanes, scaledBy factor: Lanes, times rate: Lanes) {
        x = x.addingProduct((difference.x * factor).held(within: -4, 4), rate)
        y = y.addingProduct((difference.y * factor).held(within: -4, 4), rate)
        z = z.addingProduct((difference.z * factor).held(within: -4, 4), rate)
    }

    /// |position|^2 in each lane.
    @inline(__always)
    var squaredNorm: Lanes { (x * x).addingProduct(y, y).addingProduct(z, z) }
}

/// The two gradients of the cross entropy, for sixteen differences at once.
struct Force {
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

    /// Along an edge: -2ab d^(2b-2) / (1 + a d^(2b)), by which the difference is multiplied; finite at 0.
    @inline(__always)
    func pull(squaredDistance: Lanes) -> Lanes {
        let squared = squaredDistance + 1e-30
        let power = exp2(b * log2(squared))
        return pullScale * power / (squared * Lanes(repeating: 1).addingProduct(a, power))
    }

    /// From a drawn point: 2b / ((0.001 + d^2)(1 + a d^(2b))).
    @inline(__always)
    func push(squaredDistance: Lanes) -> Lanes {
        let power = exp2(b * log2(squaredDistance + 1e-30))
        return pushScale
            / ((squaredDistance + 0.001) * Lanes(repeating: 1).addingProduct(a, power))
    }
}
