// SPDX-License-Identifier: Apache-2.0
// Every family out of a GGUF file, against the same numbers as out of its Hugging Face folder. The
// files are written by Tests/Generators/gguf_families.py.

import Checkpoints
import Foundation
import TestSupport
import Testing
import Transformer
import UserErrors

/// A family's fixture.
struct GGUFFixture: Sendable, CustomTestStringConvertible {
    let name: String
    /// 1 for Float32 weights; Float16 moves scores by a thousandth.
    var looseness = 1.0
    /// What the file cannot give: GGUF has no masked-language head, and llama.cpp's score scale
    /// follows from the head size, so the fixture's other scale stands in its queries.
    var omitted: Set<String> = []

    var testDescription: String { name }

    static let all = [
        GGUFFixture(name: "gpt2", looseness: 200),
        GGUFFixture(name: "llama3-rope"),
        GGUFFixture(name: "mistral"),
        GGUFFixture(name: "qwen2"),
        GGUFFixture(name: "qwen3"),
        GGUFFixture(name: "gpt_neox", looseness: 200),
        GGUFFixture(name: "gemma2", omitted: ["q"]),
        GGUFFixture(name: "gemma3", looseness: 200, omitted: ["q"]),
        GGUFFixture(name: "phi3"),
        GGUFFixture(name: "olmo2"),
        GGUFFixture(name: "bert", omitted: ["logits"]),
        GGUFFixture(name: "phi"),
        GGUFFixture(name: "starcoder2"),
        GGUFFixture(name: "stablelm"),
        GGUFFixture(name: "falcon"),
        GGUFFixture(name: "falcon-40b"),
        GGUFFixture(name: "qwen3_moe"),
        GGUFFixture(name: "gpt_oss"),
        GGUFFixture(name: "gpt_oss-mxfp4"),
    ]
}

extension OracleTests {
    @Test(arguments: GGUFFixture.all)
    func `every family gives the same numbers out of a GGUF file`(fixture: GGUFFixture) throws {
        try expect(
            try Model(opening: Fixtures.url("gguf/\(fixture.name).gguf")),
            matches: Fixtures.url("models/\(fixture.name)/expected.h5"),
            looseness: fixture.looseness, omitting: fixture.omitted)
    }
}

@Suite struct GGUFFamilyTests {
    @Test(arguments: GGUFFixture.all.filter { $0.name != "llama3-rope" })
    func `the description is that of the Hugging Face folder`(fixture: GGUFFixture) throws {
        var got = try Model(opening: Fixtures.url("gguf/\(fixture.name).gguf")).description
        let want = try Model(opening: Fixtures.url("models/\(fixture.name)")).description
        got.beginningOfSequence = want.beginningOfSequence
        // The base of the rotary frequencies is a Float32 in the file.
        for (i, rotary) in want.rotaries.enumerated() where i < got.rotaries.count {
            expectNear(got.rotaries[i], rotary)
            got.rotaries[i] = rotary
        }
        // Gate and up are apart.
        if case .clamped(let limit, let slope, false)? = got.experts?.activation {
            got.experts?.activation = .clamped(limit: limit, slope: slope)
        }
        if fixture.omitted.contains("q") {
            // The 1 of Gemma's norms and the score scale are in the file's weights.
            #expect(abs(got.scoreScale - 0.25) < 1e-7)
            got.norm = want.norm
            got.scoreScale = want.scoreScale
        }
        #expect(got == want)
    }

    @Test func `the factors of Llama 3 are its rescaled frequencies`() throws {
        let got = try Model(opening: Fixtures.url("gguf/llama3-rope.gguf")).description.rotaries
        let want = try Model(opening: Fixtures.url("models/llama3-rope")).description.rotaries
        #expect(got.count == 1)
        expectNear(got[0], want[0])
    }

    /// The same turning, frequencies to Float32's precision.
    private func expectNear(_ got: Rotary, _ want: Rotary) {
        #expect(got.layout == want.layout)
        #expect((got.amplitude, got.offset) == (want.amplitude, want.offset))
        #expect(got.inverseFrequencies.count == want.inverseFrequencies.count)
        for (a, b) in zip(got.inverseFrequencies, want.inverseFrequencies) {
            #expect(abs(a / b - 1) < 1e-6)
        }
    }

    @Test func `Gemma 3 has five windowed layers for a full one unless the file says otherwise`()
        throws
    {
        let windows = try edited("gemma3", "sliding_window_pattern", "sliding_window_patterX") {
            $0.description.layers.map(\.window)
        }
        #expect(windows == [6, 6, 6, 6])
    }

    @Test func `Gemma 3 without a window has full layers only`() throws {
        let layers = try edited("gemma3", "attention.sliding_window", "attention.sliding_windoX") {
            $0.description.layers
        }
        #expect(layers.allSatisfy { $0.window == nil && $0.rotary == 0 })
    }

    @Test func `StarCoder 2 has the window of all published models unless the file says another`()
        throws
    {
        let windows = try edited(
            "starcoder2", "attention.sliding_window", "attention.sliding_windoX"
        ) { $0.description.layers.map(\.window) }
        #expect(windows == [4096, 4096])
    }

    @Test func `Mistral without a window in its file is a llama`() throws {
        let model = try edited("mistral", "attention.sliding_window", "attention.sliding_windoX") {
            $0.description
        }
        #expect(model.family == "llama")
        #expect(model.layers.allSatisfy { $0.window == nil })
    }

    @Test(arguments: [
        // Keys whose effect is not computed, in place of others of the same length.
        ("phi3", "rope.freq_base", "residual_scale", "residual_scale"),
        ("llama3-rope", "feed_forward_length", "attention.clamp_kqv", "attention.clamp_kqv"),
        // Qwen 3 under the name of Qwen 2, which has no norm of queries.
        ("qwen3", "qwen3", "qwen2", "attn_k_norm"),
        ("phi3", "phi3", "phi4", "phi4"),
        // Norms of queries in a StableLM; a Falcon with biases, and so with ALiBi.
        ("stablelm", "blk.0.attn_k.bias", "blk.0.attn_q_norm", "attn_q_norm"),
        ("falcon", "blk.0.ffn_up.weight", "blk.0.attn_qkv.bias", "ALiBi"),
        ("starcoder2", "feed_forward_length", "attention.clamp_kqv", "attention.clamp_kqv"),
    ])
    func `a file of another kind is refused by name`(
        name: String, text: String, replacement: String, mention: String
    ) throws {
        let error = #expect(throws: UserError.self) {
            try edited(name, text, replacement) { _ in }
        }
        #expect(error?.description.contains(mention) == true)
    }

    /// Opens a fixture in which every occurrence of a text was replaced by one of the same length.
    private func edited<Result>(
        _ name: String, _ text: String, _ replacement: String, _ body: (Model) throws -> Result
    ) throws -> Result {
        try #require(text.utf8.count == replacement.utf8.count)
        var data = try Data(contentsOf: Fixtures.url("gguf/\(name).gguf"))
        var from = data.startIndex
        while let range = data.range(of: Data(text.utf8), in: from..<data.endIndex) {
            data.replaceSubrange(range, with: Data(replacement.utf8))
            from = range.upperBound
        }
        return try withTemporaryFolder { folder in
            let url = folder.appending(path: "model.gguf")
            try data.write(to: url)
            return try body(Model(opening: url))
        }
    }
}
