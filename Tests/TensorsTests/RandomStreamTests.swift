// SPDX-License-Identifier: Apache-2.0
// The numbers that samples hang on cannot move unnoticed.

import Tensors
import Testing

@Suite struct RandomStreamTests {
    /// Outputs of the published generator for the seed 1234567 (Vigna, splitmix64.c).
    @Test func `the hash is SplitMix64`() {
        let published: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        for (i, expected) in published.enumerated() {
            let state = 1_234_567 &+ UInt64(i) &* 0x9E37_79B9_7F4A_7C15
            #expect(RandomStream.hash(state) == expected)
        }
    }

    /// Values of this program's own streams, worked out from the published function elsewhere.
    @Test func `streams of a seed and a purpose are what they were`() {
        var plain = RandomStream(seed: 0)
        #expect((0..<2).map { _ in plain.next() } == [0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4])
        var other = RandomStream(seed: 7, purpose: 3, 1)
        #expect((0..<2).map { _ in other.next() } == [0xcfa9dd903b92249f, 0x2cb6b4baf5e12921])
    }
}
