// SPDX-License-Identifier: Apache-2.0
// From Oniguruma's pattern language, in which tokenizers are written, to PCRE2's.

import UserErrors

/// The two languages agree on alternation, groups, lookaround, quantifiers, classes and `\p{..}`.
/// Where they differ, and what is done about it:
///
/// | pattern | Oniguruma (Ruby syntax) | PCRE2 | here |
/// |---|---|---|---|
/// | `\s` | White_Space | also U+180E | written out |
/// | `\w`, `\b` | Alphabetic, M, Nd, Pc, ¹ ² ³ ¼ ½ ¾ | L, N and `_` | written out |
/// | `\h` | hexadecimal digit | horizontal space | written out |
/// | `\v` | U+000B | vertical space | written out |
/// | `\uHHHH` | a character | an error | `\x{HHHH}` |
/// | `^`, `$` | at every line | at the ends | PCRE2's multi-line mode |
/// | `(?m)` | `.` matches newlines | `^`, `$` at lines | refused |
/// | `{n,m}+` | repeats the repetition | possessive | refused |
/// | `{,n}` | `{0,n}` | literal | refused |
/// | `[a[b]]`, `&&` | nested class, intersection | literal | refused |
///
/// PCRE2 10.42 has the characters of Unicode 14, Oniguruma in `tokenizers` 0.23 those of Unicode 16;
/// on all others `\s \w \d \p{L} \p{N} \p{P} \p{S} \p{M}` were found to be equal.
///
/// Escapes that are not listed here are refused too, so that nothing runs with another meaning.
/// Both compare letters without case by Unicode's simple folding; Oniguruma also by the full one
/// ("ss" and "ß"), which the contractions that tokenizers write as `(?i:..)` do not meet.
enum PatternDialect {
    private static let space = #"\t-\r\x{85}\p{Z}"#
    private static let word = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\xB2\xB3\xB9\xBC-\xBE"#

    /// `pattern` in PCRE2's language.
    static func pcre(_ pattern: String, name: String) throws -> String {
        var translator = Translator(Array(pattern.unicodeScalars), name: name)
        return try translator.run()
    }

    private struct Translator {
        private let pattern: [Unicode.Scalar]
        private let name: String
        private var position = 0
        private var output = ""
        private var isInClass = false

        init(_ pattern: [Unicode.Scalar], name: String) {
            self.pattern = pattern
            self.name = name
        }

        private func refusal(_ what: String) -> UserError {
            UserError("\(name) has a pattern with \(what), which is not supported.")
        }

        private func scalar(at offset: Int) -> Unicode.Scalar? {
            position + offset < pattern.count ? pattern[position + offset] : nil
        }

        mutating func run() throws -> String {
            while let scalar = scalar(at: 0) {
                switch scalar {
                case "\\":
                    position += 1
                    try escape()
                    continue
                case "[":
                    if isInClass { throw refusal("a class inside a class") }
                    isInClass = true
                    output.unicodeScalars.append(scalar)
                    // A bracket that opens the class's contents is a literal.
                    if self.scalar(at: 1) == "^" { copy() }
                    if self.scalar(at: 1) == "]" { throw refusal("an empty class") }
                    position += 1
                    continue
                case "]": isInClass = false
                case "&" where isInClass && self.scalar(at: 1) == "&":
                    throw refusal("an intersection of classes")
                case "(" where !isInClass && self.scalar(at: 1) == "?": try group()
                case "(" where !isInClass && self.scalar(at: 1) == "*": throw refusal("(*..)")
                case "{" where !isInClass: try repetition()
                default: break
                }
                output.unicodeScalars.append(pattern[position])
                position += 1
            }
            return output
        }

        /// Copies the next character to the output, after the current one was copied.
        private mutating func copy() {
            position += 1
            output.unicodeScalars.append(pattern[position])
        }

        /// Groups that begin with `(?`: only those that mean the same in both languages.
        private func group() throws {
            var kind = ""
            var offset = 2
            while let scalar = scalar(at: offset), kind.unicodeScalars.count < 4 {
                kind.unicodeScalars.append(scalar)
                offset += 1
            }
            let known = [":", "=", "!", ">", "<=", "<!", "i:", "i)", "-i:", "-i)", "#"]
            let isName = kind.hasPrefix("<") && !kind.hasPrefix("<=") && !kind.hasPrefix("<!")
            guard isName || known.contains(where: kind.hasPrefix) else {
                throw refusal("the group (?\(kind)")
            }
        }

        /// `{n}`, `{n,}` and `{n,m}`, not followed by `+`.
        private func repetition() throws {
            var offset = 1
            var body = ""
            while let scalar = scalar(at: offset), scalar != "}" {
                body.unicodeScalars.append(scalar)
                offset += 1
            }
            let isNumeric = body.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ",") }
            guard scalar(at: offset) == "}", isNumeric, !body.isEmpty else { return }
            if body.hasPrefix(",") { throw refusal("the repetition {\(body)}") }
            if scalar(at: offset + 1) == "+" { throw refusal("the repetition {\(body)}+") }
        }

        /// What follows a backslash.
        private mutating func escape() throws {
            guard let scalar = scalar(at: 0) else { throw refusal("a backslash at its end") }
            position += 1
            switch scalar {
            case "s": output += isInClass ? space : "[\(space)]"
            case "w": output += isInClass ? word : "[\(word)]"
            case "h": output += isInClass ? "0-9a-fA-F" : "[0-9a-fA-F]"
            case "S", "W", "H":
                if isInClass { throw refusal("\\\(scalar) in a class") }
                let set = scalar == "S" ? space : scalar == "W" ? word : "0-9a-fA-F"
                output += "[^\(set)]"
            case "b" where !isInClass:
                output += "(?:(?<=[\(word)])(?![\(word)])|(?<![\(word)])(?=[\(word)]))"
            case "B" where !isInClass:
                output += "(?:(?<=[\(word)])(?=[\(word)])|(?<![\(word)])(?![\(word)]))"
            case "v": output += #"\x0B"#
            case "u": try codePoint()
            case "p", "P", "x", "d", "D", "r", "n", "t", "f", "e", "a", "A", "z", "Z", "1"..."9":
                output += "\\\(scalar)"
            case "0"..."9", "A"..."Z", "a"..."z": throw refusal("\\\(scalar)")
            default: output += scalar.isASCII ? "\\\(scalar)" : "\(scalar)"
            }
        }

        private mutating func codePoint() throws {
            var digits = ""
            while digits.count < 4, let scalar = scalar(at: 0), scalar.hexDigitValue != nil {
                digits.unicodeScalars.append(scalar)
                position += 1
            }
            guard digits.count == 4 else { throw refusal("a broken \\u") }
            output += "\\x{\(digits)}"
        }
    }
}
