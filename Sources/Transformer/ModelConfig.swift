// SPDX-License-Identifier: Apache-2.0
// Typed, checked access to a model's config.json.

import Foundation
import JSON
import UserErrors

/// The keys of a model's configuration, under the names of Hugging Face's config.json.
public struct ModelConfig: Sendable {
    private let keys: JSONObject

    /// The file and where in it the keys are, for messages.
    public var source: String { keys.place }

    /// A configuration that was read from `source`.
    public init(_ values: [String: JSONValue], source: String) {
        keys = JSONObject(values.map { JSONMember(key: $0, value: $1) }, file: source)
    }

    private init(_ keys: JSONObject) { self.keys = keys }

    /// Reads a config.json. Of NaN, Infinity and -Infinity, which Python writes, those are refused that matter.
    public init(contentsOf url: URL) throws {
        let data: Data
        do { data = try Data(contentsOf: url) } catch {
            throw UserError("\(url.path): cannot be read; a model folder needs a config.json.")
        }
        guard !UserError.isLFSPointer(data) else { throw UserError.lfsPointer(url.path) }
        keys = try JSONObject(parsing: data, file: url.path, allowsNonFinite: true)
    }

    /// Whether the key is there and not null.
    func has(_ key: String) -> Bool { self[key] != nil }

    /// The value, nil when missing or null.
    subscript(_ key: String) -> JSONValue? { keys[key] }

    /// The same with values for keys that are missing (and not for those that are null): a family's defaults.
    func defaulting(_ defaults: [String: JSONValue]) -> ModelConfig {
        ModelConfig(keys.defaulting(defaults))
    }

    /// The same with other values for some keys.
    func replacing(_ others: [String: JSONValue]) -> ModelConfig {
        ModelConfig(keys.replacing(others))
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
    func numberIfAny(_ key: String) throws -> Double? { try keys.number(key) }

    /// A truth value, or the default when the key is missing.
    func flag(_ key: String, default fallback: Bool) throws -> Bool {
        try keys.bool(key, default: fallback)
    }

    /// A truth value, or nil when the key is missing.
    func flagIfAny(_ key: String) throws -> Bool? { try keys.bool(key) }

    /// Whole numbers, or nil when the key is missing.
    func integers(_ key: String) throws -> [Int]? { try keys.ints(key) }

    /// A string, or nil when the key is missing.
    func string(_ key: String) throws -> String? { try keys.string(key) }

    /// A list of strings, or nil when the key is missing.
    func strings(_ key: String) throws -> [String]? { try keys.strings(key) }

    /// A list of finite numbers, or nil when the key is missing.
    func numbers(_ key: String) throws -> [Double]? { try keys.numbers(key) }

    /// A nested object as a configuration of its own, or nil when the key is missing.
    func object(_ key: String) throws -> ModelConfig? {
        try keys.object(key).map { ModelConfig($0) }
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
    func unusable(_ key: String, _ problem: String) -> UserError { keys.error(key, problem) }
}
