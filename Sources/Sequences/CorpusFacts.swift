// SPDX-License-Identifier: Apache-2.0
// What a run on a corpus says about its inputs, and what a model must have for it.

import Digests
import Foundation
import Stages
import UserErrors
import WorkFiles

extension TokenizedCorpus {
    /// The tokens of the longest sequence.
    public var longest: Int { zip(starts, starts.dropFirst()).map { $1 - $0 }.max() ?? 1 }

    /// Refuses sequences that are longer than the model's context.
    public func requireContext(of loaded: LoadedModel) throws {
        let context = loaded.model.description.nCtx
        guard longest <= context else {
            throw UserError(
                "\(loaded.name): has a context of \(context) tokens, and sequences have up to \(longest); lower SEQ_LEN."
            )
        }
    }
}

extension Provenance {
    /// Model and corpus with their hashes, and how the corpus became sequences.
    public init(_ loaded: LoadedModel, _ corpus: TokenizedCorpus, maxLength: Int) throws {
        self.init()
        self["tool_version"] = .text(toolVersion)
        self["model"] = .text(loaded.name)
        self["model_family"] = .text(loaded.model.description.family)
        self["model_sha256"] = .text(try sha256(of: loaded.model.checkpoint.files))
        self["dataset"] = .text(
            corpus.files.map { URL(filePath: $0).lastPathComponent }.prefix(20)
                .joined(separator: ", "))
        self["dataset_sha256"] = .text(corpus.textSHA256)
        self["n_sequences"] = .int(corpus.count)
        self["n_tokens"] = .int(corpus.tokens.count)
        self["seq_len"] = .int(maxLength)
        self["bos_token_id"] = .int(corpus.beginning.map(Int.init) ?? -1)
    }
}
