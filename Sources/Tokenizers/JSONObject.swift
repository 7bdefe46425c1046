// SPDX-License-Identifier: Apache-2.0
// Typed access to a JSON object; every failure names the file and the key.

import UserErrors

/// An object of a file, and where in it that object stands.
struct JSONObject {
    /// The file and the path of keys, for messages: "tokenizer.json: model".
    let name: String
    let members: [JSONMember]

    init(_ value: JSONValue, name: String) throws {
        guard case .object(let members) = value else {
            throw UserError("\(name) must be an object, not \(value.kind).")
        }
        self.name = name
        self.members = members
    }

    /// The last value of `key`; nil where there is none or it is null.
    subscript(key: String) -> JSONValue? {
        guard let value = members.last(where: { $0.key == key })?.value else { return nil }
        if case .null = value { return nil }
        return value
    }

    func error(_ key: String, _ problem: String) -> UserError {
        UserError("\(name).\(key) \(problem).")
    }

    /// Refuses keys that are not `known`, because what they ask for would be left undone.
    func allow(_ known: Set<String>) throws {
        for member in members where !known.contains(member.key) {
            throw UserError("\(name) has the key \"\(member.key)\", which is not supported.")
        }
    }

    func string(_ key: String) throws -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let string) = value else {
            throw error(key, "must be a string, not \(value.kind)")
        }
        return string
    }

    func requiredString(_ key: String) throws -> String {
        guard let string = try string(key) else { throw error(key, "is missing") }
        return string
    }

    func bool(_ key: String, default fallback: Bool) throws -> Bool {
        guard let value = self[key] else { return fallback }
        guard case .bool(let bool) = value else {
            throw error(key, "must be true or false, not \(value.kind)")
        }
        return bool
    }

    /// A whole number from 0 to 2^31 - 1.
    func count(_ key: String) throws -> Int? {
        guard let value = self[key] else { return nil }
        return Int(try JSONObject.id(value, name: "\(name).\(key)"))
    }

    func array(_ key: String) throws -> [JSONValue]? {
        guard let value = self[key] else { return nil }
        guard case .array(let array) = value else {
            throw error(key, "must be an array, not \(value.kind)")
        }
        return array
    }

    func object(_ key: String) throws -> JSONObject? {
        guard let value = self[key] else { return nil }
        return try JSONObject(value, name: "\(name).\(key)")
    }

    /// The objects of an array.
    func objects(_ key: String) throws -> [JSONObject]? {
        guard let array = try array(key) else { return nil }
        var objects: [JSONObject] = []
        for (index, value) in array.enumerated() {
            objects.append(try JSONObject(value, name: "\(name).\(key)[\(index)]"))
        }
        return objects
    }

    /// A token id.
    static func id(_ value: JSONValue, name: String) throws -> Int32 {
        guard case .number(let number) = value, let id = Int32(exactly: number), id >= 0 else {
            throw UserError("\(name) must be a whole number from 0 to \(Int32.max).")
        }
        return id
    }
}
