// SPDX-License-Identifier: Apache-2.0
// Text that no corpus biases: random tokens, repeated once (Olsson et al. 2022).

import Stages
import Tensors
import UserErrors

/// Sequences of random tokens whose second half is their first again.
struct RepeatedTokens {
    /// What stands before the tokens, such as BOS.
    let prefix: [Int32]
    /// Tokens in a half.
    let length: Int
    private let vocabulary: [Int32]
    private let seed: UInt64

    /// - Parameter length: of a half; less where the model's context is too short for two of them.
    init(_ loaded: LoadedModel, length: Int, seed: UInt64) throws {
        prefix = loaded.sequenceEnds(bos: nil).prefix
        let d = loaded.model.description
        self.length = min(length, (d.nCtx - prefix.count) / 2)
        self.seed = seed
        let size = Int32(clamping: min(loaded.tokenizer.vocabularySize, d.dVocab))
        vocabulary = (0..<size).filter { !loaded.tokenizer.isAdded($0) }
        guard self.length > 1, vocabulary.count >= self.length else {
            throw UserError(
                "\(loaded.name): its vocabulary of \(vocabulary.count) and context of \(d.nCtx) tokens are too small to repeat random tokens; set PROBE=0."
            )
        }
    }

    /// The tokens of a sequence. No token stands twice in a half, so that only the repetition repeats.
    func tokens(ofSequence sequence: Int) -> [Int32] {
        var stream = RandomStream(seed: seed, purpose: 0x7072_6F62, UInt64(sequence))
        var half: [Int32] = []
        var drawn = Set<Int32>()
        while half.count < length {
            let token = vocabulary[stream.next(below: UInt64(vocabulary.count))]
            if drawn.insert(token).inserted { half.append(token) }
        }
        return prefix + half + half
    }

    /// The first query of the second half.
    var secondHalf: Int { prefix.count + length }
}
