// SPDX-License-Identifier: Apache-2.0
// A digest against accidents, many times faster than one against people.
//
// Yann Collet, xxHash fast digest algorithm, XXH64: https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md.

import Foundation

/// An XXH64 with seed 0 in the making. It tells damaged bytes from sound ones; whoever wants to can find others with
/// the same digest.
public struct XXH64 {
    private var lanes = SIMD4(prime1 &+ prime2, prime2, 0, 0 &- prime1)
    /// What does not fill a stripe yet.
    private var rest: [UInt8] = []
    private var count = 0

    private static let stripe = 32
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    /// Of nothing yet.
    public init() {}

    /// Goes on with these bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count += bytes.count
        var bytes = bytes[...]
        if !rest.isEmpty {
            let missing = bytes.prefix(Self.stripe - rest.count)
            rest += missing
            bytes = bytes.dropFirst(missing.count)
            guard rest.count == Self.stripe else { return }
            let filled = rest
            filled.withUnsafeBytes { consume($0) }
            rest.removeAll(keepingCapacity: true)
        }
        let whole = bytes.prefix(bytes.count / Self.stripe * Self.stripe)
        consume(UnsafeRawBufferPointer(rebasing: whole))
        rest += bytes.dropFirst(whole.count)
    }

    /// Whole stripes, each of four words, a word a lane.
    private mutating func consume(_ stripes: UnsafeRawBufferPointer) {
        // Four numbers of their own, as vectors of this width have no product of 64 bits everywhere.
        var (a, b, c, d) = (lanes[0], lanes[1], lanes[2], lanes[3])
        for place in stride(from: 0, to: stripes.count, by: Self.stripe) {
            a = Self.round(a, Self.word(stripes, place))
            b = Self.round(b, Self.word(stripes, place + 8))
            c = Self.round(c, Self.word(stripes, place + 16))
            d = Self.round(d, Self.word(stripes, place + 24))
        }
        lanes = SIMD4(a, b, c, d)
    }

    /// The digest of what has come so far.
    public var digest: UInt64 {
        var hash = Self.prime5
        if count >= Self.stripe {
            hash = Self.rotate(lanes[0], 1) &+ Self.rotate(lanes[1], 7)
            hash = hash &+ Self.rotate(lanes[2], 12) &+ Self.rotate(lanes[3], 18)
            for lane in lanes.indices {
                hash = (hash ^ Self.round(0, lanes[lane])) &* Self.prime1 &+ Self.prime4
            }
        }
        hash = hash &+ UInt64(count)
        rest.withUnsafeBytes { rest in
            var place = 0
            while place + 8 <= rest.count {
                hash ^= Self.round(0, Self.word(rest, place))
                hash = Self.rotate(hash, 27) &* Self.prime1 &+ Self.prime4
                place += 8
            }
            if place + 4 <= rest.count {
                let half = rest.loadUnaligned(fromByteOffset: place, as: UInt32.self)
                hash ^= UInt64(UInt32(littleEndian: half)) &* Self.prime1
                hash = Self.rotate(hash, 23) &* Self.prime2 &+ Self.prime3
                place += 4
            }
            for byte in rest[place...] {
                hash ^= UInt64(byte) &* Self.prime5
                hash = Self.rotate(hash, 11) &* Self.prime1
            }
        }
        hash = (hash ^ hash >> 33) &* Self.prime2
        hash = (hash ^ hash >> 29) &* Self.prime3
        return hash ^ hash >> 32
    }

    @inline(__always)
    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotate(lane &+ word &* prime2, 31) &* prime1
    }

    @inline(__always)
    private static func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 {
        word << bits | word >> (64 - bits)
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
}

/// The XXH64 of an open file from `start` to its end, and how many bytes that are; nil if it cannot be read.
public func xxh64(of descriptor: Int32, from start: Int) -> (digest: UInt64, bytes: Int)? {
    var hash = XXH64()
    var place = start
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    while true {
        let n = pread(descriptor, buffer.baseAddress, buffer.count, off_t(place))
        if n < 0, errno == EINTR { continue }
        guard n >= 0 else { return nil }
        guard n > 0 else { return (hash.digest, place - start) }
        hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<n]))
        place += n
    }
}
