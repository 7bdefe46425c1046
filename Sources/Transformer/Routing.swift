// SPDX-License-Identifier: Apache-2.0
// Which experts a token runs through, and with what weight.

import Foundation
import Tensors

/// A token's experts: the best of its router's logits.
struct Routing {
    private let experts: Experts
    /// Added to the scores for the choice only; empty for none.
    private let correction: [Float]
    /// Multiplies the weight of each expert; empty for none.
    private let expertScales: [Float]
    private var candidates: [Float]

    init(_ experts: Experts, _ weights: LayerWeights) {
        self.experts = experts
        correction = weights.routerCorrection
        expertScales = weights.expertScales
        candidates = [Float](repeating: 0, count: experts.count)
    }

    /// Chooses for one token; of equals the first.
    ///
    /// - Parameters:
    ///   - logits: [experts]; left as scores.
    ///   - indices: [chosen], `factors` likewise: the experts and what multiplies their outputs.
    mutating func choose(
        _ logits: UnsafeMutablePointer<Float>, into indices: UnsafeMutablePointer<Int32>,
        _ factors: UnsafeMutablePointer<Float>
    ) {
        let (count, chosen, router) = (experts.count, experts.chosen, experts.router)
        score(logits, count)
        for i in 0..<count { candidates[i] = logits[i] + (correction.isEmpty ? 0 : correction[i]) }
        if let groups = router.groups { dropWeakGroups(groups.count, kept: groups.kept) }
        for rank in 0..<chosen {
            var best = 0
            for i in 1..<count where candidates[i] > candidates[best] { best = i }
            candidates[best] = -.infinity
            indices[rank] = Int32(best)
            factors[rank] = logits[best]
        }
        if router.scoring == .softmaxOfChosen {
            let largest = factors[0]
            for rank in 0..<chosen { factors[rank] = Foundation.exp(factors[rank] - largest) }
        }
        var scale = router.scale
        if router.normalizes || router.scoring == .softmaxOfChosen {
            var sum: Float = 0
            for rank in 0..<chosen { sum += factors[rank] }
            scale /= sum
        }
        for rank in 0..<chosen {
            factors[rank] *= scale * (expertScales.isEmpty ? 1 : expertScales[Int(indices[rank])])
        }
    }

    private func score(_ logits: UnsafeMutablePointer<Float>, _ count: Int) {
        switch experts.router.scoring {
        case .softmaxOfChosen: break
        case .sigmoid, .sigmoidOfInput:
            for i in 0..<count { logits[i] = 1 / (1 + Foundation.exp(-logits[i])) }
        case .softmax:
            var largest = logits[0]
            for i in 1..<count { largest = max(largest, logits[i]) }
            var sum: Float = 0
            for i in 0..<count {
                logits[i] = Foundation.exp(logits[i] - largest)
                sum += logits[i]
            }
            for i in 0..<count { logits[i] /= sum }
        }
    }

    /// Leaves out the experts of all groups but the best; a group counts as its two best experts do together.
    private mutating func dropWeakGroups(_ count: Int, kept: Int) {
        let size = experts.count / count
        let strengths = (0..<count).map { group in
            let sorted = candidates[group * size..<(group + 1) * size].sorted(by: >)
            return sorted.prefix(2).reduce(0, +)
        }
        let order = strengths.indices.sorted {
            strengths[$0] != strengths[$1] ? strengths[$0] > strengths[$1] : $0 < $1
        }
        for group in order.dropFirst(kept) {
            for i in group * size..<(group + 1) * size { candidates[i] = -.infinity }
        }
    }
}
