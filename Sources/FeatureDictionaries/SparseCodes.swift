// SPDX-License-Identifier: Apache-2.0
// Which features of a dictionary fire at each of several positions, and how strongly.

/// The codes of consecutive rows of the residual stream, as compressed sparse rows: those of row r are
/// at starts[r]..<starts[r + 1].
public struct SparseCodes: Sendable, Equatable {
    /// One more than there are rows.
    public var starts: [Int]
    /// Feature numbers, ascending within a row.
    public var features: [Int32]
    /// Parallel to `features`; above 0.
    public var activations: [Float]

    /// No rows.
    public init() {
        starts = [0]
        features = []
        activations = []
    }

    /// Number of rows.
    public var rows: Int { starts.count - 1 }

    /// Where the codes of a row are.
    public func range(of row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }

    /// Forgets all rows and keeps the memory.
    public mutating func removeAll() {
        starts.removeLast(starts.count - 1)
        features.removeAll(keepingCapacity: true)
        activations.removeAll(keepingCapacity: true)
    }

    /// Adds one code to the row that is being built; `endRow` completes it.
    public mutating func append(_ feature: Int32, _ activation: Float) {
        features.append(feature)
        activations.append(activation)
    }

    /// Completes the row that is being built.
    public mutating func endRow() { starts.append(features.count) }

    /// Adds a whole row of `count` codes.
    mutating func appendRow(
        _ features: UnsafePointer<Int32>, _ activations: UnsafePointer<Float>, _ count: Int
    ) {
        self.features.append(contentsOf: UnsafeBufferPointer(start: features, count: count))
        self.activations.append(contentsOf: UnsafeBufferPointer(start: activations, count: count))
        endRow()
    }
}
