// SPDX-License-Identifier: Apache-2.0
// Typed access to the objects of a JSON file; every failure names the file and the keys that lead to the fault.

import UserErrors

/// An object of a file, and where in it that object stands.
///
/// A member that is null counts as missing; of several with one name the last counts, as in Python.
public struct JSONObject: Sendable {
    /// The file, and the keys that lead to the object in it: "config.json: rope_parameters".
    public let place: String
    /// In the order of the file.
    public let members: [JSONMember]
    /// What stands before a key in messages.
    private let prefix: String

    /// The object that is all of `file`, by its members.
    public init(_ members: [JSONMember], file: String) {
        self.init(members, place: file, prefix: "\(file): ")
    }

    private init(_ members: [JSONMember], place: String, prefix: String) {
        self.members = members
        self.place = place
        self.prefix = prefix
    }

    /// Reads the object that is all of `file`.
    ///
    /// - Parameters:
    ///   - bytes: what the file holds.
    ///   - allowsNonFinite: whether NaN, Infinity and -Infinity are numbers.
    public init(
        parsing bytes: some Collection<UInt8>, file: String, allowsNonFinite: Bool = false
    ) throws {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes, allowsNonFinite: allowsNonFinite) } catch {
            throw UserError(
                "\(file): is not valid JSON (\(error)); download the file again or mend it.")
        }
        guard case .object(let members) = value else {
            throw UserError("\(file): must be an object, not \(value.kind).")
        }
        self.init(members, file: file)
    }

    /// The object at a place within another.
    private init(_ value: JSONValue, place: String) throws {
        guard case .object(let members) = value else {
            throw UserError("\(place) must be an object, not \(value.kind).")
        }
        self.init(members, place: place, prefix: "\(place).")
    }

    /// The value of a key; nil where there is none or it is null.
    public subscript(key: String) -> JSONValue? {
        guard let value = members.last(where: { $0.key == key })?.value, value != .null else {
            return nil
        }
        return value
    }

    /// An error about a key: "config.json: rope_parameters.factor must be a number."
    public func error(_ key: String, _ problem: String) -> UserError {
        UserError("\(path(key)) \(problem).")
    }

    /// Where a key stands, for messages.
    public func path(_ key: String) -> String { prefix + key }

    private func mismatch(_ key: String, _ expected: String, _ value: JSONValue) -> UserError {
        error(key, "must be \(expected), not \(value.kind)")
    }

    /// Refuses keys that are not `known`, because what they ask for would be left undone.
    public func allow(_ known: Set<String>) throws {
        for member in members where !known.contains(member.key) {
            throw UserError("\(place) has the key \"\(member.key)\", which is not supported.")
        }
    }

    // MARK: Values

    /// A string, if the key is there.
    public func string(_ key: String) throws -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let string) = value else { throw mismatch(key, "a string", value) }
        return string
    }

    /// A string that must be there.
    public func requiredString(_ key: String) throws -> String {
        guard let string = try string(key) else { throw error(key, "is missing") }
        return string
    }

    /// A truth value, if the key is there.
    public func bool(_ key: String) throws -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .bool(let bool) = value else { throw mismatch(key, "true or false", value) }
        return bool
    }

    /// A truth value, or `fallback` where there is none.
    public func bool(_ key: String, default fallback: Bool) throws -> Bool {
        try bool(key) ?? fallback
    }

    /// A finite number, if the key is there.
    public func number(_ key: String) throws -> Double? {
        guard let value = self[key] else { return nil }
        guard let number = value.number, number.isFinite else {
            throw error(key, "must be a number")
        }
        return number
    }

    /// The elements of an array, if the key is there.
    public func array(_ key: String) throws -> [JSONValue]? {
        guard let value = self[key] else { return nil }
        guard case .array(let array) = value else { throw mismatch(key, "an array", value) }
        return array
    }

    /// The elements of an array that all hold `expected`, as `element` takes it out of them.
    private func elements<Element>(
        _ key: String, _ expected: String, _ element: (JSONValue) -> Element?
    ) throws -> [Element]? {
        guard let array = try array(key) else { return nil }
        let elements = array.compactMap(element)
        guard elements.count == array.count else {
            throw error(key, "must be an array of \(expected)")
        }
        return elements
    }

    /// The strings of an array, if the key is there.
    public func strings(_ key: String) throws -> [String]? {
        try elements(key, "strings") { if case .string(let string) = $0 { string } else { nil } }
    }

    /// The whole numbers of an array, if the key is there.
    public func ints(_ key: String) throws -> [Int]? {
        try elements(key, "whole numbers") { if case .int(let int) = $0 { int } else { nil } }
    }

    /// The finite numbers of an array, if the key is there.
    public func numbers(_ key: String) throws -> [Double]? {
        try elements(key, "numbers") { $0.number.flatMap { $0.isFinite ? $0 : nil } }
    }

    /// An object within this one, if the key is there.
    public func object(_ key: String) throws -> JSONObject? {
        guard let value = self[key] else { return nil }
        return try JSONObject(value, place: path(key))
    }

    /// All members, each of which must be an object, in the order of the file.
    public func memberObjects() throws -> [(key: String, object: JSONObject)] {
        var objects: [(key: String, object: JSONObject)] = []
        for member in members {
            objects.append((member.key, try JSONObject(member.value, place: path(member.key))))
        }
        return objects
    }

    /// The objects of an array, if the key is there.
    public func objects(_ key: String) throws -> [JSONObject]? {
        guard let array = try array(key) else { return nil }
        var objects: [JSONObject] = []
        for (index, value) in array.enumerated() {
            objects.append(try JSONObject(value, place: "\(path(key))[\(index)]"))
        }
        return objects
    }
}

extension JSONObject {
    /// The same with values for keys that are missing, and not for those that are null.
    public func defaulting(_ defaults: [String: JSONValue]) -> JSONObject {
        with(defaults.map { JSONMember(key: $0, value: $1) } + members)
    }

    /// The same with other values for some keys.
    public func replacing(_ others: [String: JSONValue]) -> JSONObject {
        with(members + others.map { JSONMember(key: $0, value: $1) })
    }

    private func with(_ members: [JSONMember]) -> JSONObject {
        JSONObject(members, place: place, prefix: prefix)
    }
}
