// SPDX-License-Identifier: Apache-2.0
// Texts with the ids that Hugging Face's tokenizers gave them.

import Foundation
import TestSupport
import Tokenizers

/// One text of a tokenization.json or prompt.json.
struct OracleText: Decodable {
    let text: String
    let ids: [Int32]
    let tokens: [String]?
    let decoded: String?
}

enum Oracle {
    static func folder(_ name: String) -> URL { Fixtures.url("tokenizers/\(name)") }

    static func tokenizer(_ name: String) throws -> Tokenizer {
        try Tokenizer(folder: folder(name))
    }

    static func texts(_ name: String) throws -> [OracleText] {
        let data = try Data(contentsOf: folder(name).appending(path: "tokenization.json"))
        return try JSONDecoder().decode([OracleText].self, from: data)
    }

    static func prompt(_ name: String) throws -> OracleText {
        let data = try Data(contentsOf: folder(name).appending(path: "prompt.json"))
        return try JSONDecoder().decode(OracleText.self, from: data)
    }
}

extension String {
    /// A text with everything beyond ASCII escaped, for messages.
    var escaped: String {
        unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
    }
}
