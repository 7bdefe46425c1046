// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: decoders.

import JSON

/// Decoders.
enum DecoderReader {
    static func steps(_ object: JSONObject?) throws -> [DecoderStep]? {
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
