// SPDX-License-Identifier: Apache-2.0
// Broken and malicious tokenizer files are refused in a sentence, and nothing traps.

import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite struct `Hostile tokenizer files` {
    /// What reading a tokenizer.json leads to: nil, or the refusal without the folder's path.
    private func refusal(_ json: String) throws -> String? {
        try refusal(Data(json.utf8))
    }

    private func refusal(_ data: Data) throws -> String? {
        try withTemporaryFolder { folder in
            try data.write(to: folder.appending(path: "tokenizer.json"))
            do throws {
                let tokenizer = try Tokenizer(folder: folder)
                _ = tokenizer.decode(tokenizer.encodeWithSpecialTokens("a b\u{E9}\u{4F60} 12"))
                return nil
            } catch { return "\(error)" }
        }
    }

    private func bpe(
        vocab: String = #"{"a":0,"b":1,"ab":2}"#, merges: String = #"["a b"]"#,
        model: String = "", rest: String = ""
    ) -> String {
        #"{"model":{"type":"BPE","vocab":\#(vocab),"merges":\#(merges)\#(model)}\#(rest)}"#
    }

    @Test func `Merges may be strings or pairs`() throws {
        #expect(try refusal(bpe()) == nil)
        #expect(try refusal(bpe(merges: #"[["a","b"]]"#)) == nil)
    }

    @Test(arguments: [
        ("", "valid JSON"), ("{", "valid JSON"), ("[1]", "must be an object"),
        (#"{"model":{"vocab":{"\ud800":1}}}"#, "surrogate"),
        (#"{"model":{"vocab":{"\udc00\ud800":1}}}"#, "surrogate"),
        (#"{"model":null}"#, "model is missing"), (#"{"models":{}}"#, "\"models\""),
        (#"{"a":1e999}"#, "too large"), (#"{"a":tru}"#, "valid JSON"),
        ("{} x", "after its"),
    ])
    func `Broken JSON`(json: String, part: String) throws {
        let message = try #require(try refusal(json))
        #expect(message.contains(part), "\(message)")
        #expect(message.contains("tokenizer.json") && message.hasSuffix("."))
    }

    @Test func `Bytes that are not UTF-8`() throws {
        var data = Data(bpe().utf8)
        data[data.count / 2] = 0xFF
        #expect(try refusal(data) != nil)
        data = Data(#"{"model":{"vocab":{"ab":1}}}"#.utf8)
        data[20] = 0xC3
        #expect(try refusal(data)?.contains("UTF-8") == true)
    }

    @Test func `Ids that are out of range, too far or given twice`() throws {
        #expect(try refusal(bpe(vocab: #"{"a":0,"b":-1,"ab":2}"#))?.contains("-1") == true)
        #expect(try refusal(bpe(vocab: #"{"a":0,"b":1.5,"ab":2}"#))?.contains("token id") == true)
        #expect(
            try refusal(bpe(vocab: #"{"a":0,"b":1,"ab":2147483647}"#))?.contains("2147483647")
                == true)
        #expect(try refusal(bpe(vocab: #"{"a":0,"b":1e300,"ab":2}"#))?.contains("token id") == true)
        #expect(try refusal(bpe(vocab: #"{"a":0,"b":0,"ab":2}"#))?.contains("the id 0") == true)
        #expect(try refusal(bpe(vocab: #"{}"#))?.contains("no token") == true)
        let added = #","added_tokens":[{"id":0,"content":"x"}]"#
        #expect(try refusal(bpe(rest: added))?.contains("the id 0") == true)
        let moved = #","added_tokens":[{"id":7,"content":"a"}]"#
        #expect(try refusal(bpe(rest: moved))?.contains("has \"a\" as 0") == true)
        let far = #","added_tokens":[{"id":2000000000,"content":"x"}]"#
        #expect(try refusal(bpe(rest: far))?.contains("2000000000") == true)
    }

    @Test func `Merges of tokens that do not exist`() throws {
        #expect(try refusal(bpe(merges: #"["a c"]"#))?.contains("names \"c\"") == true)
        #expect(try refusal(bpe(merges: #"["b a"]"#))?.contains("makes \"ba\"") == true)
        #expect(try refusal(bpe(merges: #"["a b c"]"#))?.contains("merges[0]") == true)
        #expect(try refusal(bpe(merges: #"[["a"]]"#))?.contains("merges[0]") == true)
        #expect(try refusal(bpe(merges: #"[3]"#))?.contains("merges[0]") == true)
    }

    @Test(arguments: [
        (#","pre_tokenizer":{"type":"Guess"}"#, "\"Guess\""),
        (#","normalizer":{"type":"Guess"}"#, "\"Guess\""),
        (#","decoder":{"type":"CTC"}"#, "\"CTC\""),
        (#","post_processor":{"type":"Guess"}"#, "\"Guess\""),
        (#","pre_tokenizer":{"type":"Digits","base":16}"#, "\"base\""),
        (
            #","pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"}"#,
            "compile"
        ),
        (#","pre_tokenizer":{"type":"Split","pattern":{"Regex":"a"},"behavior":"Odd"}"#, "\"Odd\""),
        (#","normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"}"#, "character map"),
        (
            #","post_processor":{"type":"BertProcessing","sep":["x",9],"cls":["y",9]}"#,
            "no token has"
        ),
    ])
    func `What is not known is refused by its name`(rest: String, part: String) throws {
        let message = try #require(try refusal(bpe(rest: rest)))
        #expect(message.contains(part), "\(message)")
    }

    @Test(arguments: [
        #"[a&&b]"#, #"[a[b]]"#, #"a{2,3}+"#, #"a{,3}"#, #"(?m:a)"#, #"\h[\S]"#, #"\Q"#, #"(?~a)"#,
        #"(*UCP)a"#, #"a\"#,
    ])
    func `Patterns that mean something else to PCRE2 are refused`(pattern: String) throws {
        let escaped = pattern.replacingOccurrences(of: "\\", with: "\\\\")
        let rest =
            #","normalizer":{"type":"Replace","content":"","pattern":{"Regex":"\#(escaped)"}}"#
        let message = try #require(try refusal(bpe(rest: rest)), "\(pattern)")
        #expect(message.contains("pattern with"), "\(message)")
    }

    @Test func `Random merges would give random ids`() throws {
        #expect(try refusal(bpe(model: #","dropout":0.1"#))?.contains("random") == true)
        #expect(try refusal(bpe(model: #","dropout":0.0"#)) == nil)
    }

    @Test func `Normalizers nested ten thousand deep`() throws {
        let open = String(repeating: #"{"type":"Sequence","normalizers":["#, count: 10_000)
        let close = String(repeating: "]}", count: 10_000)
        let message = try refusal(bpe(rest: #","normalizer":"# + open + close))
        #expect(message?.contains("nesting deeper") == true)
    }

    @Test func `A pattern that explodes leaves the text in one piece`() throws {
        let rest =
            #","pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"(a+)+$x"}}"#
        try withTemporaryFolder { folder in
            try Data(bpe(rest: rest).utf8).write(to: folder.appending(path: "tokenizer.json"))
            let tokenizer = try Tokenizer(folder: folder)
            var ids: [Int32] = []
            let text = String(repeating: "a", count: 5000) + "b"
            let duration = ContinuousClock().measure { ids = tokenizer.encode(text) }
            #expect(ids == Array(repeating: 0, count: 4999) + [2])
            #expect(duration < .seconds(5), "\(duration)")
        }
    }

    @Test func `A folder without a tokenizer names what could be there`() throws {
        try withTemporaryFolder { folder in
            do throws {
                _ = try Tokenizer(folder: folder)
                Issue.record("accepted")
            } catch {
                #expect("\(error)".contains("vocab.json and merges.txt"))
            }
        }
    }

    @Test func `A vocabulary keeps canonically equivalent tokens apart`() throws {
        let vocab = #"{"e":0,"\u0301":1,"\u00e9":2,"e\u0301":3}"#
        try withTemporaryFolder { folder in
            let json = bpe(vocab: vocab, merges: #"[["e","\u0301"]]"#)
            try Data(json.utf8).write(to: folder.appending(path: "tokenizer.json"))
            let tokenizer = try Tokenizer(folder: folder)
            #expect(tokenizer.encode("e\u{301}\u{E9}") == [3, 2])
            #expect(tokenizer.display(3).unicodeScalars.count == 2)
        }
    }

    @Test(arguments: ["unigram-bytes", "bert-uncased", "added", "roberta", "some-bytes"])
    func `Thousands of mutated files are read or refused`(name: String) throws {
        let url = Oracle.folder("trained/\(name)").appending(path: "tokenizer.json")
        let original = try Data(contentsOf: url)
        var random = SplitMix(state: 7)
        let snippets = [
            "null", "-1", "99999999999", "{}", "[]", "\"", "\\ud800", "true", "0.5", ",", "}",
        ]
        var refused = 0
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "tokenizer.json")
            for _ in 0..<600 {
                var data = original
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    // Half of the changes near the start, where the small parts are.
                    let end = Bool.random(using: &random) ? data.count : min(1500, data.count)
                    let place = Int.random(in: 0..<end, using: &random)
                    switch Int.random(in: 0..<5, using: &random) {
                    case 0: data[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: data[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    case 2: data = data.prefix(place)
                    case 3:
                        let end = min(data.count, place + Int.random(in: 1...40, using: &random))
                        data.removeSubrange(place..<end)
                    default:
                        let snippet = snippets[Int.random(in: 0..<snippets.count, using: &random)]
                        data.insert(contentsOf: snippet.utf8, at: place)
                    }
                    if data.isEmpty { break }
                    data = Data(data)
                }
                try data.write(to: file)
                do throws {
                    let tokenizer = try Tokenizer(folder: folder)
                    let ids = tokenizer.encodeWithSpecialTokens(
                        "It's a <x> caf\u{E9} \u{4F60}\u{1F600} 12.")
                    _ = tokenizer.encode("It's a caf\u{E9}", limit: 3)
                    _ = tokenizer.decode(ids)
                    for id in ids { _ = tokenizer.display(id) }
                } catch {
                    #expect("\(error)".hasSuffix("."))
                    refused += 1
                }
            }
        }
        #expect(refused > 200 && refused < 600, "\(refused)")
    }
}
