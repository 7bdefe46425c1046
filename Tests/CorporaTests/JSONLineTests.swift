// SPDX-License-Identifier: Apache-2.0
// JSON lines, against Foundation's parser.

import Corpora
import Foundation
import TestSupport
import Testing

@Suite struct JSONLineTests {
    /// The reason a line is broken, nil when it is not.
    private func fault(_ line: String) throws -> String? {
        try Reading(line, named: "a.jsonl").report.broken.first?.reason
    }

    @Test func `the field is taken wherever it stands`() throws {
        let lines = [
            #"{"text":"one"}"#, #" { "id" : 7 , "text" : "two" } "#,
            #"{"meta":{"text":"inner","a":[1,{"text":2},[]]},"text":"three","z":null}"#,
            #"{"text":"dropped","text":"last"}"#, #"{"te\u0078t":"four"}"#,
        ]
        let reading = try Reading(lines.joined(separator: "\r\n"), named: "a.jsonl")
        #expect(reading.texts == ["one", "two", "three", "last", "four"])
        #expect(reading.report.brokenCount == 0)
    }

    @Test func `another field can be named`() throws {
        var options = CorpusOptions()
        options.textField = "bödy \"x\""
        let reading = try Reading(
            #"{"text":"no","bödy \"x\"":"yes"}"# + "\n", named: "a.jsonl", options)
        #expect(reading.texts == ["yes"])
    }

    @Test func `every escape stands for its character`() throws {
        let reading = try Reading(
            #"{"text":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00é😀\u0000."}"#, named: "a.json")
        #expect(reading.texts == ["\"\\/\u{8}\u{C}\n\r\tAé€😀é😀\0."])
    }

    @Test func `half a surrogate pair in the text is broken, elsewhere it does not matter`() throws
    {
        for text in [
            #"\ud83d"#, #"\ud83dx"#, #"\ude00"#, #"\ud83d\n"#, #"\ud83d\u0041"#, #"\ud83d\ud83d"#,
        ] {
            #expect(
                try fault(#"{"text":"a\#(text)"}"#) == "has half of a surrogate pair in its text")
            #expect(try fault(#"{"id":"a\#(text)","text":"x"}"#) == nil)
        }
    }

    @Test func `a line without a string in its field says which field`() throws {
        #expect(try fault(#"{"body":"x"}"#) == #"has no field "text""#)
        #expect(try fault("{}") == #"has no field "text""#)
        for value in ["null", "1", "true", "[\"x\"]", "{\"text\":\"x\"}"] {
            #expect(
                try fault(#"{"text":\#(value)}"#) == #"has no string in its field "text""#)
        }
    }

    @Test(arguments: [
        "x", "[]", "\"text\"", "{", "{\"text\":\"x\"", "{\"text\":\"x}", "{\"text\":\"x\"}}",
        "{\"text\":\"x\"},", "{\"text\":\"x\",}", "{text:\"x\"}", "{'text':'x'}",
        "{\"text\" \"x\"}",
        "{\"text\":\"x\"\"a\":1}", "{\"text\":\"\\x\"}", "{\"text\":\"\\u12g4\"}",
        "{\"text\":\"\\u12",
        "{\"text\":\"a\tb\"}", "{\"a\":01,\"text\":\"x\"}", "{\"a\":1.,\"text\":\"x\"}",
        "{\"a\":+1,\"text\":\"x\"}", "{\"a\":-,\"text\":\"x\"}", "{\"a\":1e,\"text\":\"x\"}",
        "{\"a\":.5,\"text\":\"x\"}", "{\"a\":tru,\"text\":\"x\"}", "{\"a\":nulll,\"text\":\"x\"}",
        "{\"a\":[1,],\"text\":\"x\"}", "{\"a\":[1 2],\"text\":\"x\"}", "{\"a\":Nan,\"text\":\"x\"}",
        "{\"text\":\"x\"} {\"text\":\"y\"}",
    ])
    func `what is not JSON is broken`(line: String) throws {
        let reason = try #require(try fault(line))
        #expect(reason.hasPrefix("is not a JSON object: "))
    }

    @Test func `deep nesting is refused, not followed`() throws {
        func nested(_ depth: Int) -> String {
            "{\"text\":\"x\",\"a\":" + String(repeating: "[", count: depth)
                + String(repeating: "]", count: depth) + "}"
        }
        #expect(try fault(nested(500)) == nil)
        #expect(try fault(nested(513))?.contains("nesting deeper than 512") == true)
        #expect(try fault(String(repeating: "{\"a\":", count: 1_000_000)) != nil)
    }

    @Test func `mutated lines are read as Foundation reads them, or refused as it refuses them`()
        throws
    {
        let seeds = [
            #"{"id":12,"text":"plain words, and more of them to fill a whole vector","n":-1.5e3}"#,
            #"{"text":"esc \"q\" \\ \/ \u00e9 \ud83d\ude00 \n","tags":["a",{"b":[true,false,null]}]}"#,
            #"{ "a" : { } , "b" : [ ] , "text" : "ünï😀" , "c" : 0 }"#,
        ]
        let pieces = [
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "0", "-", ".", "e", "t",
            "\u{7F}", "é", " ", "null", "\"text\":",
        ]
        var generator = SplitMix(state: 11)
        let lines = (0..<20_000).map { index in
            var line = Array(seeds[index % seeds.count].unicodeScalars)
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let place = Int.random(in: 0..<line.count, using: &generator)
                let length = Int.random(in: 0...min(2, line.count - place - 1), using: &generator)
                let piece = pieces.randomElement(using: &generator) ?? ""
                line.replaceSubrange(place..<place + length, with: piece.unicodeScalars)
            }
            return String(String.UnicodeScalarView(line))
        }
        let reading = try Reading(lines.joined(separator: "\n"), named: "a.jsonl")
        let read = Dictionary(uniqueKeysWithValues: reading.documents.map { ($0.line, $0.text) })
        // Foundation lets a comma stand before the end of an object or array, which JSON does not.
        let trailingComma = /, *[}\]]/
        var sound = 0
        for (index, line) in lines.enumerated() {
            if line.contains(trailingComma) { continue }
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let text = object?["text"] as? String
            if text != nil { sound += 1 }
            #expect(read[index + 1] == text, "\(line)")
        }
        #expect(sound > 4_000)
        #expect(sound < 16_000)
    }
}
