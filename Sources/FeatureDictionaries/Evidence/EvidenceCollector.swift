// SPDX-License-Identifier: Apache-2.0
// Collects where the features of a dictionary fire, while a corpus streams by.

import Tensors

/// Counts every feature's firings and keeps a few of them, in memory that grows with the features
/// that fire and not with the corpus.
///
/// Position 0 is counted apart: it is an attention sink of many times the length of any other
/// residual vector, and the same in every sequence, so it would be the strongest firing of hundreds
/// of features and say nothing about them.
public struct EvidenceCollector: Sendable {
    /// What is kept.
    public let plan: EvidencePlan
    private var features: [FeatureFirings]

    /// Nothing yet, of this many features.
    public init(features: Int, _ plan: EvidencePlan) {
        self.plan = plan
        self.features = Array(repeating: FeatureFirings(), count: features)
    }

    /// Takes in a batch.
    ///
    /// What is collected does not depend on how sequences are spread over batches, on the number of
    /// workers, nor on the order of the batches.
    ///
    /// - Parameters:
    ///   - batch: number and codes of each sequence, one row a position; every feature exists.
    ///   - workers: between which the features are shared out.
    public mutating func add(
        _ batch: [(sequence: Int, codes: SparseCodes)], workers: Int
    ) {
        let columns = FeatureColumns(batch, count: features.count)
        let (plan, count, blockSize) = (plan, features.count, 64)
        features.withUnsafeMutableBufferPointer { buffer in
            // Every feature belongs to one block, and every block to one worker.
            nonisolated(unsafe) let buffer = buffer
            share((count + blockSize - 1) / blockSize, among: workers) { _, block in
                for f in block * blockSize..<min((block + 1) * blockSize, count) {
                    buffer[f].add(columns, feature: f, plan)
                }
            }
        }
    }

    /// What is known of a feature.
    ///
    /// - Parameter tokens: the ids of a sequence.
    public func evidence(
        of feature: Int, tokens: (_ sequence: Int) -> ArraySlice<Int32>
    ) -> FeatureEvidence {
        FeatureEvidence(features[feature], plan) { [plan] in
            plan.text(around: $0, in: tokens($0.sequence))
        }
    }

    /// What is known of a feature, to be put together with that of other pieces of the corpus.
    ///
    /// - Parameter tokens: the ids of a sequence.
    public func portion(
        of feature: Int, tokens: (_ sequence: Int) -> ArraySlice<Int32>
    ) -> FeaturePortion {
        FeaturePortion(features[feature], plan, sequence: tokens)
    }

    /// The strongest firing of a feature after position 0; 0 if there is none.
    public func maxActivation(of feature: Int) -> Float {
        features[feature].top.bestFirst.first?.activation ?? 0
    }

    /// The uniform sample of a feature's firings after position 0, in no particular order.
    package func sample(of feature: Int) -> [TokenPlace] {
        features[feature].sample.bestFirst.map(\.place)
    }
}
