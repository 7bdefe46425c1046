// SPDX-License-Identifier: Apache-2.0
// Does it hold? Labelled prompts, in each of which a query should attend to one key more than to another.

import Transformer
import UserErrors

/// In how many prompts A is attended more than B, and by how much, with what chance would give.
public struct TestQuestion: LabQuestion, Equatable {
    public static let kind = "test"

    public var layer: Int
    public var head: Int
    /// As they are, or templates for `lists`.
    public var prompts: [LabelledPrompt]
    /// By name: {name} in a template stands for each of these.
    public var lists: [String: [String]]?
    public var seed: UInt64?
    /// Draws of the bootstrap and of the permutation test.
    public var resamples: Int?

    public var address: (layer: Int, head: Int)? { (layer, head) }
    public var promptCount: Int {
        let templates = Templates(prompts: prompts, lists: lists ?? [:])
        return (try? templates.expanded(limit: Self.mostPrompts).count) ?? Self.mostPrompts
    }
    public var about: String { prompts.first?.text ?? "" }

    public struct Answer: Codable, Sendable, Equatable {
        /// Of A[q,a] - A[q,b].
        public var attention: PairedStatistics
        /// Of the scores' difference; nil if a query does not see one of its keys.
        public var score: PairedStatistics?
        /// By label, in the order of their first prompts; none with fewer than two.
        public var labels: [Label]
        /// The prompt that speaks most against the hypothesis first.
        public var rows: [Row]
    }

    public struct Label: Codable, Sendable, Equatable {
        public var label: String
        public var attention: PairedStatistics
    }

    public struct Row: Codable, Sendable, Equatable {
        public var text: String
        public var label: String?
        public var query: MarkedToken
        public var a: Key
        public var b: Key
    }

    public struct Key: Codable, Sendable, Equatable {
        public var token: MarkedToken
        public var score: Float?
        public var attention: Float
    }

    /// The most prompts of a question.
    public static let mostPrompts = 20_000

    public func inquiry(in lab: Laboratory) throws -> Inquiry<Answer> {
        let address = try lab.head(layer: layer, head: head)
        let resamples = resamples ?? 10_000
        guard (100...100_000).contains(resamples) else {
            throw UserError("resamples must be from 100 to 100000.")
        }
        let labelled = try Templates(prompts: prompts, lists: lists ?? [:])
            .expanded(limit: Self.mostPrompts)
        guard !labelled.isEmpty else { throw UserError("a test needs at least one prompt.") }
        var asked: [(ids: [Int32], query: MarkedToken, a: MarkedToken, b: MarkedToken)] = []
        asked.reserveCapacity(labelled.count)
        for (i, item) in labelled.enumerated() {
            do {
                let prompt = try lab.prompt(.text(item.text))
                func token(_ mark: Mark) throws -> MarkedToken {
                    MarkedToken(try mark.position(in: prompt), of: prompt)
                }
                asked.append(
                    (prompt.ids, try token(item.query), try token(item.a), try token(item.b)))
            } catch let error as UserError {
                throw UserError("prompt \(i + 1) (\(item.text.prefix(60))): \(error)")
            }
        }
        let looks = asked.map { item in
            Look.attention(
                of: address, item.ids,
                [item.a, item.b].map { (item.query.position, $0.position) })
        }
        let items = asked.map { (query: $0.query, a: $0.a, b: $0.b) }
        return Inquiry(looks: looks) { found in
            func key(_ token: MarkedToken, _ seen: (attention: Float, score: Float?)) -> Key {
                Key(token: token, score: seen.score, attention: seen.attention)
            }
            return answer(
                found.enumerated().map { i, found in
                    Row(
                        text: labelled[i].text, label: labelled[i].label, query: items[i].query,
                        a: key(items[i].a, found.attention(0)),
                        b: key(items[i].b, found.attention(1)))
                }, resamples: resamples)
        }
    }

    /// What the rows, in the order of the prompts, say together.
    private func answer(_ asked: [Row], resamples: Int) -> Answer {
        var rows = asked
        func statistics(_ differences: [Double]) -> PairedStatistics {
            PairedStatistics(differences, resamples: resamples, seed: seed ?? 0)
        }
        let scores = rows.compactMap(\.scoreDifference)
        var names: [String] = []
        for case let name? in rows.map(\.label) where !names.contains(name) { names.append(name) }
        let labels = names.map { name in
            Label(
                label: name,
                attention: statistics(
                    rows.filter { $0.label == name }.map(\.attentionDifference)))
        }
        let attention = statistics(rows.map(\.attentionDifference))
        rows = rows.enumerated().sorted {
            ($0.element.attentionDifference, $0.offset)
                < ($1.element.attentionDifference, $1.offset)
        }.map(\.element)
        return Answer(
            attention: attention,
            score: scores.count == rows.count ? statistics(scores) : nil,
            labels: labels.count > 1 ? labels : [], rows: rows)
    }
}

extension TestQuestion.Row {
    fileprivate var attentionDifference: Double { Double(a.attention) - Double(b.attention) }

    fileprivate var scoreDifference: Double? {
        guard let a = a.score, let b = b.score else { return nil }
        return Double(a) - Double(b)
    }
}
