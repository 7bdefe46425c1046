// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: post-processors.

import JSON

/// Post-processors, as far as they concern a single sequence.
enum PostProcessorReader {
    /// The ids before and behind a sequence.
    static func affixes(
        _ object: JSONObject?
    ) throws -> (prefix: [Int32], suffix: [Int32]) {
        guard let object else { return ([], []) }
        let type = try object.type()
        switch type {
        case "ByteLevel": return ([], [])
        case "TemplateProcessing": return try template(object)
        case "BertProcessing", "RobertaProcessing":
            try object.allow(["type", "sep", "cls", "trim_offsets", "add_prefix_space"])
            return ([try pairedID(object, "cls")], [try pairedID(object, "sep")])
        case "Sequence":
            var prefix: [Int32] = []
            var suffix: [Int32] = []
            for part in try object.sequence("processors") {
                let outer = try affixes(part)
                prefix = outer.prefix + prefix
                suffix += outer.suffix
            }
            return (prefix, suffix)
        default: throw object.unknownType(type)
        }
    }

    /// The id of `key: ["[CLS]", 101]`.
    private static func pairedID(
        _ object: JSONObject, _ key: String
    ) throws -> Int32 {
        guard let pair = try object.array(key), pair.count == 2 else {
            throw object.error(key, "must be a token and its id")
        }
        return try pair[1].tokenID(at: "\(object.path(key))[1]")
    }

    private static func template(
        _ object: JSONObject
    ) throws -> (prefix: [Int32], suffix: [Int32]) {
        try object.allow(["type", "single", "pair", "special_tokens"])
        var prefix: [Int32] = []
        var suffix: [Int32] = []
        var sequences = 0
        let special = try object.object("special_tokens")?.memberObjects() ?? []
        let tokens = Dictionary(special.map { ($0.key, $0.object) }) { $1 }
        for part in try object.objects("single") ?? [] {
            try part.allow(["SpecialToken", "Sequence"])
            if let token = try part.object("SpecialToken") {
                let name = try token.requiredString("id")
                guard let ids = try tokens[name].map(ids) else {
                    throw object.error("special_tokens", "does not have \"\(name)\"")
                }
                if sequences == 0 { prefix += ids } else { suffix += ids }
            } else {
                guard try part.object("Sequence")?.string("id") == "A" else {
                    throw part.error("Sequence", "must be A in the template of one sequence")
                }
                sequences += 1
            }
        }
        guard sequences == 1 else {
            throw object.error("single", "must hold the sequence A once")
        }
        return (prefix, suffix)
    }

    /// The ids of one of the special tokens.
    private static func ids(_ token: JSONObject) throws -> [Int32] {
        guard let values = try token.array("ids") else { throw token.error("ids", "is missing") }
        return try values.map { try $0.tokenID(at: token.path("ids")) }
    }
}
