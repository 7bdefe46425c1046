// SPDX-License-Identifier: Apache-2.0
// Products of a few chosen rows of a matrix with a vector.

import Tensors

/// Some rows of a matrix, each with a coefficient.
struct ChosenRows {
    /// Row numbers.
    let indices: UnsafePointer<Int32>
    /// Parallel to `indices`.
    let coefficients: UnsafePointer<Float>
    /// How many.
    let count: Int
}

/// sum += sum over i of coefficient_i * row_i. Four rows at a time, so that the sum is loaded and
/// stored once for four products.
///
/// - Parameters:
///   - rows: the first row of the matrix.
///   - stride: distance of the rows and length of `sum`, a multiple of `laneCount`.
func addRows(
    _ chosen: ChosenRows, of rows: UnsafePointer<Float>, stride: Int,
    to sum: UnsafeMutablePointer<Float>
) {
    let (indices, coefficients) = (chosen.indices, chosen.coefficients)
    var i = 0
    while i + 4 <= chosen.count {
        let r0 = rows + Int(indices[i]) * stride
        let r1 = rows + Int(indices[i + 1]) * stride
        let r2 = rows + Int(indices[i + 2]) * stride
        let r3 = rows + Int(indices[i + 3]) * stride
        let c0 = Lanes(repeating: coefficients[i])
        let c1 = Lanes(repeating: coefficients[i + 1])
        let c2 = Lanes(repeating: coefficients[i + 2])
        let c3 = Lanes(repeating: coefficients[i + 3])
        var j = 0
        while j < stride {
            var lanes = sum.lanes(at: j)
            lanes.addProduct(c0, r0.lanes(at: j))
            lanes.addProduct(c1, r1.lanes(at: j))
            lanes.addProduct(c2, r2.lanes(at: j))
            lanes.addProduct(c3, r3.lanes(at: j))
            sum.store(lanes, at: j)
            j += laneCount
        }
        i += 4
    }
    while i < chosen.count {
        let row = rows + Int(indices[i]) * stride
        let coefficient = Lanes(repeating: coefficients[i])
        var j = 0
        while j < stride {
            sum.store(sum.lanes(at: j).addingProduct(coefficient, row.lanes(at: j)), at: j)
            j += laneCount
        }
        i += 1
    }
}

/// dots[i] = row_i · vector, for the rows that `indices` names.
///
/// - Parameter stride: distance of the rows and length of `vector`, a multiple of `laneCount`.
func dotRows(
    _ indices: UnsafePointer<Int32>, _ count: Int, of rows: UnsafePointer<Float>, stride: Int,
    with vector: UnsafePointer<Float>, into dots: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i + 4 <= count {
        let r0 = rows + Int(indices[i]) * stride
        let r1 = rows + Int(indices[i + 1]) * stride
        let r2 = rows + Int(indices[i + 2]) * stride
        let r3 = rows + Int(indices[i + 3]) * stride
        var (s0, s1, s2, s3) = (Lanes(), Lanes(), Lanes(), Lanes())
        var j = 0
        while j < stride {
            let lanes = vector.lanes(at: j)
            s0.addProduct(lanes, r0.lanes(at: j))
            s1.addProduct(lanes, r1.lanes(at: j))
            s2.addProduct(lanes, r2.lanes(at: j))
            s3.addProduct(lanes, r3.lanes(at: j))
            j += laneCount
        }
        dots[i] = s0.laneSum
        dots[i + 1] = s1.laneSum
        dots[i + 2] = s2.laneSum
        dots[i + 3] = s3.laneSum
        i += 4
    }
    while i < count {
        dots[i] = dot(rows + Int(indices[i]) * stride, vector, stride)
        i += 1
    }
}
