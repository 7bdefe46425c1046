// SPDX-License-Identifier: Apache-2.0
// Vectors that are sparse sums of known features.

import FeatureDictionaries
import Tensors

/// Tokens, each the sum of a few random unit directions with coefficients from 0.5 to 1.5.
struct PlantedFeatures {
    /// [features, dModel], of unit length.
    let directions: PaddedRows
    /// [tokens, dModel].
    let rows: PaddedRows

    init(dModel: Int, features: Int, active: ClosedRange<Int>, tokens: Int) {
        var random = RandomStream(seed: 1, purpose: 99)
        directions = PaddedRows(features, dModel: dModel)
        rows = PaddedRows(tokens, dModel: dModel)
        for f in 0..<features {
            // Sums of uniform numbers are nearly normal.
            for i in 0..<dModel {
                directions[f][i] = (0..<12).reduce(-6) { sum, _ in
                    sum + Float.random(in: 0..<1, using: &random)
                }
            }
            let length = (0..<dModel).reduce(Float(0)) {
                $0 + directions[f][$1] * directions[f][$1]
            }.squareRoot()
            for i in 0..<dModel { directions[f][i] /= length }
        }
        for r in 0..<tokens {
            for _ in 0..<Int.random(in: active, using: &random) {
                let f = Int.random(in: 0..<features, using: &random)
                let strength = Float.random(in: 0.5..<1.5, using: &random)
                for i in 0..<dModel { rows[r][i] += strength * directions[f][i] }
            }
        }
    }

    /// Trains on all tokens alike.
    func train(_ settings: TrainingSettings) throws -> DictionaryTrainer {
        let trainer = DictionaryTrainer(
            rows, count: rows.count, weights: Array(repeating: 1, count: rows.count),
            settings: settings)
        for _ in 0..<settings.steps { try trainer.makeStep() }
        return trainer
    }
}
