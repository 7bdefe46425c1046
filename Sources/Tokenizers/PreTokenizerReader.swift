// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: pre-tokenizers.

import JSON

/// Pre-tokenizers.
enum PreTokenizerReader {
    static func steps(_ object: JSONObject?) throws -> [PreTokenizerStep] {
        guard let object else { return [] }
        let type = try object.type()
        switch type {
        case "Sequence":
            var steps: [PreTokenizerStep] = []
            for part in try object.sequence("pretokenizers") { steps += try self.steps(part) }
            return steps
        case "ByteLevel": return try byteLevel(object)
        case "Metaspace": return try metaspace(object)
        case "Split":
            try object.allow(["type", "pattern", "behavior", "invert"])
            return [
                .split(
                    try object.pattern(), try behavior(object, default: nil),
                    inverted: try object.bool("invert", default: false))
            ]
        case "Digits":
            try object.allow(["type", "individual_digits"])
            let individual = try object.bool("individual_digits", default: false)
            return [
                .split(.scalars(.numeric), individual ? .isolated : .contiguous, inverted: false)
            ]
        case "Punctuation":
            try object.allow(["type", "behavior"])
            return [
                .split(
                    .scalars(.punctuation), try behavior(object, default: .isolated),
                    inverted: false)
            ]
        case "CharDelimiterSplit":
            try object.allow(["type", "delimiter"])
            let delimiter = try object.scalar("delimiter", default: " ")
            return [.split(.scalars(.single(delimiter)), .removed, inverted: false)]
        case "BertPreTokenizer":
            try object.allow(["type"])
            return PreTokenizerStep.bert
        case "WhitespaceSplit":
            try object.allow(["type"])
            return [.split(.scalars(.whitespace), .removed, inverted: false)]
        case "Whitespace":
            try object.allow(["type"])
            return [.split(.words, .removed, inverted: true)]
        default: throw object.unknownType(type)
        }
    }

    private static func behavior(
        _ object: JSONObject, default fallback: SplitBehavior?
    ) throws -> SplitBehavior {
        guard let name = try object.string("behavior") else {
            guard let fallback else { throw object.error("behavior", "is missing") }
            return fallback
        }
        guard let behavior = SplitBehavior(rawValue: name) else {
            throw object.error("behavior", "is \"\(name)\", which is not supported")
        }
        return behavior
    }

    private static func byteLevel(
        _ object: JSONObject
    ) throws -> [PreTokenizerStep] {
        try object.allow(["type", "add_prefix_space", "trim_offsets", "use_regex"])
        var steps: [PreTokenizerStep] = []
        if try object.bool("add_prefix_space", default: true) { steps.append(.prefixSpace) }
        if try object.bool("use_regex", default: true) {
            let pattern = try Pattern(ByteLevel.pattern, name: object.place)
            steps.append(.split(.pattern(pattern), .isolated, inverted: false))
        }
        return steps + [.byteAlphabet]
    }

    /// Before it had a scheme, Metaspace had `add_prefix_space`.
    private static func metaspace(
        _ object: JSONObject
    ) throws -> [PreTokenizerStep] {
        try object.allow([
            "type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep",
        ])
        let scheme = try prependScheme(object)
        let replacement = try object.scalar("replacement", default: "\u{2581}")
        return PreTokenizerStep.metaspace(
            replacement, scheme, splits: try object.bool("split", default: true))
    }

    static func prependScheme(_ object: JSONObject) throws -> PrependScheme {
        guard let name = try object.string("prepend_scheme") else {
            return try object.bool("add_prefix_space", default: true) ? .always : .never
        }
        guard let scheme = PrependScheme(rawValue: name) else {
            throw object.error("prepend_scheme", "is \"\(name)\", which is not supported")
        }
        return scheme
    }
}

extension PreTokenizerStep {
    /// `BertPreTokenizer`.
    static var bert: [PreTokenizerStep] {
        [
            .split(.scalars(.whitespace), .removed, inverted: false),
            .split(.scalars(.punctuation), .isolated, inverted: false),
        ]
    }

    /// `Metaspace`.
    static func metaspace(
        _ replacement: Unicode.Scalar, _ scheme: PrependScheme, splits: Bool
    ) -> [PreTokenizerStep] {
        let rewrite = PreTokenizerStep.metaspace(
            replacement: Array(String(Character(replacement)).utf8), scheme)
        let split = PreTokenizerStep.split(
            .scalars(.single(replacement)), .mergedWithNext, inverted: false)
        return splits ? [rewrite, split] : [rewrite]
    }

    var isByteAlphabet: Bool {
        if case .byteAlphabet = self { true } else { false }
    }
}
