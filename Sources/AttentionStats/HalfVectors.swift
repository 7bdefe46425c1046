// SPDX-License-Identifier: Apache-2.0
// Vectors in half the bytes: what a scan keeps of queries, keys, values and outputs.

/// Vectors of IEEE half numbers (11 significant bits), each with a power of two for what half's range does not hold.
public struct HalfVectors: Sendable, Equatable {
    /// [rows, width].
    public private(set) var values: [Float16] = []
    /// [rows]: a row stands for its values times 2 to this power; 0 but for vectors whose largest entry is
    /// 32,768 or more, or less than 1/1024.
    public private(set) var exponents: [Int8] = []

    /// What half holds as it is: below 65,504 with room for rounding, and far from where it runs out of digits.
    private static let plain: Range<Float> = 0x1p-10..<0x1p15

    /// No vectors.
    public init() {}

    /// The rows of a matrix, [rows, width], rounded to nearest.
    public init(_ matrix: [Float], width: Int) {
        values.reserveCapacity(matrix.count)
        matrix.withUnsafeBufferPointer { matrix in
            guard let base = matrix.baseAddress else { return }
            for start in stride(from: 0, to: matrix.count, by: width) {
                append(base + start, width, width: width)
            }
        }
    }

    /// Vectors that were stored.
    public init(values: [Float16], exponents: [Int8]) {
        self.values = values
        self.exponents = exponents
    }

    /// Number of vectors.
    public var count: Int { exponents.count }

    /// Adds a vector, rounded to nearest, with zeros up to `width`.
    public mutating func append(_ vector: UnsafePointer<Float>, _ count: Int, width: Int) {
        var largest: Float = 0
        for i in 0..<count { largest = max(largest, abs(vector[i])) }
        var exponent = 0
        if !Self.plain.contains(largest), largest > 0, largest.isFinite {
            // 2^e and 2^-e must be Floats too.
            exponent = min(max(Int(largest.exponent), -126), 126)
        }
        let scale = Float(sign: .plus, exponent: -exponent, significand: 1)
        for i in 0..<count { values.append(Float16(vector[i] * scale)) }
        values.append(contentsOf: repeatElement(0, count: width - count))
        exponents.append(Int8(exponent))
    }

    /// Row `row` as it was, but for rounding; of `width` entries.
    public func widen(_ row: Int, width: Int, into vector: UnsafeMutablePointer<Float>) {
        let scale = Float(sign: .plus, exponent: Int(exponents[row]), significand: 1)
        for i in 0..<width { vector[i] = Float(values[row * width + i]) * scale }
    }

    /// All rows as they were, but for rounding: [rows, width].
    public func widened(width: Int) -> [Float] {
        var vectors = [Float](repeating: 0, count: count * width)
        vectors.withUnsafeMutableBufferPointer { vectors in
            guard let base = vectors.baseAddress else { return }
            for row in 0..<count { widen(row, width: width, into: base + row * width) }
        }
        return vectors
    }

    /// Some neighbouring rows.
    public func rows(_ rows: Range<Int>, width: Int) -> HalfVectors {
        HalfVectors(
            values: Array(values[rows.lowerBound * width..<rows.upperBound * width]),
            exponents: Array(exponents[rows]))
    }
}
