// SPDX-License-Identifier: Apache-2.0
// The key-value pairs at the front of a GGUF file.

import UserErrors

/// What a GGUF file says about itself, such as `general.architecture` or `tokenizer.ggml.tokens`.
///
/// Values stay in the mapped file and are decoded when asked for. An accessor gives nil when the key
/// is missing or holds something else. Strings that are not UTF-8 are repaired with U+FFFD.
public struct GGUFMetadata: Sendable {
    /// The value types of the format (`gguf_metadata_value_type`).
    enum ValueType: UInt32 {
        case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array
        case uint64, int64, float64

        /// Bytes of a value; nil when they differ from value to value.
        var size: Int? {
            switch self {
            case .uint8, .int8, .bool: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            case .string, .array: nil
            }
        }
    }

    /// A value, or the elements of an array, checked to lie in the file.
    private struct Place {
        let type: ValueType
        let isArray: Bool
        let count: Int
        let position: Int
    }

    private var places: [String: Place] = [:]
    private var file: MappedFile?

    /// No pairs at all.
    init() {}

    /// Reads the pairs and moves `reader` behind them.
    init(_ reader: inout GGUFReader, count: Int) throws {
        file = reader.file
        for _ in 0..<count {
            let key = try reader.name()
            let place = try Self.place(&reader)
            guard places.updateValue(place, forKey: key) == nil else {
                throw UserError.malformed(
                    reader.file.url, "has two values for the key \(quoted(key))")
            }
        }
    }

    /// The keys, in no order.
    public var keys: some Collection<String> { places.keys }

    /// The string at `key`.
    public func string(_ key: String) -> String? {
        scalar(key) { place, file in place.type == .string ? Self.strings(place, file).first : nil }
    }

    /// The whole number at `key`, of any integer type, if it fits.
    public func int(_ key: String) -> Int? {
        scalar(key) { place, file in Self.ints(place, file)?.first }
    }

    /// The floating point number at `key`, of either size.
    public func float(_ key: String) -> Double? {
        scalar(key) { place, file in Self.floats(place, file)?.first }
    }

    /// The truth value at `key`.
    public func bool(_ key: String) -> Bool? {
        scalar(key) { place, file in
            guard place.type == .bool else { return nil }
            return file.base.load(fromByteOffset: place.position, as: UInt8.self) != 0
        }
    }

    /// The array of strings at `key`.
    public func strings(_ key: String) -> [String]? {
        array(key) { place, file in place.type == .string ? Self.strings(place, file) : nil }
    }

    /// The array of whole numbers at `key`, of any integer type, if all fit.
    public func ints(_ key: String) -> [Int]? { array(key, Self.ints) }

    /// The array of floating point numbers at `key`, of either size.
    public func floats(_ key: String) -> [Double]? { array(key, Self.floats) }

    // MARK: Finding

    private func scalar<Value>(_ key: String, _ decode: (Place, MappedFile) -> Value?) -> Value? {
        guard let file, let place = places[key], !place.isArray else { return nil }
        return decode(place, file)
    }

    private func array<Value>(_ key: String, _ decode: (Place, MappedFile) -> Value?) -> Value? {
        guard let file, let place = places[key], place.isArray else { return nil }
        return decode(place, file)
    }

    /// Reads a type and steps over the value that follows.
    private static func place(_ reader: inout GGUFReader) throws -> Place {
        var type = try valueType(&reader)
        let isArray = type == .array
        var count = 1
        if isArray {
            type = try valueType(&reader)
            count = try elementCount(type, &reader)
        }
        let place = Place(type: type, isArray: isArray, count: count, position: reader.position)
        try skip(type, count, &reader, depth: 0)
        return place
    }

    private static func valueType(_ reader: inout GGUFReader) throws -> ValueType {
        let number: UInt32 = try reader.number()
        guard let type = ValueType(rawValue: number) else {
            throw UserError.malformed(reader.file.url, "has a value of the unknown type \(number)")
        }
        return type
    }

    private static func elementCount(
        _ type: ValueType, _ reader: inout GGUFReader
    ) throws -> Int {
        // A string takes at least its length, an array its type and its length.
        let smallest = type.size ?? (type == .string ? 8 : 12)
        return try reader.count(of: "array elements", atLeast: smallest)
    }

    private static func skip(
        _ type: ValueType, _ count: Int, _ reader: inout GGUFReader, depth: Int
    ) throws {
        if let size = type.size {
            // The count was held against the bytes that are left.
            try reader.advance(by: count * size)
            return
        }
        guard depth < 8 else {
            throw UserError.malformed(reader.file.url, "nests arrays too deeply")
        }
        for _ in 0..<count {
            if type == .string {
                _ = try reader.stringBytes()
            } else {
                let element = try valueType(&reader)
                let elements = try elementCount(element, &reader)
                try skip(element, elements, &reader, depth: depth + 1)
            }
        }
    }

    // MARK: Decoding

    private static func strings(_ place: Place, _ file: MappedFile) -> [String] {
        var reader = GGUFReader(file, at: place.position)
        return (0..<place.count).compactMap { _ in
            (try? reader.stringBytes()).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    private static func ints(_ place: Place, _ file: MappedFile) -> [Int]? {
        switch place.type {
        case .uint8: integers(UInt8.self, place, file)
        case .int8: integers(Int8.self, place, file)
        case .uint16: integers(UInt16.self, place, file)
        case .int16: integers(Int16.self, place, file)
        case .uint32: integers(UInt32.self, place, file)
        case .int32: integers(Int32.self, place, file)
        case .uint64: integers(UInt64.self, place, file)
        case .int64: integers(Int64.self, place, file)
        case .float32, .float64, .bool, .string, .array: nil
        }
    }

    private static func integers<Number: FixedWidthInteger & BitwiseCopyable>(
        _: Number.Type, _ place: Place, _ file: MappedFile
    ) -> [Int]? {
        var values: [Int] = []
        values.reserveCapacity(place.count)
        for index in 0..<place.count {
            let position = place.position + index * MemoryLayout<Number>.size
            let number = file.base.loadUnaligned(fromByteOffset: position, as: Number.self)
            guard let value = Int(exactly: Number(littleEndian: number)) else { return nil }
            values.append(value)
        }
        return values
    }

    private static func floats(_ place: Place, _ file: MappedFile) -> [Double]? {
        switch place.type {
        case .float32:
            (0..<place.count).map {
                Double(
                    file.base.loadUnaligned(
                        fromByteOffset: place.position + 4 * $0, as: Float.self))
            }
        case .float64:
            (0..<place.count).map {
                file.base.loadUnaligned(fromByteOffset: place.position + 8 * $0, as: Double.self)
            }
        default: nil
        }
    }
}
