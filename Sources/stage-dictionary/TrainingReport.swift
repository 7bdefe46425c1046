// SPDX-License-Identifier: Apache-2.0
// training.json: what a dictionary was trained on and how good it is. No times, so that equal runs give
// equal bytes.

import Digests
import FeatureDictionaries
import Foundation
import Stages

/// The contents of training.json; keys as in the file.
struct TrainingReport: Encodable {
    /// On held-out text, but for what is said to be of other text.
    struct Quality: Encodable {
        let explained_variance: Double
        let explained_variance_without_position_0: Double
        let median_explained_per_token: Double
        let training_explained_variance_without_position_0: Double
        let mean_l0: Double
        /// Of all features, those that fire nowhere in the whole text.
        let dead_share: Double
        let silent_share_on_held_out: Double
    }

    let layer: Int
    let provenance: TrainingProvenance
    let quality: Quality

    init(layer: Int, _ provenance: TrainingProvenance, _ quality: Quality) {
        self.layer = layer
        self.provenance = provenance
        self.quality = quality
    }

    /// For people.
    var summary: String {
        func percent(_ share: Double) -> String { String(format: "%.1f%%", 100 * share) }
        return """
            of held-out text \(percent(quality.explained_variance)) of the variance explained, \
            \(percent(quality.explained_variance_without_position_0)) without position 0 \
            (median token \(percent(quality.median_explained_per_token))), \
            L0 \(String(format: "%.1f", quality.mean_l0)), \(percent(quality.dead_share)) dead
            """
    }
}

/// Everything that the numbers follow from.
struct TrainingProvenance: Encodable {
    let tool_version = toolVersion
    let model: String
    let model_sha256: String
    let dataset: String
    let dataset_sha256: String
    let seq_len: Int
    let bos_token_id: Int
    let n_sequences: Int
    let n_training_tokens: Int
    let n_held_out_tokens: Int
    let held_out_unit: String
    let d_sae: Int
    let k: Int
    let steps: Int
    let batch: Int
    let learning_rate: Double
    let seed: String

    init(_ training: Training) throws {
        let (corpus, text, settings) = (training.corpus, training.text, training.settings)
        model = training.loaded.name
        model_sha256 = try sha256(of: training.loaded.model.checkpoint.files)
        dataset = corpus.files.map { URL(filePath: $0).lastPathComponent }.prefix(20)
            .joined(separator: ", ")
        dataset_sha256 = corpus.textSHA256
        seq_len = training.maxLength
        bos_token_id = corpus.beginning.map(Int.init) ?? -1
        n_sequences = text.sequences.count
        n_training_tokens = text.trainingTokens
        n_held_out_tokens = text.tokens - text.trainingTokens
        held_out_unit = text.unit
        d_sae = settings.features
        k = settings.k
        steps = settings.steps
        batch = settings.batch
        learning_rate = Double("\(settings.learningRate)") ?? 0
        seed = String(settings.seed)
    }
}
