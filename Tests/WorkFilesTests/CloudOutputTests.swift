// SPDX-License-Identifier: Apache-2.0
// What O clouds are of.

import Foundation
import TestSupport
import Testing
import WorkFiles

@Suite struct CloudOutputTests {
    @Test func `an edge's output is its value under its attention`() {
        let (z, v): ([Float], [Float]) = ([1, 2, 3, 4], [10, 20, 30, 40])
        let attention: [Float] = [0.5, 0.25]
        #expect(CloudOutput.query.vectors(z: z, v: v, attention: attention) == z)
        #expect(
            CloudOutput.edge.vectors(z: z, v: v, attention: attention) == [5, 10, 7.5, 10])
        #expect(CloudOutput.edge.vectors(z: [], v: [], attention: []).isEmpty)
    }

    @Test func `a file of clouds says what its O is of`() throws {
        try withTemporaryFolder { folder in
            for output in CloudOutput.allCases {
                let path = folder.appending(path: "\(output).h5").path
                var provenance = Provenance()
                provenance.note(output)
                try ProjectWriter(path, provenance: provenance, heads: [], views: [], seed: 0)
                    .finish()
                #expect(try ProjectReader(path).output == output)
            }
            let path = folder.appending(path: "other.h5").path
            var provenance = Provenance()
            provenance["cloud_output"] = .text("half")
            try ProjectWriter(path, provenance: provenance, heads: [], views: [], seed: 0).finish()
            #expect(throws: (any Error).self) { try ProjectReader(path) }
        }
    }
}
