// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: normalizers.

import Foundation
import JSON
import UserErrors

/// Normalizers.
enum NormalizerReader {
    static func steps(_ object: JSONObject?) throws -> [NormalizerStep] {
        guard let object else { return [] }
        let type = try object.type()
        switch type {
        case "Sequence":
            var steps: [NormalizerStep] = []
            for part in try object.sequence("normalizers") { steps += try self.steps(part) }
            return steps
        case "BertNormalizer": return [.bert(try bert(object))]
        case "Replace":
            try object.allow(["type", "pattern", "content"])
            let content = try object.requiredString("content")
            return [.replace(try object.pattern(), with: Array(content.utf8))]
        case "Prepend":
            try object.allow(["type", "prepend"])
            return [.prepend(Array(try object.requiredString("prepend").utf8))]
        case "Strip":
            try object.allow(["type", "strip_left", "strip_right"])
            return [
                .strip(
                    left: try object.bool("strip_left", default: true),
                    right: try object.bool("strip_right", default: true))
            ]
        case "Precompiled":
            try object.allow(["type", "precompiled_charsmap"])
            let name = object.path("precompiled_charsmap")
            guard let encoded = try object.string("precompiled_charsmap"),
                let blob = Data(base64Encoded: encoded)
            else { throw UserError("\(name) must be a string in base 64.") }
            return [.precompiled(try PrecompiledMap(Array(blob), name: name))]
        default:
            try object.allow(["type"])
            return [try simple(type, object)]
        }
    }

    private static func simple(
        _ type: String, _ object: JSONObject
    ) throws -> NormalizerStep {
        switch type {
        case "NFC": .normalForm(.nfc)
        case "NFD": .normalForm(.nfd)
        case "NFKC": .normalForm(.nfkc)
        case "NFKD": .normalForm(.nfkd)
        case "Lowercase": .lowercase
        case "StripAccents": .stripAccents
        case "Nmt": .nmt
        case "ByteLevel": .byteAlphabet
        default: throw object.unknownType(type)
        }
    }

    private static func bert(_ object: JSONObject) throws -> BertNormalizer {
        try object.allow([
            "type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase",
        ])
        let lowercases = try object.bool("lowercase", default: true)
        return BertNormalizer(
            cleansText: try object.bool("clean_text", default: true),
            spacesIdeographs: try object.bool("handle_chinese_chars", default: true),
            stripsAccents: try object.bool("strip_accents", default: lowercases),
            lowercases: lowercases)
    }
}
