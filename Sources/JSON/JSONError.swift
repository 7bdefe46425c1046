// SPDX-License-Identifier: Apache-2.0
// Why a text is not JSON.

/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where, in bytes from the start of the text.
    public let offset: Int
    /// What.
    public let problem: Problem

    /// What can be wrong with a JSON text.
    public enum Problem: String, Sendable {
        case endsEarly = "an end too early"
        case textAfterEnd = "text after its end"
        case tooDeep = "nesting deeper than 512 levels"
        case noValue = "no value"
        case noObject = "no object"
        case noArray = "no array"
        case noString = "no string"
        case noName = "no name of a member"
        case noColon = "no colon"
        case noComma = "no comma and no closing bracket"
        case badNumber = "a number that is not written as JSON has it"
        case noNatural = "no whole number from 0 up"
        case tooLarge = "a number too large"
        case controlCharacter = "a control character in a string"
        case unknownEscape = "an unknown escape in a string"
        case halfSurrogate = "half a surrogate pair"
        case notUTF8 = "a string that is not UTF-8"
    }

    /// Such as "no colon at byte 12".
    public var description: String { "\(problem.rawValue) at byte \(offset)" }
}
