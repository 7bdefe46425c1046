// SPDX-License-Identifier: Apache-2.0
// Typed, checked access to a model's config.json.

import Foundation
import UserErrors

/// A JSON value.
public enum ConfigValue: Decodable, Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([ConfigValue])
    case object([String: ConfigValue])

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([ConfigValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: ConfigValue].self))
        }
    }
}

/// The keys of a model's configuration, under the names of Hugging Face's config.json.
public struct ModelConfig: Sendable {
    /// The file, for messages.
    public let source: String
    private let values: [String: ConfigValue]

    /// A configuration that was read from `source`.
    public init(_ values: [String: ConfigValue], source: String) {
        self.values = values
        self.source = source
    }

    /// Reads a config.json.
    public init(contentsOf url: URL) throws {
        let data: Data
        do { data = try Data(contentsOf: url) } catch {
            throw UserError("\(url.path): cannot be read; a model folder needs a config.json.")
        }
        guard !UserError.isLFSPointer(data) else { throw UserError.lfsPointer(url.path) }
        do {
            values = try JSONDecoder().decode(
                [String: ConfigValue].self, from: Self.quotingNonFinite(data))
        } catch {
            throw UserError("\(url.path): is not a JSON object; download the model again.")
        }
        source = url.path
    }

    /// The same JSON with NaN, Infinity and -Infinity, which Python writes and JSON does not have, as strings: where
    /// such a number matters, its key is then refused as no number.
    private static func quotingNonFinite(_ data: Data) -> Data {
        var result = Data(capacity: data.count)
        var (isString, isEscaped) = (false, false)
        var i = data.startIndex
        while i < data.endIndex {
            let byte = data[i]
            if !isString,
                byte == UInt8(ascii: "N") || byte == UInt8(ascii: "I") || byte == UInt8(ascii: "-"),
                let word = ["NaN", "Infinity", "-Infinity"].first(where: {
                    data[i...].starts(with: $0.utf8)
                })
            {
                result.append(contentsOf: "\"\(word)\"".utf8)
                i += word.utf8.count
                continue
            }
            if byte == UInt8(ascii: "\""), !isEscaped { isString.toggle() }
            isEscaped = isString && byte == UInt8(ascii: "\\") && !isEscaped
            result.append(byte)
            i += 1
        }
        return result
    }

    /// Whether the key is there and not null.
    func has(_ key: String) -> Bool { self[key] != nil }

    /// The value, nil when missing or null.
    subscript(_ key: String) -> ConfigValue? {
        values[key].flatMap { $0 == .null ? nil : $0 }
    }

    /// The same with values for keys that are missing (and not for those that are null): a family's defaults.
    func defaulting(_ defaults: [String: ConfigValue]) -> ModelConfig {
        ModelConfig(values.merging(defaults) { stated, _ in stated }, source: source)
    }

    /// The same with other values for some keys.
    func replacing(_ others: [String: ConfigValue]) -> ModelConfig {
        ModelConfig(values.merging(others) { _, other in other }, source: source)
    }

    /// A positive integer no larger than `limit`; the first of `keys` that is there.
    func count(_ keys: String..., limit: Int = 1 << 24) throws -> Int {
        try count(keys, limit: limit)
    }

    private func count(_ keys: [String], limit: Int) throws -> Int {
        for key in keys {
            guard let value = self[key] else { continue }
            guard case .int(let count) = value, count > 0, count <= limit else {
                throw unusable(key, "must be a whole number from 1 to \(limit)")
            }
            return count
        }
        throw UserError("\(source): has no \"\(keys[0])\"; is it the config of a language model?")
    }

    /// The sizes of a model whose heads share its width evenly; of each list of keys the first that is there.
    func evenHeads(dModel: [String], nHeads: [String], nLayers: [String]) throws
        -> (dModel: Int, nHeads: Int, nLayers: Int, dHead: Int)
    {
        let width = try count(dModel, limit: 1 << 24)
        let heads = try count(nHeads, limit: 1 << 24)
        guard width % heads == 0 else {
            throw unusable(dModel[0], "must be a multiple of \(nHeads[0])")
        }
        return (width, heads, try count(nLayers, limit: 4096), width / heads)
    }

    /// A positive integer no larger than `limit`, or nil when the key is missing.
    func countIfAny(_ key: String, limit: Int = 1 << 24) throws -> Int? {
        has(key) ? try count(key, limit: limit) : nil
    }

    /// The same, where 0 also says that there is none.
    func countIfZero(_ key: String, limit: Int = 1 << 24) throws -> Int? {
        self[key] == .int(0) ? nil : try countIfAny(key, limit: limit)
    }

