// SPDX-License-Identifier: Apache-2.0
// JSON values that keep what the text says: the order of members, their names as they are spelled, and doubled ones.

/// A JSON value.
///
/// Foundation's readers put objects into dictionaries keyed by `String`, whose equality is canonical equivalence: a
/// vocabulary that holds both "é" and "e" + U+0301 would lose one of them. Here an object is the list of its members.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A whole number, however it is written: 3, 3.0 and 3e0 are the same.
    case int(Int)
    /// Any other number.
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// A number.
    init(_ number: Double) {
        self = Int(exactly: number).map(JSONValue.int) ?? .double(number)
    }

    /// Reads the one value that `bytes` hold.
    ///
    /// - Parameter allowsNonFinite: whether NaN, Infinity and -Infinity are numbers.
    public init(
        parsing bytes: some Collection<UInt8>, allowsNonFinite: Bool = false
    ) throws(JSONError) {
        func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, JSONError> {
            Result { () throws(JSONError) in
                var scanner = JSONScanner(bytes, allowsNonFinite: allowsNonFinite)
                let value = try scanner.value()
                try scanner.end()
                return value
            }
        }
        let value =
            bytes.withContiguousStorageIfAvailable(parse)
            ?? Array(bytes).withUnsafeBufferPointer(parse)
        self = try value.get()
    }

    /// The number; nil for another value.
    public var number: Double? {
        switch self {
        case .int(let int): Double(int)
        case .double(let double): double
        default: nil
        }
    }

    /// What a message calls a value of this kind.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a truth value"
        case .int, .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// One `"key": value` of an object.
public struct JSONMember: Sendable, Equatable {
    public let key: String
    public let value: JSONValue

    /// A member of an object.
    public init(key: String, value: JSONValue) {
        self.key = key
        self.value = value
    }
}
