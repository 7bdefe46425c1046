// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: normalizers, pre-tokenizers, post-processors and decoders by type.

import Foundation

extension JSONObject {
    /// The component's type.
    fileprivate func type() throws(TokenizerError) -> String { try requiredString("type") }

    /// Refuses a type that no case has taken.
    fileprivate func unknownType(_ type: String) -> TokenizerError {
        error("type", "is \"\(type)\", which is not supported")
    }

    /// The members of a `Sequence`.
    fileprivate func sequence(_ key: String) throws(TokenizerError) -> [JSONObject] {
        try allow(["type", key])
        guard let objects = try objects(key) else { throw error(key, "is missing") }
        return objects
    }

    /// What a `pattern` of {"String": ..} or {"Regex": ..} finds.
    fileprivate func pattern() throws(TokenizerError) -> Finder {
        guard let pattern = try object("pattern") else { throw error("pattern", "is missing") }
        try pattern.allow(["String", "Regex"])
        if let string = try pattern.string("String") {
            return string.isEmpty ? .nothing : .literal(Array(string.utf8))
        }
        return .pattern(try Pattern(pattern.requiredString("Regex"), name: pattern.name))
    }

    /// A string of one character.
    fileprivate func scalar(
        _ key: String, default fallback: Unicode.Scalar
    ) throws(TokenizerError) -> Unicode.Scalar {
        guard let string = try string(key) else { return fallback }
        guard string.unicodeScalars.count == 1, let scalar = string.unicodeScalars.first else {
            throw error(key, "must be one character")
        }
        return scalar
    }
}

/// Normalizers.
enum NormalizerReader {
    static func steps(_ object: JSONObject?) throws(TokenizerError) -> [NormalizerStep] {
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
            let name = "\(object.name).precompiled_charsmap"
            guard let encoded = try object.string("precompiled_charsmap"),
                let blob = Data(base64Encoded: encoded)
            else { throw TokenizerError("\(name) must be a string in base 64.") }
            return [.precompiled(try PrecompiledMap(Array(blob), name: name))]
        default:
            try object.allow(["type"])
            return [try simple(type, object)]
        }
    }

    private static func simple(
        _ type: String, _ object: JSONObject
    ) throws(TokenizerError) -> NormalizerStep {
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

    private static func bert(_ object: JSONObject) throws(TokenizerError) -> BertNormalizer {
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

/// Pre-tokenizers.
enum PreTokenizerReader {
    static func steps(_ object: JSONObject?) throws(TokenizerError) -> [PreTokenizerStep] {
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
    ) throws(TokenizerError) -> SplitBehavior {
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
    ) throws(TokenizerError) -> [PreTokenizerStep] {
        try object.allow(["type", "add_prefix_space", "trim_offsets", "use_regex"])
        var steps: [PreTokenizerStep] = []
        if try object.bool("add_prefix_space", default: true) { steps.append(.prefixSpace) }
        if try object.bool("use_regex", default: true) {
            let pattern = try Pattern(ByteLevel.pattern, name: object.name)
            steps.append(.split(.pattern(pattern), .isolated, inverted: false))
        }
        return steps + [.byteAlphabet]
    }

    /// Before it had a scheme, Metaspace had `add_prefix_space`.
    private static func metaspace(
        _ object: JSONObject
    ) throws(TokenizerError) -> [PreTokenizerStep] {
        try object.allow([
            "type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep",
        ])
        let scheme = try prependScheme(object)
        let replacement = try object.scalar("replacement", default: "\u{2581}")
        return PreTokenizerStep.metaspace(
            replacement, scheme, splits: try object.bool("split", default: true))
    }

    static func prependScheme(_ object: JSONObject) throws(TokenizerError) -> PrependScheme {
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

/// Post-processors, as far as they concern a single sequence.
enum PostProcessorReader {
    /// The ids before and behind a sequence.
    static func affixes(
        _ object: JSONObject?
    ) throws(TokenizerError) -> (prefix: [Int32], suffix: [Int32]) {
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
    ) throws(TokenizerError) -> Int32 {
        guard let pair = try object.array(key), pair.count == 2 else {
            throw object.error(key, "must be a token and its id")
        }
        return try JSONObject.id(pair[1], name: "\(object.name).\(key)[1]")
    }

    private static func template(
        _ object: JSONObject
    ) throws(TokenizerError) -> (prefix: [Int32], suffix: [Int32]) {
        try object.allow(["type", "single", "pair", "special_tokens"])
        var prefix: [Int32] = []
        var suffix: [Int32] = []
        var sequences = 0
        for part in try object.objects("single") ?? [] {
            try part.allow(["SpecialToken", "Sequence"])
            if let token = try part.object("SpecialToken") {
                let ids = try specialIDs(object, token.requiredString("id"))
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

    private static func specialIDs(
        _ object: JSONObject, _ name: String
    ) throws(TokenizerError) -> [Int32] {
        guard let values = try object.object("special_tokens")?.object(name)?.array("ids") else {
            throw object.error("special_tokens", "does not have \"\(name)\"")
        }
        var ids: [Int32] = []
        for value in values { ids.append(try JSONObject.id(value, name: "\(object.name).\(name)")) }
        return ids
    }
}

/// Decoders.
enum DecoderReader {
    static func steps(_ object: JSONObject?) throws(TokenizerError) -> [DecoderStep]? {
        guard let object else { return nil }
        let type = try object.type()
        switch type {
        case "Sequence":
            var steps: [DecoderStep] = []
            for part in try object.sequence("decoders") { steps += try self.steps(part) ?? [] }
            return steps
        case "ByteLevel": return [.byteLevel]
        case "ByteFallback": return [.byteFallback]
        case "Fuse": return [.fuse]
        case "Replace":
            try object.allow(["type", "pattern", "content"])
            let content = try object.requiredString("content")
            return [.replace(try object.pattern(), with: Array(content.utf8))]
        case "Strip":
            try object.allow(["type", "content", "start", "stop"])
            return [
                .strip(
                    try object.scalar("content", default: " "),
                    start: try object.count("start") ?? 0, stop: try object.count("stop") ?? 0)
            ]
        case "Metaspace":
            return [
                .metaspace(
                    try object.scalar("replacement", default: "\u{2581}"),
                    try PreTokenizerReader.prependScheme(object))
            ]
        case "WordPiece":
            try object.allow(["type", "prefix", "cleanup"])
            return [
                .wordPiece(
                    prefix: try object.string("prefix") ?? "##",
                    cleanup: try object.bool("cleanup", default: true))
            ]
        case "BPEDecoder":
            try object.allow(["type", "suffix"])
            return [.endOfWord(suffix: try object.string("suffix") ?? "</w>")]
        default: throw object.unknownType(type)
        }
    }
}
