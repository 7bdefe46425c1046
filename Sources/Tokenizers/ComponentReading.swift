// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: what the readers of its components share.

import JSON
import UserErrors

extension JSONObject {
    /// The component's type.
    func type() throws -> String { try requiredString("type") }

    /// Refuses a type that no case has taken.
    func unknownType(_ type: String) -> UserError {
        error("type", "is \"\(type)\", which is not supported")
    }

    /// The members of a `Sequence`.
    func sequence(_ key: String) throws -> [JSONObject] {
        try allow(["type", key])
        guard let objects = try objects(key) else { throw error(key, "is missing") }
        return objects
    }

    /// What a `pattern` of {"String": ..} or {"Regex": ..} finds.
    func pattern() throws -> Finder {
        guard let pattern = try object("pattern") else { throw error("pattern", "is missing") }
        try pattern.allow(["String", "Regex"])
        if let string = try pattern.string("String") {
            return string.isEmpty ? .nothing : .literal(Array(string.utf8))
        }
        return .pattern(try Pattern(pattern.requiredString("Regex"), name: pattern.place))
    }

    /// A whole number from 0 to 2^31 - 1.
    func count(_ key: String) throws -> Int? {
        try self[key].map { Int(try $0.tokenID(at: path(key))) }
    }

    /// A string of one character.
    func scalar(
        _ key: String, default fallback: Unicode.Scalar
    ) throws -> Unicode.Scalar {
        guard let string = try string(key) else { return fallback }
        guard string.unicodeScalars.count == 1, let scalar = string.unicodeScalars.first else {
            throw error(key, "must be one character")
        }
        return scalar
    }
}

extension JSONValue {
    /// A token id, which stands at `place` for messages.
    func tokenID(at place: @autoclosure () -> String) throws -> Int32 {
        guard case .int(let number) = self, let id = Int32(exactly: number), id >= 0 else {
            throw UserError("\(place()) must be a whole number from 0 to \(Int32.max).")
        }
        return id
    }
}
