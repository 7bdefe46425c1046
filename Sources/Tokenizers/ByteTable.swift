// SPDX-License-Identifier: Apache-2.0
// Hash tables from byte strings to ids, and from pairs of ids to merges.

/// Mixes `count` bytes into 64 bits, eight bytes at a time (multiply and fold, as wyhash does).
@inline(__always)
func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    let raw = UnsafeRawPointer(bytes)
    var state = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
    var offset = 0
    while offset + 8 <= count {
        state = fold(state ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset += 8
    }
    var tail: UInt64 = 0
    while offset < count {
        tail = tail << 8 | UInt64(bytes[offset])
        offset += 1
    }
    return fold(state ^ tail)
}

@inline(__always)
private func fold(_ value: UInt64) -> UInt64 {
    let product = (value ^ 0xE703_7ED1_A0B4_28DB).multipliedFullWidth(by: 0x8EBC_6AF0_9C88_C6E3)
    return product.high ^ product.low
}

/// From byte strings to ids: the keys lie behind one another in one buffer, the slots are probed in
/// order. A key that is inserted again takes the new id.
struct ByteTable: Sendable {
    private struct Entry {
        var start: Int
        var count: Int
        var id: Int32
    }

    private var keys: [UInt8] = []
    private var entries: [Entry] = []
    /// The upper half of a key's hash, and 1 + the index of its entry; 0 for a free slot.
    private var slots: [UInt64]

    /// The length of the longest key in bytes.
    private(set) var longestKey = 0

    /// A table that holds `capacity` keys without growing.
    init(capacity: Int = 0) {
        slots = Array(repeating: 0, count: ByteTable.slotCount(for: capacity))
        entries.reserveCapacity(capacity)
    }

    /// The number of distinct keys.
    var count: Int { entries.count }

    private static func slotCount(for capacity: Int) -> Int {
        var count = 16
        while count < capacity * 2 { count *= 2 }
        return count
    }

    mutating func insert(_ key: UnsafeBufferPointer<UInt8>, _ id: Int32) {
        guard key.count < UInt32.max else { return }
        if let slot = slot(of: key) {
            entries[Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1].id = id
            return
        }
        if (entries.count + 1) * 2 > slots.count { grow() }
        entries.append(Entry(start: keys.count, count: key.count, id: id))
        keys.append(contentsOf: key)
        longestKey = max(longestKey, key.count)
        place(hashOf(key), entry: entries.count)
    }

    mutating func insert(_ key: [UInt8], _ id: Int32) {
        key.withUnsafeBufferPointer { insert($0, id) }
    }

    /// The id of `key`.
    @inline(__always)
    func id(of key: UnsafeBufferPointer<UInt8>) -> Int32? {
        guard let slot = slot(of: key) else { return nil }
        return entries[Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1].id
    }

    func id(of key: [UInt8]) -> Int32? {
        key.withUnsafeBufferPointer { id(of: $0) }
    }

    func id(of key: String) -> Int32? {
        var key = key
        return key.withUTF8 { id(of: $0) }
    }

    /// Calls `body` with every key and its id.
    func forEach(_ body: (_ key: UnsafeBufferPointer<UInt8>, _ id: Int32) -> Void) {
        keys.withUnsafeBufferPointer { keys in
            for entry in entries {
                let range = entry.start..<entry.start + entry.count
                body(UnsafeBufferPointer(rebasing: keys[range]), entry.id)
            }
        }
    }

    @inline(__always)
    private func hashOf(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let base = key.baseAddress else { return 0 }
        return hash(base, key.count)
    }

    private func slot(of key: UnsafeBufferPointer<UInt8>) -> Int? {
        let hash = hashOf(key)
        let mask = slots.count - 1
        return slots.withUnsafeBufferPointer { slots in
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 {
                if slots[slot] >> 32 == hash >> 32 {
                    let entry = entries[Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1]
                    if entry.count == key.count, equal(key, at: entry.start) { return slot }
                }
                slot = (slot + 1) & mask
            }
            return nil
        }
    }

    @inline(__always)
    private func equal(_ key: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        keys.withUnsafeBufferPointer { keys in
            for index in 0..<key.count where keys[start + index] != key[index] { return false }
            return true
        }
    }

    private mutating func place(_ hash: UInt64, entry: Int) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = (hash >> 32) << 32 | UInt64(truncatingIfNeeded: entry)
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for (index, entry) in entries.enumerated() {
            let hash = keys.withUnsafeBufferPointer {
                hashOf(UnsafeBufferPointer(rebasing: $0[entry.start..<entry.start + entry.count]))
            }
            place(hash, entry: index + 1)
        }
    }
}

/// From pairs of 32-bit values to a 64-bit value. A pair that is inserted again takes the new value.
struct PairTable: Sendable {
    /// What stands for "no value"; it cannot be inserted.
    static let none = UInt64.max

    private var keys: [UInt64]
    private var values: [UInt64]
    private(set) var count = 0

    /// A table that holds `capacity` pairs without growing.
    init(capacity: Int = 0) {
        var slots = 16
        while slots < capacity * 2 { slots *= 2 }
        keys = Array(repeating: 0, count: slots)
        values = Array(repeating: PairTable.none, count: slots)
    }

    /// The value of a pair, or `none`.
    @inline(__always)
    subscript(first: Int32, second: Int32) -> UInt64 {
        let key = PairTable.key(first, second)
        let mask = keys.count - 1
        return keys.withUnsafeBufferPointer { keys in
            values.withUnsafeBufferPointer { values in
                var slot = PairTable.slot(of: key, mask)
                while values[slot] != PairTable.none {
                    if keys[slot] == key { return values[slot] }
                    slot = (slot + 1) & mask
                }
                return PairTable.none
            }
        }
    }

    mutating func insert(_ first: Int32, _ second: Int32, _ value: UInt64) {
        if (count + 1) * 2 > keys.count { grow() }
        place(PairTable.key(first, second), value)
    }

    @inline(__always)
    private static func key(_ first: Int32, _ second: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
    }

    @inline(__always)
    private static func slot(of key: UInt64, _ mask: Int) -> Int {
        let mixed = (key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 32) & mask
    }

    private mutating func place(_ key: UInt64, _ value: UInt64) {
        let mask = keys.count - 1
        var slot = PairTable.slot(of: key, mask)
        while values[slot] != PairTable.none, keys[slot] != key { slot = (slot + 1) & mask }
        if values[slot] == PairTable.none { count += 1 }
        keys[slot] = key
        values[slot] = value
    }

    private mutating func grow() {
        let old = self
        keys = Array(repeating: 0, count: old.keys.count * 2)
        values = Array(repeating: PairTable.none, count: old.keys.count * 2)
        count = 0
        for (key, value) in zip(old.keys, old.values) where value != PairTable.none {
            place(key, value)
        }
    }
}
