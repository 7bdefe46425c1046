// SPDX-License-Identifier: Apache-2.0
// Where the token at each position stood before, computed once a sequence for all heads.

/// For each query of a sequence, the earlier positions with the same token.
public struct TokenRepeats: Sendable {
    /// earlier[starts[q] ..< starts[q+1]] are the j < q with token[j] == token[q], ascending.
    private let starts: [Int32]
    private let earlier: [Int32]

    /// Finds the repeats of a sequence.
    public init(_ tokens: some Collection<Int32>) {
        var positions: [Int32: [Int32]] = [:]
        var starts: [Int32] = [0]
        var earlier: [Int32] = []
        for (q, token) in tokens.enumerated() {
            earlier += positions[token, default: []]
            positions[token, default: []].append(Int32(q))
            starts.append(Int32(earlier.count))
        }
        self.starts = starts
        self.earlier = earlier
    }

    /// How many queries have an earlier occurrence of their token.
    public var repeatedQueries: Int { (1..<starts.count).count { starts[$0] > starts[$0 - 1] } }

    /// Σ row[j] and Σ row[j+1] over the earlier occurrences j of the token at `query`, as far as the
    /// query sees them.
    ///
    /// - Parameter visible: the keys that the query sees; the row may hold anything elsewhere.
    @inline(__always)
    func mass(
        of query: Int, in row: UnsafePointer<Float>, visible: Range<Int>
    ) -> (duplicate: Float, induction: Float) {
        var (duplicate, induction): (Float, Float) = (0, 0)
        for i in Int(starts[query])..<Int(starts[query + 1]) {
            let j = Int(earlier[i])
            if visible.contains(j) { duplicate += row[j] }
            if visible.contains(j + 1) { induction += row[j + 1] }
        }
        return (duplicate, induction)
    }
}
