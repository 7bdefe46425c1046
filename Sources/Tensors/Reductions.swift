// SPDX-License-Identifier: Apache-2.0
// Sums and extremes over lanes and over vectors.

extension SIMD16<Float> {
    /// The sum of the lanes, by halves.
    @inlinable @inline(__always)
    public var laneSum: Float {
        let eight = lowHalf + highHalf
        let four = eight.lowHalf + eight.highHalf
        let two = four.lowHalf + four.highHalf
        return two.x + two.y
    }

    /// The largest lane.
    @inlinable @inline(__always)
    public var laneMax: Float {
        let eight = lanewiseMax(lowHalf, highHalf)
        let four = lanewiseMax(eight.lowHalf, eight.highHalf)
        return Swift.max(Swift.max(four.x, four.y), Swift.max(four.z, four.w))
    }
}

/// The sum of a vector.
public func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = Lanes()
    var i = 0
    while i + laneCount <= count {
        lanes += x.lanes(at: i)
        i += laneCount
    }
    var total = lanes.laneSum
    while i < count {
        total += x[i]
        i += 1
    }
    return total
}

/// The sum of x y over two vectors.
public func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = Lanes()
    var i = 0
    while i + laneCount <= count {
        lanes.addProduct(x.lanes(at: i), y.lanes(at: i))
        i += laneCount
    }
    var total = lanes.laneSum
    while i < count {
        total += x[i] * y[i]
        i += 1
    }
    return total
}

/// The sum of (x - center)^2 over a vector.
public func sumOfSquares(_ x: UnsafePointer<Float>, _ count: Int, around center: Float) -> Float {
    var lanes = Lanes()
    var i = 0
    while i + laneCount <= count {
        let difference = x.lanes(at: i) - center
        lanes.addProduct(difference, difference)
        i += laneCount
    }
    var total = lanes.laneSum
    while i < count {
        total += (x[i] - center) * (x[i] - center)
        i += 1
    }
    return total
}

/// y += x over a vector.
public func add(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int) {
    var i = 0
    while i + laneCount <= count {
        y.store(y.lanes(at: i) + x.lanes(at: i), at: i)
        i += laneCount
    }
    while i < count {
        y[i] += x[i]
        i += 1
    }
}

/// A mask of the first `count` lanes.
@inlinable @inline(__always)
public func laneMask(first count: Int) -> SIMDMask<SIMD16<Int32>> {
    SIMD16<Int32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) .< Int32(count)
}
