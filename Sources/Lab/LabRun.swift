// SPDX-License-Identifier: Apache-2.0
// Questions that are answered together: prompts of several of them share the batches of the forward pass.

import Attribution
import Transformer
import UserErrors

/// Answers some questions, batch by batch. A sequence's numbers do not depend on what else is in its batch, so each
/// answer is, to the byte, what the question gets by itself.
public final class LabRun {
    /// A question that is done.
    public struct Outcome: Sendable {
        /// Its place among the questions.
        public let question: Int
        /// The answer as JSON, or why there is none.
        public let answer: Result<[UInt8], any Error>
    }

    /// Prompts of all questions, those that are done, and those of these that a progress file knew.
    public private(set) var prompts = 0
    public private(set) var done = 0
    public private(set) var kept = 0

    private struct Pending {
        var findings: [Finding?]
        var missing: Int
        let answer: ([Finding]) throws -> [UInt8]
    }

    /// A look that has not run yet.
    private struct Place {
        let question: Int
        /// Its place among the looks of the question.
        let index: Int
        let look: Look
        let selection: HeadSelection
        /// How far the pass must run: the last layer, or one more for the end of the last block.
        let depth: Int
        let tokens: Int
        /// Floats that hold what is seen.
        let size: Int
    }

    private let lab: Laboratory
    private let progress: ProgressFile?
    private var pending: [Int: Pending] = [:]
    /// The shallowest first, then as they were asked.
    private var places: [Place] = []
    private var outcomes: [Outcome] = []

    /// Sequences that run together, and the most tokens of them.
    private static let batchSequences = 256
    private static let batchTokens = 16_384
    /// A batch of so many tokens gains little from sequences that need more layers than it does.
    private static let fairTokens = 1024
    /// What may be seen of a batch takes at most 256 MiB, or is of one sequence.
    private static let batchFloats = 1 << 26

    /// Reads the questions' prompts.
    ///
    /// - Parameter progress: knows what an earlier run has found, and is told what this one finds of questions that
    ///   take more than one batch.
    public init(_ questions: [Question], in lab: Laboratory, progress: ProgressFile? = nil) {
        self.lab = lab
        self.progress = progress
        for (i, question) in questions.enumerated() {
            do { try add(question, i) } catch { end(i, .failure(error)) }
        }
        places = places.enumerated().sorted {
            ($0.element.depth, $0.offset) < ($1.element.depth, $1.offset)
        }.map(\.element)
    }

    /// Runs the next batch.
    ///
    /// - Returns: the questions that are done since the last call; nil when there is nothing more to come.
    /// - Throws: when the progress file cannot be written.
    public func next() throws -> [Outcome]? {
        if outcomes.isEmpty {
            guard !places.isEmpty else { return nil }
            let batch = takeBatch()
            let found = findings(of: batch)
            try note(batch, found)
            for (place, finding) in zip(batch, found) { take(finding, place) }
        }
        defer { outcomes = [] }
        return outcomes
    }

    private func add(_ question: Question, _ i: Int) throws {
        let (looks, answer) = try question.prepared(in: lab)
        var new: [Place] = []
        var findings = [Finding?](repeating: nil, count: looks.count)
        for (index, look) in looks.enumerated() {
            if let progress, let known = look.key.flatMap(progress.finding) {
                findings[index] = .numbers(known)
                continue
            }
            let selection = look.request.selection(of: lab.model)
            new.append(
                Place(
                    question: i, index: index, look: look, selection: selection,
                    depth: look.runsToEnd ? lab.description.nLayers : selection.lastLayer,
                    tokens: look.request.tokens.count, size: look.request.size(in: lab.description))
            )
        }
        prompts += looks.count
        done += looks.count - new.count
        kept += looks.count - new.count
        pending[i] = Pending(findings: findings, missing: new.count, answer: answer)
        places += new
        if new.isEmpty { finish(i) }
    }

    private func takeBatch() -> [Place] {
        var (end, tokens, floats) = (0, 0, 0)
        while end < places.count, end < Self.batchSequences {
            let place = places[end]
            if end > 0 {
                guard tokens + place.tokens <= Self.batchTokens,
                    floats + place.size <= Self.batchFloats,
                    place.depth == places[end - 1].depth || tokens < Self.fairTokens
                else { break }
            }
            tokens += place.tokens
            floats += place.size
            end += 1
        }
        defer { places.removeFirst(end) }
        return Array(places[..<end])
    }

    /// What was found of a batch. Where it fails as a whole, each question's part runs by itself.
    private func findings(of batch: [Place]) -> [Result<Finding, any Error>] {
        do { return try run(batch).map { .success($0) } } catch {
            guard batch.contains(where: { $0.question != batch[0].question }) else {
                return batch.map { _ in .failure(error) }
            }
            var found: [Result<Finding, any Error>] = []
            while found.count < batch.count {
                let rest = batch[found.count...]
                found += findings(of: Array(rest.prefix { $0.question == rest.first?.question }))
            }
            return found
        }
    }

    private func run(_ batch: [Place]) throws -> [Finding] {
        let pass = try lab.pass(
            union(of: batch), length: batch.map(\.tokens).max() ?? 1,
            toEnd: batch.contains { $0.look.runsToEnd })
        return zip(batch, try pass.observe(batch.map(\.look.request))).map { place, seen in
            switch place.look.kept {
            case .all: .seen(seen)
            case .numbers(_, let numbers): .numbers(numbers(seen))
            }
        }
    }

    private func union(of batch: [Place]) -> HeadSelection {
        let first = batch[0].selection
        guard batch.contains(where: { $0.selection != first }) else { return first }
        return HeadSelection(Set(batch.flatMap(\.selection.heads)))
    }

    /// Writes down what was found of questions that need more than this batch.
    private func note(_ batch: [Place], _ found: [Result<Finding, any Error>]) throws {
        guard let progress else { return }
        let inBatch = Dictionary(grouping: batch, by: \.question).mapValues(\.count)
        var new: [(ProgressFile.Key, [Float])] = []
        for case (let place, .success(.numbers(let numbers))) in zip(batch, found) {
            guard let question = pending[place.question],
                question.missing > inBatch[place.question] ?? 0,
                let key = place.look.key
            else { continue }
            new.append((key, numbers))
        }
        try progress.note(findings: new)
    }

    private func take(_ found: Result<Finding, any Error>, _ place: Place) {
        done += 1
        guard pending[place.question] != nil else { return }
        switch found {
        case .failure(let error):
            places.removeAll { $0.question == place.question }
            end(place.question, .failure(error))
        case .success(let finding):
            pending[place.question]?.findings[place.index] = finding
            pending[place.question]?.missing -= 1
            if pending[place.question]?.missing == 0 { finish(place.question) }
        }
    }

    private func finish(_ question: Int) {
        guard let known = pending[question] else { return }
        end(question, Result { try known.answer(known.findings.compactMap { $0 }) })
    }

    private func end(_ question: Int, _ answer: Result<[UInt8], any Error>) {
        pending[question] = nil
        outcomes.append(Outcome(question: question, answer: answer))
    }
}

extension Look {
    /// Whether the pass must go on to the output of the last block.
    fileprivate var runsToEnd: Bool { !request.followed.isEmpty && request.through == nil }

    /// What stands for it in a progress file; nil if all that is seen is kept.
    fileprivate var key: ProgressFile.Key? {
        guard case .numbers(let name, _) = kept else { return nil }
        return ProgressFile.Key(name, request)
    }
}
