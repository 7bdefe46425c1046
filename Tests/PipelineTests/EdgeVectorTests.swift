// SPDX-License-Identifier: Apache-2.0
// The vectors that a scan stores, through all its files, against those of the forward pass.

import Foundation
import TestSupport
import Testing
import Transformer
import WorkFiles

@Suite struct EdgeVectorTests {
    /// Looks at every edge of some sequences with its four vectors, which must be those of the pass to half's eleven bits.
    private func expectVectorsOfThePass(_ scan: ScanFile, _ model: Model) throws {
        let d = model.description
        let selection = HeadSelection(allOf: d)
        let edges = try scan.edges()
        let all = try selection.heads.indices.map { try edges.edges(ofHead: $0) }
        var compared = 0
        for sequence in 0..<min(4, scan.nSequences) {
            let tokens = scan.tokens(of: sequence)
            let recorder = Recorder(d, selection: selection)
            let pass = try ForwardPass(
                model, selection: selection, maxLength: tokens.count, workers: 1)
            try pass.run([tokens], visitors: [recorder])
            for (index, head) in selection.heads.enumerated() {
                let layer = try #require(recorder.layers[head.layer])
                let kv = d.shape(of: head.layer).kvHead(of: head.head)
                let edges = all[index]
                for i in edges.sequence.indices where edges.sequence[i] == sequence {
                    func expect(_ got: [Float], _ recorded: [Float], _ head: Int, _ position: Int) {
                        let row = got[i * d.dHead..<(i + 1) * d.dHead]
                        let start = (head * tokens.count + position) * d.dHead
                        let expected = recorded[start..<start + d.dHead]
                        let largest = expected.map(abs).max() ?? 0
                        for (a, b) in zip(row, expected) {
                            #expect(abs(a - b) <= largest * 0x1p-10)
                        }
                    }
                    expect(edges.q, layer.q, head.head, edges.query[i])
                    expect(edges.k, layer.k, kv, edges.key[i])
                    expect(edges.v, layer.v, kv, edges.key[i])
                    expect(edges.z, layer.z, head.head, edges.query[i])
                    compared += 1
                }
            }
        }
        #expect(compared > 50)
    }

    @Test func `vectors are those of the pass, also of heads that share keys`() throws {
        try withPipeline { pipeline in
            var pipeline = pipeline
            pipeline.model = Fixtures.url("models/llama").path
            try #require(try pipeline.scan(["--points", "3000", "--seq-len", "48"]).status == 0)
            let model = try Model(opening: URL(filePath: pipeline.model))
            try expectVectorsOfThePass(try ScanFile(pipeline.work("scan")), model)
        }
    }

    /// Queries 2^30 times as long and keys 2^30 times as short leave all attention as it was, and neither fits half.
    @Test func `vectors beyond the range of half come back`() throws {
        try withPipeline { pipeline in
            var pipeline = pipeline
            pipeline.model = try stretchedModel(in: pipeline.folder).path
            try #require(try pipeline.scan().status == 0)
            let model = try Model(opening: URL(filePath: pipeline.model))
            let scan = try ScanFile(pipeline.work("scan"))
            let edges = try scan.edges().edges(ofHead: 0)
            #expect((edges.q.map(abs).max() ?? 0) > 1e6)
            #expect((edges.k.map(abs).max() ?? 1) < 1e-6)
            try expectVectorsOfThePass(scan, model)
            try pipeline.finish()
        }
    }

    /// The induction model with its queries times 2^30 and its keys over 2^30.
    private func stretchedModel(in folder: URL) throws -> URL {
        let model = folder.appending(path: "stretched")
        try FileManager.default.copyItem(at: Fixtures.url("models/induction-gpt2"), to: model)
        let path = model.appending(path: "model.safetensors")
        var bytes = [UInt8](try Data(contentsOf: path))
        let header =
            8 + bytes[0..<8].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        let tensors = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes[8..<header])) as? [String: Any])
        for (name, tensor) in tensors where name.contains("attn.c_attn.") {
            let tensor = try #require(tensor as? [String: Any])
            let offsets = try #require(tensor["data_offsets"] as? [Int])
            let width = try #require((tensor["shape"] as? [Int])?.last)
            bytes[header + offsets[0]..<header + offsets[1]].withUnsafeMutableBytes { raw in
                let weights = raw.assumingMemoryBound(to: Float.self)
                for i in weights.indices where i % width < width / 3 * 2 {
                    weights[i] *= i % width < width / 3 ? 0x1p30 : 0x1p-30
                }
            }
        }
        try Data(bytes).write(to: path)
        return model
    }
}
