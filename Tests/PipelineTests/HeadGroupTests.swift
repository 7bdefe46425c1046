// SPDX-License-Identifier: Apache-2.0
// Some heads of a scan, read without the others.

import AttentionStats
import Foundation
import TestSupport
import Testing
import WorkFiles

@Suite struct HeadGroupTests {
    /// Sequences of several blocks of scan.h5.
    private func scan(_ pipeline: Pipeline) throws {
        let texts = try Pipeline.inductionTexts()
        try pipeline.writeCorpus((0..<2200).map { texts[$0 % texts.count] })
        try #require(try pipeline.scan().status == 0)
    }

    @Test func `metrics do not depend on how many heads are read at a time`() throws {
        try withPipeline { pipeline in
            try scan(pipeline)
            func metrics(_ memory: String) throws -> Data {
                try pipeline.succeed(
                    "stage-metrics",
                    [
                        "--scan", pipeline.work("scan"), "--memory", memory, "--output",
                        pipeline.work("metrics"),
                    ])
                return try Data(contentsOf: URL(filePath: pipeline.work("metrics")))
            }
            #expect(try metrics("1") == metrics("1000"))
        }
    }

    @Test func `sums and lists of some heads are those that all have`() throws {
        try withPipeline { pipeline in
            try scan(pipeline)
            let scan = try ScanFile(pipeline.work("scan"))
            let (heads, n) = (scan.header.heads.indices, scan.nSequences)
            let all = try scan.sums(ofHeads: heads)
            let lists = try scan.highAttention(ofHeads: heads)
            let pairs = try lists.pairs(Array(lists.rows.indices))
            #expect(lists.rows.count == heads.count * n)
            for some in [0..<1, 2..<3, 3..<7, 7..<8] {
                let sums = try scan.sums(ofHeads: some)
                for (i, head) in some.enumerated() {
                    for s in 0..<n {
                        #expect(sums[s * some.count + i] == all[s * heads.count + head])
                    }
                }
                let table = try scan.highAttention(ofHeads: some)
                let mine = lists.rows.indices.filter { some.contains(lists.rows[$0].head) }
                #expect(table.rows.map(\.sequence) == mine.map { lists.rows[$0].sequence })
                #expect(try table.pairs(Array(table.rows.indices)) == mine.map { pairs[$0] })
            }
        }
    }
}
