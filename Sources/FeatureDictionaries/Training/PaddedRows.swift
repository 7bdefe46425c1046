// SPDX-License-Identifier: Apache-2.0
// Matrices whose rows fill whole vector registers.

import Tensors

/// A matrix [count, dModel] of Float32 whose rows lie `stride` apart, the next multiple of the lanes of
/// a vector register, so that loops over a row have no remainder. What lies beyond the dModel is 0.
///
/// A class because it owns memory; whoever shares it between workers gives them rows of their own.
public final class PaddedRows: @unchecked Sendable {
    /// Number of rows.
    public let count: Int
    /// Values in a row.
    public let dModel: Int
    /// Distance between rows; a multiple of `laneCount`.
    public let stride: Int
    /// The first row.
    public let base: UnsafeMutablePointer<Float>

    /// Rows of zeros.
    public init(_ count: Int, dModel: Int) {
        precondition(count >= 0 && dModel > 0)
        self.count = count
        self.dModel = dModel
        stride = Self.padded(dModel)
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count * stride) * MemoryLayout<Float>.stride,
            alignment: MemoryLayout<Lanes>.alignment)
        base = bytes.bindMemory(to: Float.self, capacity: max(1, count * stride))
        base.initialize(repeating: 0, count: max(1, count * stride))
    }

    /// A copy of rows that lie one after the other.
    ///
    /// - Parameter values: [count, dModel].
    public convenience init(_ values: [Float], dModel: Int) {
        precondition(values.count.isMultiple(of: dModel))
        self.init(values.count / dModel, dModel: dModel)
        values.withUnsafeBufferPointer { source in
            guard let first = source.baseAddress else { return }
            for r in 0..<count { self[r].update(from: first + r * dModel, count: dModel) }
        }
    }

    deinit { base.deallocate() }

    /// The smallest multiple of `laneCount` that is not below `count`.
    static func padded(_ count: Int) -> Int { (count + laneCount - 1) / laneCount * laneCount }

    /// Row r, of which `stride` values may be read.
    @inline(__always)
    public subscript(_ r: Int) -> UnsafeMutablePointer<Float> { base + r * stride }

    /// The rows without what lies between them, [count, dModel].
    public var values: [Float] {
        Array(unsafeUninitializedCapacity: count * dModel) { buffer, filled in
            guard var next = buffer.baseAddress else { return }
            for r in 0..<count {
                next.initialize(from: self[r], count: dModel)
                next += dModel
            }
            filled = count * dModel
        }
    }
}
