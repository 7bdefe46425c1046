// SPDX-License-Identifier: Apache-2.0
// The names of sequences and edges, and the manifest that lists them.

import DataTree
import Foundation
import JSON
import Testing
import Transformer

@Suite struct AttributionManifestTests {
    @Test(arguments: ["0", "12", "4294967295", "c3f09a61b2d7", "c0"])
    func `the id of a sequence reads back from its name`(name: String) throws {
        let id = try #require(SequenceID(name))
        #expect("\(id)" == name)
        var json = JSONWriter()
        json.array { json in id.write(to: &json) }
        #expect(try JSONDecoder().decode([SequenceID].self, from: Data(json.bytes)) == [id])
    }

    @Test(arguments: [
        "", "c", "-1", "+1", "01", "1.0", "12345678901", "C3", "cg", "c3/..", "3c", "c٣", "٣",
        "c" + String(repeating: "0", count: 65),
    ])
    func `nothing else names a sequence`(name: String) {
        #expect(SequenceID(name) == nil)
        let data = Data("[\"\(name)\"]".utf8)
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode([SequenceID].self, from: data)
        }
    }

    @Test func `the name of an edge reads back, and other files have none`() throws {
        for sequence in [SequenceID.corpus(12), .custom("c3f0")] {
            let edge = Edge(HeadAddress(layer: 5, head: 10), sequence, query: 7, key: 0)
            #expect("\(edge)" == "L5H10S\(sequence)Q7K0")
            #expect(Edge("\(edge)") == edge)
            let path = AttributionManifest.path("qk", of: edge)
            #expect(path == "attributions/qk/L5H10S\(sequence)Q7K0.json")
            #expect(AttributionManifest.edge(ofFile: "L5H10S\(sequence)Q7K0.json") == edge)
        }
        for name in ["manifest.json", "L5H1S12Q7K0", "L5H1S12Q7K0.json.tmp", "L5H1S1c2Q7K0.json"] {
            #expect(AttributionManifest.edge(ofFile: name) == nil, "\(name)")
        }
    }

    @Test func `edges are listed once, in order, and kept by their sequence`() throws {
        var manifest = try AttributionManifest(nil)
        let head = HeadAddress(layer: 1, head: 0)
        for (sequence, query, key) in [
            (SequenceID.corpus(12), 7, 3), (.corpus(12), 2, 1), (.custom("cab"), 4, 4),
        ] {
            let edge = Edge(head, sequence, query: query, key: key)
            let wasNew = [manifest.add("qk", edge), manifest.add("qk", edge)]
            #expect(wasNew == [true, false])
        }
        manifest.add("ov", Edge(head, .corpus(12), query: 7, key: 3))
        #expect(
            String(decoding: manifest.json(), as: UTF8.self)
                == #"{"L1H0S12":{"qk":[[2,1],[7,3]],"ov":[[7,3]]},"L1H0Scab":{"qk":[[4,4]],"ov":[]}}"#
        )
        #expect(try AttributionManifest(manifest.json()) == manifest)
        manifest.keep { $0 == .custom("cab") }
        #expect(
            String(decoding: manifest.json(), as: UTF8.self)
                == #"{"L1H0Scab":{"qk":[[4,4]],"ov":[]}}"#)
    }
}
