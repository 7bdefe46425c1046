// SPDX-License-Identifier: Apache-2.0
// Which dictionaries are refused, and in which words.

import FeatureDictionaries
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct SAELensLoadingTests {
    /// The sentence a changed copy of a fixture is refused with; nil if it is loaded.
    private func refusal(
        of fixture: String = "standard", as name: String = "dictionary",
        changing changes: [String: Any] = [:], dModel: Int = 16, layers: Int = 4,
        _ alter: (URL) throws -> Void = { _ in }
    ) throws -> String? {
        try withTemporaryFolder { parent in
            let folder = parent.appending(path: name)
            try SAELensFixtures.copy(fixture, to: folder, changing: changes)
            try alter(folder)
            do {
                _ = try FeatureDictionary(contentsOf: folder, dModel: dModel, layers: layers)
                return nil
            } catch let error as UserError {
                return "\(error)"
            }
        }
    }

    @Test func `an unchanged copy is loaded, also from a folder named after its layer`() throws {
        #expect(try refusal() == nil)
        #expect(try refusal(as: "L2") == nil)
        #expect(try refusal(of: "standard-raw", as: "L3") == nil)
    }

    @Test func `a width or a layer that is not the model's is refused with both numbers`() throws {
        let dModel = try #require(try refusal(dModel: 576))
        #expect(dModel.contains("has width 16, the model's residual stream is 576 wide"))
        let layer = try #require(try refusal(layers: 2))
        #expect(layer.contains("is for layer 2") && layer.contains("has 2 layers, 0 to 1"))
        let last = try #require(try refusal(of: "standard-raw", layers: 3))
        #expect(last.contains("is for layer 3 (blocks.2.hook_resid_post)"))
        let folder = try #require(try refusal(as: "L5", layers: 12))
        #expect(folder.contains("is for layer 2") && folder.contains("its folder for layer 5"))
    }

    @Test(arguments: [
        "blocks.2.hook_mlp_out", "blocks.2.hook_resid_mid", "blocks.2.hook_attn_out",
        "blocks.x.hook_resid_pre", "blocks.-1.hook_resid_pre", "blocks.2.hook_resid_pre.x",
        "blocks.99999999999999999999.hook_resid_pre", "model.layers.2.mlp", "model.layers.",
        "ln_final", "",
    ])
    func `hooks of neither the residual stream nor heads' outputs are refused`(
        hook: String
    ) throws {
        let message = try #require(
            try refusal(of: "old-topk", changing: ["hook_name": hook]))
        #expect(message.contains("\"\(hook)\""))
        #expect(message.contains("neither the residual stream between blocks nor the outputs"))
        #expect(message.contains("blocks.N.hook_resid_pre"))
        #expect(message.contains("blocks.N.attn.hook_z"))
    }

    @Test func `a dictionary of heads' outputs is told from one of the residual stream`() throws {
        let changes = ["hook_name": "blocks.2.attn.hook_z"]
        let message = try #require(try refusal(of: "old-topk", changing: changes))
        #expect(message.contains("is of the outputs of its heads (hook_z), not of the residual"))
        #expect(message.contains("call its folder Z2"))
        try withTemporaryFolder { parent in
            let folder = parent.appending(path: "Z2")
            try SAELensFixtures.copy("old-topk", to: folder, changing: changes)
            let dictionary = try FeatureDictionary(
                contentsOf: folder, of: .headOutputs, dModel: 16, layers: 4)
            #expect(dictionary.layer == 2)
            let error = #expect(throws: UserError.self) {
                try FeatureDictionary(contentsOf: folder, of: .headOutputs, dModel: 24, layers: 4)
            }
            #expect(error?.description.contains("has width 16") == true)
            #expect(error?.description.contains("(hook_z) is 24 wide") == true)
        }
    }

    @Test(arguments: [
        ("blocks.0.hook_resid_pre", 0), ("blocks.0.hook_resid_post", 1), ("blocks.3.hook_in", 3),
        ("blocks.{layer}.hook_resid_pre", 2), ("model.layers.0", 1), ("transformer.h.1", 2),
        ("gpt_neox.layers.2", 3),
    ])
    func `hooks of the residual stream give the layer they lead into`(
        hook: String, layer: Int
    ) throws {
        try withTemporaryFolder { parent in
            let folder = parent.appending(path: "any")
            try SAELensFixtures.copy("old-topk", to: folder, changing: ["hook_name": hook])
            let dictionary = try FeatureDictionary(contentsOf: folder, dModel: 16, layers: 4)
            #expect(dictionary.layer == layer)
        }
    }

    @Test func `without a hook the folder's name says the layer`() throws {
        let nothing = ["hook_name": NSNull()]
        #expect(try refusal(of: "old-topk", as: "L1", changing: nothing) == nil)
        let message = try #require(try refusal(of: "old-topk", changing: nothing))
        #expect(message.contains("names no hook"))
        let head = try #require(try refusal(of: "old-topk", changing: ["hook_head_index": 3]))
        #expect(head.contains("one head"))
    }

    @Test(arguments: ["transcoder", "skip_transcoder", "batchtopk", "temporal", ""])
    func `other architectures are refused by name`(architecture: String) throws {
        let message = try #require(try refusal(changing: ["architecture": architecture]))
        #expect(message.contains("\"\(architecture)\""))
        #expect(message.contains("standard, topk, jumprelu, gated"))
    }

    @Test func `settings that are not understood are refused`() throws {
        let whitening = ["normalize_activations": "covariance_whitening"]
        #expect(try refusal(changing: whitening)?.contains("covariance_whitening") == true)
        let function = ["activation_fn_str": "tanh-relu"]
        #expect(try refusal(of: "old-gated", changing: function)?.contains("tanh-relu") == true)
        #expect(try refusal(of: "topk", changing: ["k": 41])?.contains("41 of 40") == true)
        #expect(try refusal(of: "topk", changing: ["k": 0])?.contains("0 of 40") == true)
        #expect(try refusal(changing: ["d_in": "wide"])?.contains("\"d_in\"") == true)
        #expect(try refusal(changing: ["d_sae": NSNull()])?.contains("lacks") == true)
    }

    @Test(arguments: [0, -1, (1 << 20) + 1, Int.max])
    func `impossible numbers of features are refused before memory is allocated`(
        count: Int
    ) throws {
        let message = try #require(try refusal(changing: ["d_sae": count]))
        #expect(message.contains("has \(count) features"))
    }

    @Test func `weights that do not fit the configuration are refused`() throws {
        let shape = try #require(try refusal(changing: ["d_sae": 41]))
        #expect(shape.contains("[16, 40]") || shape.contains("[40, 16]") || shape.contains("[40]"))
        let missing = try #require(try refusal(changing: ["architecture": "jumprelu"]))
        #expect(missing.contains("\"threshold\""))
        let other = try #require(
            try refusal(of: "jumprelu", changing: ["architecture": "standard"]))
        #expect(other.contains("\"threshold\"") && other.contains("no use for"))
    }

    @Test func `weights that are not finite are refused`() throws {
        for value in [Float.nan, .infinity, -.infinity] {
            let message = try refusal { folder in
                let file = folder.appending(path: "sae_weights.safetensors")
                var bytes = try Data(contentsOf: file)
                let pattern = withUnsafeBytes(of: value.bitPattern.littleEndian) { Data($0) }
                bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: pattern)
                try bytes.write(to: file)
            }
            #expect(message?.contains("not finite") == true)
        }
    }

    @Test(arguments: ["cfg.json", "sae_weights.safetensors"])
    func `missing and broken files are refused by name`(name: String) throws {
        let missing = try refusal { folder in
            try FileManager.default.removeItem(at: folder.appending(path: name))
        }
        #expect(missing?.contains("has no \(name)") == true)
        for contents in ["", "[", "[]", "{\"d_in\": "] {
            let broken = try refusal { folder in
                try Data(contents.utf8).write(to: folder.appending(path: name))
            }
            #expect(broken?.contains(name) == true)
        }
    }
}
