// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: what the readers of its components share.

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
        return .pattern(try Pattern(pattern.requiredString("Regex"), name: pattern.name))
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
