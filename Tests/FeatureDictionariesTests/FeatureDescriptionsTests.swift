// SPDX-License-Identifier: Apache-2.0
// Reading descriptions.jsonl.

import FeatureDictionaries
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct FeatureDescriptionsTests {
    private func read(_ text: String, count: Int = 40) throws -> FeatureDescriptions {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "descriptions.jsonl")
            try Data(text.utf8).write(to: file)
            return try FeatureDescriptions(contentsOf: [file], count: count)
        }
    }

    @Test func `lines of several tools are read`() throws {
        let descriptions = try read(
            """
            {"index": 3, "description": "names of \\u00e9t\\u00e9"}

            {"modelId": "gpt2-small", "layer": "5-res-jb", "index": "7", "description": "days"}\r
            {"index": 3, "description": "a second one"}
            {"index": 8, "description": null}
            {"index": 9, "description": ""}
              \t
            {"index": 39, "description": "the last"}
            """)
        #expect(descriptions.count == 3)
        #expect(descriptions[3] == "names of été")
        #expect(descriptions[7] == "days")
        #expect(descriptions[8] == nil && descriptions[9] == nil && descriptions[0] == nil)
        #expect(descriptions[39] == "the last")
        #expect(try read("").count == 0)
    }

    @Test(arguments: [
        "{", "[]", "5", "{\"index\": 1}", "{\"description\": \"x\"}",
        "{\"index\": \"one\", \"description\": \"x\"}", "{\"index\": 1.5, \"description\": \"x\"}",
        "{\"index\": 1, \"description\": 2}", "{\"index\": -1, \"description\": \"x\"}",
        "{\"index\": 40, \"description\": \"x\"}",
    ])
    func `a malformed line is refused with its number`(line: String) {
        let error = #expect(throws: UserError.self) {
            _ = try read("{\"index\": 0, \"description\": \"fine\"}\n\n\(line)\n")
        }
        #expect(error?.description.contains("line 3 ") == true)
    }

    @Test func `long descriptions are cut between characters, long lines refused`() throws {
        let long = String(repeating: "é", count: 2000)
        let cut = try #require(try read("{\"index\": 0, \"description\": \"\(long)\"}")[0])
        #expect(cut == String(repeating: "é", count: FeatureDescriptions.longest / 2))
        let endless = String(repeating: "x", count: 3 << 20)
        let error = #expect(throws: UserError.self) { _ = try read("\n" + endless) }
        #expect(error?.description.contains("line 2 ") == true)
    }

    @Test func `more text than is read at a time keeps its lines`() throws {
        let padding = String(repeating: "p", count: 900)
        let lines = (0..<5000).map {
            "{\"index\": \($0), \"description\": \"feature \($0)\", \"x\": \"\(padding)\"}"
        }
        let descriptions = try read(lines.joined(separator: "\n"), count: 5000)
        #expect(descriptions.count == 5000)
        #expect((0..<5000).allSatisfy { descriptions[$0] == "feature \($0)" })
    }
}
