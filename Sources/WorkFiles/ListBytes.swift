// SPDX-License-Identifier: Apache-2.0
// Lists as bytes that the same process reads again.

import AttentionStats

extension ScanLists {
    /// All lists as bytes.
    func encoded() -> [UInt8] {
        var bytes = ByteColumns()
        for pairs in [highAttention, patterns] {
            bytes.add([pairs.count])
            for list in pairs {
                bytes.add([list.head, list.sequence])
                bytes.add(list.pairs)
            }
        }
        bytes.add([edges.count])
        for list in edges {
            bytes.add([list.head, list.sequence])
            bytes.add(list.edges.pairs)
            bytes.add(list.edges.strength)
            bytes.add(list.edges.queryRow)
            bytes.add(list.edges.keyRow)
            bytes.add(list.edges.q)
            bytes.add(list.edges.z)
        }
        bytes.add([keys.count])
        for list in keys {
            bytes.add([list.group, list.sequence])
            bytes.add(list.vectors.k)
            bytes.add(list.vectors.v)
        }
        return bytes.bytes
    }

    /// What `encoded` made bytes of.
    init(encoded: [UInt8]) {
        var bytes = ByteColumns(bytes: encoded)
        func places() -> [Int] { bytes.next() }
        func pairLists() -> [PairList] {
            (0..<places()[0]).map { _ in
                let place = places()
                return (place[0], place[1], bytes.next())
            }
        }
        highAttention = pairLists()
        patterns = pairLists()
        edges = (0..<places()[0]).map { _ in
            let place = places()
            var edges = StrongEdges()
            edges.pairs = bytes.next()
            edges.strength = bytes.next()
            edges.queryRow = bytes.next()
            edges.keyRow = bytes.next()
            edges.q = bytes.nextVectors()
            edges.z = bytes.nextVectors()
            return (place[0], place[1], edges)
        }
        keys = (0..<places()[0]).map { _ in
            let place = places()
            let k = bytes.nextVectors()
            return (place[0], place[1], KeyVectors(k: k, v: bytes.nextVectors()))
        }
    }
}

/// Arrays of plain values, one after the other, each behind its number of bytes.
private struct ByteColumns {
    private(set) var bytes: [UInt8] = []
    private var place = 0

    init(bytes: [UInt8] = []) { self.bytes = bytes }

    mutating func add<Value: BitwiseCopyable>(_ values: [Value]) {
        values.withUnsafeBytes { values in
            withUnsafeBytes(of: values.count) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: values)
        }
    }

    mutating func add(_ vectors: HalfVectors) {
        add(vectors.values)
        add(vectors.exponents)
    }

    mutating func next<Value: BitwiseCopyable>() -> [Value] {
        bytes.withUnsafeBytes { bytes in
            let size = bytes.loadUnaligned(fromByteOffset: place, as: Int.self)
            let start = place + MemoryLayout<Int>.size
            place = start + size
            let count = size / MemoryLayout<Value>.stride
            return [Value](unsafeUninitializedCapacity: count) { values, used in
                UnsafeMutableRawBufferPointer(values).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[start..<place]))
                used = count
            }
        }
    }

    mutating func nextVectors() -> HalfVectors {
        let values: [Float16] = next()
        return HalfVectors(values: values, exponents: next())
    }
}
