// SPDX-License-Identifier: Apache-2.0
// A matrix of weights in bfloat16, packed once for many products.

import COneDNN

/// A matrix W, [rows, columns], rounded to bfloat16 in the order that products with its transpose read.
///
/// A row of a product comes out the same to the bit wherever it stands among the rows.
///
/// Sendable by its use: it is packed before products read it.
public final class PackedMatrix: @unchecked Sendable {
    public let rows: Int
    public let columns: Int

    private let library: OneDNN
    private let products: RoundedProducts
    private let storage: UnsafeMutableRawPointer
    private let memory: dnnl_memory_t

    /// Room for a matrix, which `pack` then fills.
    ///
    /// - Throws: `UserError` where bfloat16 cannot be multiplied.
    public init(rows: Int, columns: Int) throws {
        precondition(rows > 0 && columns > 0)
        self.rows = rows
        self.columns = columns
        library = try OneDNN.loaded.get()
        products = try RoundedProducts.of(rows: rows, columns: columns)
        storage = .allocate(byteCount: products.byteCount, alignment: 64)
        memory = library.memory(products.packed, storage)
    }

    deinit {
        _ = library.memoryDestroy(memory)
        storage.deallocate()
    }

    /// How many parts there are to pack, which can be done at the same time.
    public var panelCount: Int { products.panelCount }

    /// Packs one part.
    ///
    /// - Parameter values: the whole matrix, [rows, columns].
    public func pack(panel: Int, of values: UnsafePointer<Float>) {
        products.pack(panel: panel, of: values, into: memory)
    }

    /// y = scale x W^T, or with `adding` y += scale x W^T; x is rounded to bfloat16, sums are Float32.
    ///
    /// - Parameters:
    ///   - x: [length, columns]; `xStride` is the distance between its rows.
    ///   - y: [length, rows]; `yStride` likewise.
    public func multiply(
        _ length: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
        into y: UnsafeMutablePointer<Float>, _ yStride: Int, scale: Float = 1, adding: Bool = false
    ) {
        withUnsafeTemporaryAllocation(
            of: UInt16.self, capacity: min(length, RoundedProducts.mostRows) * columns
        ) { rounded in
            guard let rounded = rounded.baseAddress else { return }
            var first = 0
            while first < length {
                let count = Self.rows(of: length - first)
                for row in 0..<count {
                    roundToBFloat16(
                        x + (first + row) * xStride, columns, scale: scale,
                        into: rounded + row * columns)
                }
                multiply(count, rounded, into: y + first * yStride, yStride, adding: adding)
                first += count
            }
        }
    }

    /// How many of the remaining rows the next product takes: products of few different lengths, as oneDNN makes
    /// code for each.
    private static func rows(of remaining: Int) -> Int {
        let kernel = RoundedProducts.kernelRows
        return remaining < kernel
            ? remaining : min(RoundedProducts.mostRows, remaining / kernel * kernel)
    }

    /// oneDNN is fast only where the rows of y follow each other; others go by way of such rows.
    private func multiply(
        _ length: Int, _ x: UnsafeMutablePointer<UInt16>, into y: UnsafeMutablePointer<Float>,
        _ yStride: Int, adding: Bool
    ) {
        guard yStride != rows else {
            products.multiply(length, x, memory, into: y, adding: adding)
            return
        }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: length * rows) { dense in
            guard let dense = dense.baseAddress else { return }
            products.multiply(length, x, memory, into: dense, adding: false)
            for row in 0..<length {
                let (source, target) = (dense + row * rows, y + row * yStride)
                if adding {
                    add(source, to: target, rows)
                } else {
                    target.update(from: source, count: rows)
                }
            }
        }
    }
}