    /// A finite number; the first of `keys` that is there.
    func number(_ keys: String...) throws -> Double {
        for key in keys {
            if let value = try numberIfAny(key) { return value }
        }
        throw UserError("\(source): has no \"\(keys[0])\"; is it the config of a language model?")
    }

    /// A number above 0 that Float32 can hold; the first of `keys` that is there.
    func positive(_ keys: String...) throws -> Double {
        for key in keys {
            if let value = try positiveIfAny(key) { return value }
        }
        throw UserError("\(source): has no \"\(keys[0])\"; is it the config of a language model?")
    }

    /// The same, or nil when the key is missing.
    func positiveIfAny(_ key: String) throws -> Double? {
        guard let value = try numberIfAny(key) else { return nil }
        guard Float(value) > 0, Float(value).isFinite else {
            throw unusable(key, "must be a positive number")
        }
        return value
    }

    /// A finite number, or nil when the key is missing.
    func numberIfAny(_ key: String) throws -> Double? {
        switch self[key] {
        case nil: return nil
        case .int(let value): return Double(value)
        case .double(let value) where value.isFinite: return value
        default: throw unusable(key, "must be a number")
        }
    }

    /// A truth value, or the default when the key is missing.
    func flag(_ key: String, default fallback: Bool) throws -> Bool {
        switch self[key] {
        case nil: return fallback
        case .bool(let value): return value
        default: throw unusable(key, "must be true or false")
        }
    }

    /// A truth value, or nil when the key is missing.
    func flagIfAny(_ key: String) throws -> Bool? {
        has(key) ? try flag(key, default: false) : nil
    }

    /// Whole numbers, or nil when the key is missing.
    func integers(_ key: String) throws -> [Int]? {
        guard let value = self[key] else { return nil }
        guard case .array(let items) = value else { throw unusable(key, "must be a list") }
        return try items.map { item in
            guard case .int(let number) = item else {
                throw unusable(key, "must be a list of whole numbers")
            }
            return number
        }
    }

    /// A string, or nil when the key is missing.
    func string(_ key: String) throws -> String? {
        switch self[key] {
        case nil: return nil
        case .string(let value): return value
        default: throw unusable(key, "must be a string")
        }
    }

    /// A list of strings, or nil when the key is missing.
    func strings(_ key: String) throws -> [String]? {
        guard let value = self[key] else { return nil }
        guard case .array(let items) = value else { throw unusable(key, "must be a list") }
        var strings: [String] = []
        for item in items {
            guard case .string(let string) = item else {
                throw unusable(key, "must be a list of strings")
            }
            strings.append(string)
        }
        return strings
    }

    /// A list of finite numbers, or nil when the key is missing.
    func numbers(_ key: String) throws -> [Double]? {
        guard let value = self[key] else { return nil }
        guard case .array(let items) = value else { throw unusable(key, "must be a list") }
        return try items.map { item in
            switch item {
            case .int(let value): return Double(value)
            case .double(let value) where value.isFinite: return value
            default: throw unusable(key, "must be a list of numbers")
            }
        }
    }

    /// A nested object as a configuration of its own, or nil when the key is missing.
    func object(_ key: String) throws -> ModelConfig? {
        guard let value = self[key] else { return nil }
        guard case .object(let members) = value else { throw unusable(key, "must be an object") }
        return ModelConfig(members, source: "\(source), \"\(key)\"")
    }

    /// Refuses a model whose key has another value than the only one that is implemented.
    func require(_ key: String, is expected: Bool, default fallback: Bool) throws {
        guard try flag(key, default: fallback) == expected else {
            throw unusable(key, "is not supported unless it is \(expected)")
        }
    }

    /// The activation named by the first of `keys` that is there.
    func activation(_ keys: String...) throws -> Activation {
        for key in keys {
            guard let name = try string(key) else { continue }
            switch name {
            case "silu", "swish": return .silu
            case "gelu": return .gelu
            case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
            case "relu": return .relu
            case "relu2": return .reluSquared
            default:
                throw unusable(
                    key,
                    "names the activation \"\(name)\"; silu, gelu, gelu_new, relu and relu2 are known"
                )
            }
        }
        throw UserError("\(source): has no \"\(keys[0])\"; is it the config of a language model?")
    }

    /// The beginning-of-sequence token, nil when there is none.
    func beginningOfSequence() throws -> Int32? {
        guard case .int(let id)? = self["bos_token_id"], let token = Int32(exactly: id), token >= 0
        else { return nil }
        return token
    }

    /// An error about one key.
    func unusable(_ key: String, _ problem: String) -> UserError {
        UserError("\(source): \"\(key)\" \(problem).")
    }
}
