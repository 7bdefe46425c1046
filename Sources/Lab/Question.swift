// SPDX-License-Identifier: Apache-2.0
// What can be asked. To add a question, write a type of its own and name it in `Question.kinds`.

import Foundation
import JSON
import Transformer
import UserErrors

/// A question with the answer it gets.
public protocol LabQuestion: Codable, Sendable {
    associatedtype Answer: Codable & Sendable

    /// Its name in JSON.
    static var kind: String { get }
    /// The head it is about; nil for one about all heads.
    var address: (layer: Int, head: Int)? { get }
    /// The sequences of the corpus that it names.
    var sources: [PromptSource] { get }
    /// The layer whose dictionary it needs; nil if none.
    var dictionaryLayer: Int? { get }
    /// How many prompts it runs.
    var promptCount: Int { get }
    /// What a list says of it: its first prompt.
    var about: String { get }
    /// Reads its prompts.
    func inquiry(in lab: Laboratory) throws -> Inquiry<Answer>
}

extension LabQuestion {
    public var sources: [PromptSource] { [] }
    public var dictionaryLayer: Int? { nil }
    public var promptCount: Int { 1 }
    public var about: String {
        switch sources.first {
        case .text(let text): text
        case .sequence(let id): "sequence \(id)"
        case nil: ""
        }
    }
}

/// A question of any kind: {"question": "sweep", "layer": 17, ...}.
public struct Question: Codable, Sendable {
    public let asked: any LabQuestion

    /// All kinds, in display order.
    public static let kinds = [
        Kind(SourcesQuestion.self), Kind(RankQuestion.self), Kind(WritesQuestion.self),
        Kind(SweepQuestion.self), Kind(SwapQuestion.self), Kind(TestQuestion.self),
        Kind(GeometryQuestion.self), Kind(VirtualQuestion.self),
    ]

    /// A kind of question: its name in JSON, and how it is read.
    public struct Kind: Sendable {
        public let name: String
        fileprivate let read: @Sendable (any Decoder) throws -> any LabQuestion

        fileprivate init<Asked: LabQuestion>(_ type: Asked.Type) {
            name = Asked.kind
            read = { try Asked(from: $0) }
        }
    }

    public init(_ asked: any LabQuestion) { self.asked = asked }

    /// Reads one question of a file or a request.
    ///
    /// - Throws: `UserError` that names what is missing or wrong.
    public init(json: [UInt8]) throws {
        do { self = try Self.decoder.decode(Question.self, checking: json) } catch let error
            as DecodingError
        {
            throw UserError(error.sentence)
        } catch let error as JSONError {
            throw UserError("a question is not JSON (\(error)).")
        }
    }

    private enum CodingKeys: String, CodingKey { case question }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .question)
        guard let kind = Self.kinds.first(where: { $0.name == name }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .question, in: container,
                debugDescription:
                    "must be one of \(Self.kinds.map(\.name).joined(separator: ", "))")
        }
        asked = try kind.read(decoder)
    }

    private static func write<Asked: LabQuestion>(
        _ asked: Asked, to encoder: any Encoder
    ) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Asked.kind, forKey: .question)
        try asked.encode(to: encoder)
    }

    public func encode(to encoder: any Encoder) throws { try Self.write(asked, to: encoder) }

    /// The name of its kind.
    public var kind: String { Self.kind(of: asked) }

    private static func kind<Asked: LabQuestion>(of asked: Asked) -> String { Asked.kind }

    /// The same bytes for the same question.
    public func json() throws -> [UInt8] { [UInt8](try Self.encoder.encode(self)) }

    /// The answer as JSON, by itself.
    public func answer(in lab: Laboratory) throws -> [UInt8] {
        let run = LabRun([self], in: lab)
        while let outcomes = try run.next() {
            if let outcome = outcomes.first { return try outcome.answer.get() }
        }
        preconditionFailure("a question ends with an outcome")
    }

    /// Its prompts, and what makes the answer of what they give.
    func prepared(
        in lab: Laboratory
    ) throws -> (looks: [Look], answer: ([Finding]) throws -> [UInt8]) {
        try Self.prepare(asked, in: lab)
    }

    private static func prepare<Asked: LabQuestion>(
        _ asked: Asked, in lab: Laboratory
    ) throws -> (looks: [Look], answer: ([Finding]) throws -> [UInt8]) {
        let inquiry = try asked.inquiry(in: lab)
        return (inquiry.looks, { [UInt8](try encoder.encode(inquiry.answer($0))) })
    }

    /// Questions in groups that are answered together, in their order: each takes at most `prompts` prompts, or is one question.
    public static func groups(_ questions: [Question], prompts limit: Int = 512) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        var (start, prompts) = (0, 0)
        for (i, question) in questions.enumerated() {
            // One without prompts takes some time too.
            let count = max(1, question.asked.promptCount)
            if i > start, prompts + count > limit {
                groups.append(start..<i)
                (start, prompts) = (i, 0)
            }
            prompts += count
        }
        return start < questions.count ? groups + [start..<questions.count] : groups
    }

    /// Names in JSON are those of the properties, in snake_case.
    static let decoder = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }()
    static let encoder = {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()
}

extension DecodingError {
    /// What is wrong, and where.
    var sentence: String {
        func place(_ context: Context) -> String {
            let path = context.codingPath.reduce("") { path, key in
                if let index = key.intValue { return "\(path)[\(index)]" }
                return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
            }
            return path.isEmpty ? "the question" : path
        }
        switch self {
        case .keyNotFound(let key, _): return "the question lacks \"\(key.stringValue)\"."
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            let wanted =
                switch type {
                case is Int.Type: "a whole number"
                case is String.Type: "a text"
                case is [Any].Type: "a list"
                default: "an object"
                }
            return "\(place(context)) must be \(wanted)."
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty
                ? "the question is not JSON." : "\(place(context)) \(context.debugDescription)."
        @unknown default: return "the question is not as expected."
        }
    }
}

/// One token of a prompt, for people.
public struct MarkedToken: Codable, Sendable, Equatable {
    public var position: Int
    public var text: String

    init(_ position: Int, of prompt: Prompt) {
        self.position = position
        text = prompt.tokens[position]
    }
}
