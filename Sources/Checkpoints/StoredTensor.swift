// SPDX-License-Identifier: Apache-2.0
// A tensor where it lies in its mapped file, widened to Float32 a few rows at a time.

import Foundation
import Tensors

/// A tensor of a checkpoint in its stored type. It keeps the file mapped as long as it lives.
public struct StoredTensor: Sendable {
    /// The name the checkpoint gives it.
    public let name: String
    /// Outermost dimension first, row-major (the reverse of the order in a GGUF file).
    public let shape: [Int]
    /// How the elements are encoded. Only a type that `widens` can be read.
    public let type: StoredType
    /// Everything before the last dimension: a vector or a scalar is one row, an empty tensor has
    /// none.
    public let rows: Int
    /// The last dimension; 1 for a scalar.
    public let columns: Int

    private let file: MappedFile
    /// The first byte of the tensor in the file.
    let offset: Int
    /// For MXFP4: where the scale of each block stands, in the same file or another.
    private var scales: (file: MappedFile, offset: Int)?

    /// - Precondition: `extent.byteCount` bytes from `offset` lie inside the file.
    init(name: String, extent: TensorExtent, file: MappedFile, offset: Int) {
        self.name = name
        shape = extent.shape
        type = extent.type
        columns = extent.shape.last ?? 1
        rows = extent.elements == 0 ? 0 : extent.elements / columns
        self.file = file
        self.offset = offset
    }

    /// A tensor of 4-bit blocks whose scales, a byte for each block, are a tensor of their own.
    ///
    /// - Precondition: `blocks` holds bytes, [..., blocks, 16], and `scales` likewise without the last
    ///   dimension.
    init(mxfp4 blocks: StoredTensor, scales: StoredTensor) {
        precondition(blocks.type == .u8 && scales.type == .u8 && blocks.shape.last == 16)
        precondition(Array(blocks.shape.dropLast()) == scales.shape)
        name = blocks.name
        let perRow = blocks.shape[blocks.shape.count - 2]
        shape = blocks.shape.dropLast(2) + [32 * perRow]
        type = .mxfp4
        columns = 32 * perRow
        rows = perRow == 0 ? 0 : blocks.rows / perRow
        file = blocks.file
        offset = blocks.offset
        self.scales = (scales.file, scales.offset)
    }

    /// The matrix at an index of the first dimension.
    ///
    /// - Precondition: there are at least two dimensions, and `index` lies within the first.
    public func slice(_ index: Int) -> StoredTensor {
        precondition(shape.count > 1 && index >= 0 && index < shape[0], "slice out of range")
        return StoredTensor(slice: index, of: self)
    }

    private init(slice index: Int, of whole: StoredTensor) {
        name = whole.name
        shape = Array(whole.shape.dropFirst())
        type = whole.type
        columns = whole.columns
        rows = whole.rows / whole.shape[0]
        file = whole.file
        let block = whole.type.block ?? .init(elements: 1, bytes: 0)
        let blocks = index * rows * columns / block.elements
        offset = whole.offset + blocks * block.bytes
        scales = whole.scales.map { ($0.file, $0.offset + blocks) }
    }

    /// The file the tensor lies in.
    public var url: URL { file.url }

    /// Widens some columns of one row into `destination`, [range.count].
    ///
    /// - Precondition: `type.widens`, and `range` lies within the `columns`; where it begins or ends within a
    ///   block, the whole row is widened on the way.
    public func widen(
        row: Int, columns range: Range<Int>, into destination: UnsafeMutablePointer<Float>
    ) {
        precondition(row >= 0 && row < rows && range.lowerBound >= 0 && range.upperBound <= columns)
        let size = type.block?.elements ?? 1
        if range.lowerBound % size == 0, range.upperBound % size == 0 {
            let start = row * columns
            widen(
                elements: start + range.lowerBound..<start + range.upperBound, into: destination)
        } else {
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { whole in
                guard let whole = whole.baseAddress else { return }
                widen(row: row, into: whole)
                destination.update(from: whole + range.lowerBound, count: range.count)
            }
        }
    }

    /// Widens one row into `destination`, [columns].
    ///
    /// - Precondition: `type.widens`, and `row` is one of the `rows`.
    @inline(__always)
    public func widen(row: Int, into destination: UnsafeMutablePointer<Float>) {
        widen(rows: row..<row + 1, into: destination)
    }

    /// Widens `range` into `destination`, contiguous [range.count, columns].
    ///
    /// - Precondition: `type.widens`, and `range` lies within the `rows`.
    public func widen(rows range: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows out of range")
        widen(
            elements: range.lowerBound * columns..<range.upperBound * columns, into: destination)
    }

