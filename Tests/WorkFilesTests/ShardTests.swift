// SPDX-License-Identifier: Apache-2.0
// How a corpus is cut into shards and blocks.

import Testing
import WorkFiles

@Suite struct ShardTests {
    @Test func `shards follow each other and share the tokens out`() throws {
        let starts = (0...1000).map { $0 * 37 }
        for count in [1, 2, 3, 7, 64, 999, 2000] {
            var end = 0
            for index in 1...count {
                let shard = try #require(Shard(index, of: count))
                let sequences = shard.sequences(of: starts)
                #expect(sequences.lowerBound == end)
                #expect(abs(Double(sequences.count) - 1000 / Double(count)) < 1)
                end = sequences.upperBound
            }
            #expect(end == 1000)
        }
        #expect(Shard(0, of: 3) == nil && Shard(4, of: 3) == nil && Shard(1, of: 10_001) == nil)
    }

    @Test func `a shard of a huge corpus does not overflow`() throws {
        let starts = [0, Int.max / 2, Int.max - 1]
        let last = try #require(Shard(10_000, of: 10_000))
        #expect(last.sequences(of: starts).upperBound == 2)
    }

    @Test func `blocks are those of the corpus, cut by the shard`() {
        let starts = (0...100).map { $0 * 1000 }
        let whole = ScanBlock.ranges(of: starts, in: 0..<100)
        #expect(whole.prefix(2) == [0..<17, 17..<34] && whole.last == 85..<100)
        #expect(ScanBlock.ranges(of: starts, in: 20..<40) == [20..<34, 34..<40])
        #expect(ScanBlock.ranges(of: starts, in: 20..<20).isEmpty)
    }
}
