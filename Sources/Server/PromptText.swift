// SPDX-License-Identifier: Apache-2.0
// A text as a prompt: its tokens, and the id that the same text always has.

import Digests
import Stages

/// What the model is given for a text.
struct PromptText: Sendable {
    /// The same for the same text, model and way to begin a sequence.
    let id: String
    private let text: String
    private let model: ReadyModel
    private let beginsSequences: Bool

    init(_ text: String, _ model: ReadyModel, _ config: TreeConfig) throws(APIError) {
        guard !text.isEmpty else { throw .unprocessable("text is empty.") }
        let hash = SHA256()
        hash.update("\(model.sha256) \(config.beginsSequences) ")
        hash.update(text)
        id = "c" + hexadecimal(hash.finalize().prefix(6))
        (self.text, self.model, beginsSequences) = (text, model, config.beginsSequences)
    }

    /// The ids that the pipeline would have made of the text, had sequences been long enough.
    ///
    /// - Parameter most: the most tokens there may be, for a reason of the caller's.
    func tokens(atMost most: Int = .max) throws(APIError) -> SequenceTokens {
        let ends = model.loaded.sequenceEnds(bos: beginsSequences)
        let longest = min(model.longestSequence, most)
        let room = max(0, longest - ends.prefix.count - ends.suffix.count)
        let ids = model.loaded.tokenizer.encode(text, limit: room + 1)
        guard ids.count <= room else {
            throw .unprocessable(
                longest < model.longestSequence
                    ? "The text has more tokens than the \(room) there is room for with so many heads; shorten it."
                    : "The text has more tokens than the \(room) that \(model.loaded.name) can take; shorten it."
            )
        }
        guard !ids.isEmpty else { throw .unprocessable("The text has no tokens.") }
        let all = ends.prefix + ids + ends.suffix
        return SequenceTokens(ids: all, display: all.map(model.loaded.tokenizer.display))
    }
}
