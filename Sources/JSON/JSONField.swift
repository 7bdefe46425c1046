// SPDX-License-Identifier: Apache-2.0
// One string out of an object, without building the rest.

/// What an object has under a name.
public enum JSONField: Equatable, Sendable {
    case missing
    case string(String)
    /// Another value than a string.
    case other
}

extension JSONScanner {
    /// Passes over the object that is all of the text, and takes the last member of this name.
    public mutating func field(named name: String) throws(JSONError) -> JSONField {
        var isPresent = false
        var field: JSONQuoted?
        try beginObject()
        while let key = try nextName() {
            guard isEqual(key, to: name) else {
                try skip()
                continue
            }
            isPresent = true
            field = try quoted()
            if field == nil { try skip() }
        }
        try end()
        guard let field else { return isPresent ? .other : .missing }
        return .string(try text(of: field))
    }
}
