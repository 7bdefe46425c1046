// SPDX-License-Identifier: Apache-2.0
// The model, opened in the background while the server already answers.

import Digests
import Foundation
import Stages
import Synchronization
import Transformer

/// A model that is ready to run.
struct ReadyModel: Sendable {
    let loaded: LoadedModel
    /// The hash of its files, as the pipeline has it.
    let sha256: String

    /// The most tokens a sequence can have: what the model was made for, what the attention of one
    /// head has room for, and what a pair of positions can say.
    var longestSequence: Int {
        min(loaded.model.description.nCtx, Self.roomiest, Int(UInt16.max))
    }
    /// One head's attention on so many tokens takes 1 GiB.
    private static let roomiest = 16_384
}

/// Opens the model once and tells how far that has come.
final class ModelHost: Sendable {
    /// How far the model is.
    enum State: Sendable {
        /// There is none; the sentence says how to get one.
        case none(String)
        case loading
        case ready(ReadyModel)
        /// It cannot be opened; the sentence says why.
        case failed(String)
    }

    private let path: String?
    private let held: Mutex<State>

    /// A host that will open the model at `path`; nil for none at all.
    init(path: String?) {
        if let path, !FileManager.default.fileExists(atPath: path) {
            self.path = nil
            held = Mutex(
                .none("There is no model at \(path); start serve with --model FOLDER_OR_GGUF."))
        } else {
            self.path = path
            held = Mutex(
                path == nil
                    ? .none("serve runs without a model; start it with --model FOLDER_OR_GGUF.")
                    : .loading)
        }
    }

    /// How far the model is.
    var state: State { held.withLock { $0 } }

    /// Opens the model on a thread of its own and calls `report` with what there is to say.
    func start(report: @escaping @Sendable (String) -> Void) {
        guard let path else {
            if case .none(let sentence) = state { report(sentence) }
            return
        }
        Thread.detachNewThread { [self] in
            do {
                let loaded = try LoadedModel(opening: path)
                let hash = try sha256(of: loaded.model.checkpoint.files)
                held.withLock { $0 = .ready(ReadyModel(loaded: loaded, sha256: hash)) }
                report("model \(loaded.name) is ready")
            } catch {
                held.withLock { $0 = .failed("\(error)") }
                report("\(error)")
            }
        }
    }

    /// The model, if it is the one that the tree's numbers come from.
    func ready(for config: TreeConfig) throws(APIError) -> ReadyModel {
        switch state {
        case .none(let sentence), .failed(let sentence): throw .notImplemented(sentence)
        case .loading: throw .busy("The model is being loaded; try again soon.", retryAfter: 2)
        case .ready(let model):
            guard config.modelHash == nil || config.modelHash == model.sha256 else {
                throw .notImplemented(
                    "The tree's numbers come from another model than \(model.loaded.name); start serve with the --model of the scan."
                )
            }
            return model
        }
    }
}
