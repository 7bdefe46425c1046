// SPDX-License-Identifier: Apache-2.0
// The activation functions of dictionaries, in place on one row of products.

import Tensors

/// max(p + c, 0): `row` and `bias`, [count], a multiple of `laneCount`.
func rectify(_ row: UnsafeMutablePointer<Float>, _ count: Int, bias: UnsafePointer<Float>) {
    var i = 0
    while i < count {
        row.store(lanewiseMax(row.lanes(at: i) + bias.lanes(at: i), Lanes()), at: i)
        i &+= laneCount
    }
}

/// max(p + c, 0) where p + c is above the threshold, else 0: all [count], a multiple of `laneCount`.
func jump(
    _ row: UnsafeMutablePointer<Float>, _ count: Int, bias: UnsafePointer<Float>,
    thresholds: UnsafePointer<Float>
) {
    var i = 0
    while i < count {
        let p = row.lanes(at: i) + bias.lanes(at: i)
        let fires = p .> thresholds.lanes(at: i)
        row.store(Lanes().replacing(with: lanewiseMax(p, Lanes()), where: fires), at: i)
        i &+= laneCount
    }
}

/// max(p * scale + magnitude bias, 0) where p + c is above 0, else 0: all [count], a multiple of
/// `laneCount`.
func gate(
    _ row: UnsafeMutablePointer<Float>, _ count: Int, bias: UnsafePointer<Float>,
    scales: UnsafePointer<Float>, magnitudeBias: UnsafePointer<Float>
) {
    var i = 0
    while i < count {
        let p = row.lanes(at: i)
        let magnitude = p * scales.lanes(at: i) + magnitudeBias.lanes(at: i)
        let opens = p + bias.lanes(at: i) .> 0
        row.store(Lanes().replacing(with: lanewiseMax(magnitude, Lanes()), where: opens), at: i)
        i &+= laneCount
    }
}
