// SPDX-License-Identifier: Apache-2.0
// Regular expressions on UTF-8 bytes: PCRE2, compiled to machine code where it can.

import CPCRE2
import UserErrors

/// A compiled pattern. It never changes after `init`, and PCRE2 allows any number of threads to
/// match with one compiled pattern; what a match writes lies in each thread's own `Matcher`.
final class Pattern: @unchecked Sendable {
    fileprivate let code: OpaquePointer
    /// Limits on backtracking, shared by all matches and never written after `init`.
    fileprivate let limits: OpaquePointer

    /// Backtracking steps allowed per match. The patterns of real tokenizers need a few per
    /// character of one word; a pattern that blows up stops after some hundredths of a second.
    private static let matchLimit: UInt32 = 10_000_000
    /// Kibibytes of memory allowed per match.
    private static let heapLimit: UInt32 = 64 * 1024

    /// Compiles `pattern`, written for Oniguruma; `name` is what messages call its place.
    init(_ pattern: String, name: String) throws {
        let translated = try PatternDialect.pcre(pattern, name: name)
        guard let context = pcre2_compile_context_create_8(nil) else {
            throw UserError("\(name) cannot be compiled: there is not enough memory.")
        }
        defer { pcre2_compile_context_free_8(context) }
        pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
        pcre2_set_parens_nest_limit_8(context, 100)

        var problem: Int32 = 0
        var offset = 0
        let options = UInt32(PCRE2_UTF) | UInt32(PCRE2_UCP) | UInt32(PCRE2_MULTILINE)
        var utf8 = translated
        let code = utf8.withUTF8 {
            pcre2_compile_8($0.baseAddress, $0.count, options, &problem, &offset, context)
        }
        guard let code else {
            throw UserError(
                "\(name) has a pattern that does not compile: \(Pattern.message(problem)).")
        }
        guard let limits = pcre2_match_context_create_8(nil) else {
            pcre2_code_free_8(code)
            throw UserError("\(name) cannot be compiled: there is not enough memory.")
        }
        pcre2_set_match_limit_8(limits, Pattern.matchLimit)
        pcre2_set_heap_limit_8(limits, Pattern.heapLimit)
        // Where the processor has no just-in-time compiler, the interpreter gives the same matches.
        _ = pcre2_jit_compile_8(
            code, UInt32(PCRE2_JIT_COMPLETE) | UInt32(PCRE2_JIT_PARTIAL_HARD))
        self.code = code
        self.limits = limits
    }

    deinit {
        pcre2_code_free_8(code)
        pcre2_match_context_free_8(limits)
    }

    private static func message(_ code: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = pcre2_get_error_message_8(code, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, Int(count))), as: UTF8.self)
    }
}

/// What one thread needs to match with a pattern.
struct Matcher: ~Copyable {
    /// What a search found.
    enum Outcome {
        case match(Range<Int>)
        /// There is no (further) match.
        case none
        /// In a subject that is still open: whether there is a match depends on what follows.
        case undecided
        /// A limit on backtracking or memory was reached.
        case exhausted
    }

    private let pattern: Pattern
    private let data: OpaquePointer

    init?(_ pattern: Pattern) {
        guard let data = pcre2_match_data_create_8(1, nil) else { return nil }
        self.pattern = pattern
        self.data = data
    }

    deinit { pcre2_match_data_free_8(data) }

    /// The first match at or after `start`. `subject` must be UTF-8; if it is `open`, text follows
    /// it, and a match that looks beyond its end is `undecided`.
    @inline(__always)
    func next(in subject: UnsafeBufferPointer<UInt8>, from start: Int, open: Bool) -> Outcome {
        let options = UInt32(PCRE2_NO_UTF_CHECK) | (open ? UInt32(PCRE2_PARTIAL_HARD) : 0)
        let result = pcre2_match_8(
            pattern.code, subject.baseAddress, subject.count, start, options, data, pattern.limits)
        if result >= 0, let bounds = pcre2_get_ovector_pointer_8(data) {
            // \K within a lookaround can put the start behind the end.
            guard bounds[0] <= bounds[1], bounds[0] >= start else { return .exhausted }
            return .match(bounds[0]..<bounds[1])
        }
        switch result {
        case PCRE2_ERROR_NOMATCH: return .none
        case PCRE2_ERROR_PARTIAL: return .undecided
        default: return .exhausted
        }
    }
}
