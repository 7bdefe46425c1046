// SPDX-License-Identifier: Apache-2.0
// A trie over bytes, for the tokens that start at a place.

/// Byte strings with values. The edges of all nodes lie in one table: (node, byte) to node.
struct ByteTrie: Sendable {
    private var edges = PairTable()
    /// The value of each node; -1 where no string ends.
    private var values: [Int32] = [-1]
    /// The nodes behind the root, which most searches do not get beyond.
    private var roots = [Int32](repeating: 0, count: 256)

    /// Adds a string that is not empty; the later of two values counts.
    mutating func insert(_ bytes: some Sequence<UInt8>, _ value: Int32) {
        var node: Int32 = 0
        for byte in bytes {
            let next = child(of: node, byte)
            if next > 0 {
                node = next
                continue
            }
            let new = Int32(values.count)
            values.append(-1)
            if node == 0 {
                roots[Int(byte)] = new
            } else {
                edges.insert(node, Int32(byte), UInt64(new))
            }
            node = new
        }
        values[Int(node)] = value
    }

    /// The node behind `node` for `byte`, or 0.
    @inline(__always)
    func child(of node: Int32, _ byte: UInt8) -> Int32 {
        if node == 0 { return roots[Int(byte)] }
        let edge = edges[node, Int32(byte)]
        return edge == PairTable.none ? 0 : Int32(truncatingIfNeeded: edge)
    }

    /// The value of the string that ends at a node, or -1.
    @inline(__always)
    func value(of node: Int32) -> Int32 { values[Int(node)] }

    /// The value and the length of the longest string that starts at `position`.
    @inline(__always)
    func longestMatch(
        in text: UnsafeBufferPointer<UInt8>, at position: Int
    ) -> (value: Int32, count: Int)? {
        var node = roots[Int(text[position])]
        var index = position
        var best: (Int32, Int)?
        while node > 0 {
            index += 1
            if values[Int(node)] >= 0 { best = (values[Int(node)], index - position) }
            guard index < text.count else { break }
            node = child(of: node, text[index])
        }
        return best
    }
}