    /// The whole tensor, row-major: for small ones such as norms and biases.
    ///
    /// - Precondition: `type.widens`.
    public func widened() -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            if let destination = buffer.baseAddress {
                widen(rows: 0..<rows, into: destination)
            }
            count = rows * columns
        }
    }

    /// Widens the transpose: `range` of the stored columns become the rows of `destination`,
    /// contiguous [range.count, rows]. For checkpoints that store a layer as [in, out].
    ///
    /// Works on tiles of 64 stored rows by 256 columns, which stay in the second-level cache: rows are
    /// widened into the tile in runs long enough to be fetched ahead, columns written out of it as
    /// runs of 256 bytes. Fastest where `destination` and its rows begin on a cache line.
    ///
    /// - Precondition: `type.widens`, and `range` lies within the `columns`.
    public func widenTransposed(
        columns range: Range<Int>, into destination: UnsafeMutablePointer<Float>
    ) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columns, "columns out of range")
        // An empty tensor may still have a last dimension of any size.
        guard rows > 0 else { return }
        let tileRows = 64
        let tileColumns = 256
        // A spare vector a row keeps the rows of the tile in different cache sets.
        let stride = tileColumns + laneCount
        withUnsafeTemporaryAllocation(of: Float.self, capacity: tileRows * stride) { buffer in
            guard let tile = buffer.baseAddress else { return }
            // Tiles begin at multiples of 256, the longest block, so that no block of a row is cut.
            var first = range.lowerBound / tileColumns * tileColumns
            while first < range.upperBound {
                let end = min(first + tileColumns, columns)
                let wanted = max(first, range.lowerBound)..<min(end, range.upperBound)
                for row in Swift.stride(from: 0, to: rows, by: tileRows) {
                    let height = min(tileRows, rows - row)
                    for r in 0..<height {
                        let start = (row + r) * columns
                        widen(elements: start + first..<start + end, into: tile + r * stride)
                    }
                    transpose(
                        tile + (wanted.lowerBound - first), height, wanted.count, stride,
                        into: destination + (wanted.lowerBound - range.lowerBound) * rows + row)
                }
                first += tileColumns
            }
        }
    }

    /// Writes `tile`, [height, width] with rows `stride` apart, as [width, height] with rows `rows`
    /// apart.
    private func transpose(
        _ tile: UnsafePointer<Float>, _ height: Int, _ width: Int, _ stride: Int,
        into destination: UnsafeMutablePointer<Float>
    ) {
        for column in 0..<width {
            let target = destination + column &* rows
            var r = 0
            while r &+ laneCount <= height {
                var lanes = Lanes()
                for lane in 0..<laneCount { lanes[lane] = tile[(r &+ lane) &* stride &+ column] }
                target.store(lanes, at: r)
                r &+= laneCount
            }
            while r < height {
                target[r] = tile[r &* stride &+ column]
                r &+= 1
            }
        }
    }

    /// Widens a run of elements that begins and ends on block boundaries.
    private func widen(elements range: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        guard type.widens, let block = type.block else {
            preconditionFailure("a tensor of type \(type) cannot be widened")
        }
        if let scales {
            withExtendedLifetime((file, scales.file)) {
                let first = range.lowerBound / block.elements
                widenMXFP4(
                    file.base + offset + first * block.bytes,
                    scales: scales.file.base + scales.offset + first,
                    count: range.count / block.elements, into: destination)
            }
            return
        }
        withExtendedLifetime(file) {
            let source = file.base + offset + range.lowerBound / block.elements * block.bytes
            type.widen(source, range.count / block.elements, into: destination)
        }
    }
}

/// What a tensor takes up: its shape in a type, with every product checked.
struct TensorExtent {
    let shape: [Int]
    let type: StoredType
    let elements: Int
    /// Nil for a type of unknown size.
    let byteCount: Int?

    /// Nil when the number of elements or bytes overflows, or when rows are not whole blocks.
    init?(shape: [Int], type: StoredType) {
        var elements = 1
        for dimension in shape {
            let (product, overflow) = elements.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else { return nil }
            elements = product
        }
        self.shape = shape
        self.type = type
        self.elements = elements
        guard let block = type.block else {
            byteCount = nil
            return
        }
        guard (shape.last ?? 1) % block.elements == 0 else { return nil }
        let (bytes, overflow) = (elements / block.elements)
            .multipliedReportingOverflow(by: block.bytes)
        guard !overflow else { return nil }
        byteCount = bytes
    }
}
