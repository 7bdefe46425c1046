// SPDX-License-Identifier: Apache-2.0
// Training against what it must find, and against slow formulas in Float64.

import Checkpoints
import FeatureDictionaries
import Foundation
import Tensors
import Testing
import UserErrors

@Suite struct TrainingTests {
    @Test func `planted features are recovered`() throws {
        let planted = PlantedFeatures(dModel: 64, features: 128, active: 3...5, tokens: 20_000)
        var settings = TrainingSettings(features: 128, k: 5)
        settings.steps = 1500
        settings.batch = 512
        settings.learningRate = 3e-3
        settings.workers = 2
        let trainer = try planted.train(settings)
        let found = trainer.autoencoder.decoder
        var total: Float = 0
        for f in 0..<planted.directions.count {
            var best: Float = -1
            for g in 0..<found.count {
                best = max(best, dot(planted.directions[f], found[g], 64))
            }
            total += best
        }
        #expect(total / Float(planted.directions.count) > 0.9)
    }

    @Test func `a step is Adam on the gradients of the loss`() throws {
        // Widths and counts that fill no vector, a last chunk that is not full, weights of all sizes.
        var settings = TrainingSettings(features: 70, k: 4)
        settings.batch = 300
        settings.learningRate = 1e-2
        let planted = PlantedFeatures(dModel: 21, features: 40, active: 2...6, tokens: 300)
        let weights = (0..<300).map { 0.25 + Float($0 % 7) }
        let trainer = DictionaryTrainer(
            planted.rows, count: 300, weights: weights, settings: settings)
        var reference = ReferenceStep(trainer.autoencoder, settings)
        for step in 0..<3 {
            let rate = Double(settings.learningRate(at: step))
            reference.step(planted.rows, weights, t: step + 1, rate: rate)
            try trainer.makeStep()
            #expect(abs(Double(trainer.loss) - reference.loss) < 1e-4 * reference.loss)
            #expect(reference.distance(to: trainer.autoencoder) < 2e-4)
        }
    }

    @Test(arguments: [2, 3, 8])
    func `the number of workers changes no bit`(workers: Int) throws {
        let planted = PlantedFeatures(dModel: 24, features: 60, active: 2...5, tokens: 3000)
        var settings = TrainingSettings(features: 96, k: 5)
        settings.steps = 20
        let one = try planted.train(settings).autoencoder
        settings.workers = workers
        let several = try planted.train(settings).autoencoder
        #expect(one.encoder.values == several.encoder.values)
        #expect(one.decoder.values == several.decoder.values)
        #expect(one.encoderBias.values == several.encoderBias.values)
        #expect(one.decoderBias.values == several.decoderBias.values)
    }

    @Test func `another seed is another dictionary`() throws {
        let planted = PlantedFeatures(dModel: 24, features: 60, active: 2...5, tokens: 2000)
        var settings = TrainingSettings(features: 48, k: 4)
        settings.steps = 5
        let one = try planted.train(settings).autoencoder.decoder.values
        settings.seed = 1
        #expect(try planted.train(settings).autoencoder.decoder.values != one)
    }

    @Test func `decoder rows keep unit length`() throws {
        let planted = PlantedFeatures(dModel: 24, features: 60, active: 2...5, tokens: 2000)
        var settings = TrainingSettings(features: 96, k: 4)
        settings.steps = 50
        settings.learningRate = 1e-2
        let decoder = try planted.train(settings).autoencoder.decoder
        for f in 0..<decoder.count {
            #expect(abs(dot(decoder[f], decoder[f], 24) - 1) < 1e-5)
        }
    }

    @Test func `a learning rate that is much too large is told`() throws {
        let planted = PlantedFeatures(dModel: 24, features: 60, active: 2...5, tokens: 2000)
        var settings = TrainingSettings(features: 96, k: 4)
        settings.learningRate = 1e30
        settings.steps = 200
        let error = #expect(throws: UserError.self) { _ = try planted.train(settings) }
        #expect(error?.description.contains("--learning-rate") == true)
    }

    @Test func `quality follows the definitions`() throws {
        let planted = PlantedFeatures(dModel: 21, features: 40, active: 2...6, tokens: 700)
        var settings = TrainingSettings(features: 70, k: 4)
        settings.steps = 30
        let autoencoder = try planted.train(settings).autoencoder
        let quality = DictionaryQuality(autoencoder, planted.rows, 100..<700, workers: 2)
        let slow = ReferenceStep(autoencoder, settings)
        let codes = (100..<700).map { slow.encode(planted.rows[$0]) }
        #expect(
            quality.uses
                == (0..<70).map { f in codes.count { $0.contains { $0.feature == f } } })
        #expect(abs(quality.meanL0 - Double(codes.map(\.count).reduce(0, +)) / 600) < 1e-9)
        let chosen = (100..<700).filter { $0 % 3 != 0 }
        let mean = (0..<21).map { i in
            chosen.reduce(0.0) { $0 + Double(planted.rows[$1][i]) } / Double(chosen.count)
        }
        var (error, variance) = (0.0, 0.0)
        for r in chosen {
            let reconstruction = slow.decode(codes[r - 100])
            for i in 0..<21 {
                error += pow(Double(planted.rows[r][i]) - reconstruction[i], 2)
                variance += pow(Double(planted.rows[r][i]) - mean[i], 2)
            }
        }
        #expect(abs(quality.explained { $0 % 3 != 0 }.share - (1 - error / variance)) < 1e-5)
    }

    @Test func `a written dictionary is what was trained, in the units of the residual stream`()
        throws
    {
        // Far from 0 and large, with one vector that is a hundred times as long.
        let planted = PlantedFeatures(dModel: 21, features: 40, active: 2...6, tokens: 500)
        let raw = PaddedRows(500, dModel: 21)
        for r in 0..<500 {
            for i in 0..<21 {
                raw[r][i] = 30 * planted.rows[r][i] * (r == 0 ? 100 : 1) + Float(i)
            }
        }
        let standardized = PaddedRows(raw.values, dModel: 21)
        let standardization = Standardization(standardized, count: 500, workers: 1)
        standardization.apply(to: standardized, workers: 1)
        var settings = TrainingSettings(features: 70, k: 4)
        settings.steps = 30
        let trainer = DictionaryTrainer(
            standardized, count: 500, weights: tokenWeights(standardized, count: 500),
            settings: settings)
        for _ in 0..<30 { try trainer.makeStep() }
        let dictionary = TrainedDictionary(trainer.autoencoder, standardization)

        let folder = FileManager.default.temporaryDirectory.appending(
            path: "headvis-\(UUID().uuidString)/L3")
        defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
        let metadata = SAELensMetadata(
            modelName: "m", layer: 3, contextSize: 7, prependsBOS: true, dataset: "d")
        for _ in 0..<2 {  // The second replaces the first.
            try dictionary.write(to: folder, metadata: metadata, report: ["loss": 1])
        }
        #expect(
            try FileManager.default.contentsOfDirectory(
                atPath: folder.deletingLastPathComponent().path) == ["L3"])

        let file = try Checkpoint(opening: folder.appending(path: "sae_weights.safetensors"))
        func read(_ name: String, _ shape: [Int]) throws -> [Float] {
            try file.tensor(name, shape: shape).widened()
        }
        let wEnc = try read("W_enc", [21, 70])
        #expect(try read("W_dec", [70, 21]) == dictionary.decoder)
        let bEnc = try read("b_enc", [70])
        let bDec = try read("b_dec", [21])
        // (x - b_dec) W_enc + b_enc is the trained pre-activation over the factor.
        let slow = ReferenceStep(trainer.autoencoder, settings)
        for r in [0, 1, 77, 499] {
            let wanted = slow.preActivations(standardized[r])
            let size = wanted.map(abs).max() ?? 0
            for f in 0..<70 {
                var pre = Double(bEnc[f])
                for i in 0..<21 { pre += Double(raw[r][i] - bDec[i]) * Double(wEnc[i * 70 + f]) }
                #expect(
                    abs(pre * Double(standardization.factor) - wanted[f]) < 1e-4 * max(1, size))
            }
        }
        let json = try JSONSerialization.jsonObject(
            with: Data(contentsOf: folder.appending(path: "cfg.json")))
        let config = try #require(json as? [String: Any])
        #expect(config["architecture"] as? String == "topk")
        #expect(config["d_in"] as? Int == 21)
        #expect(config["d_sae"] as? Int == 70)
        #expect(config["k"] as? Int == 4)
        #expect(config["normalize_activations"] as? String == "none")
        #expect(
            (config["metadata"] as? [String: Any])?["hook_name"] as? String
                == "blocks.3.hook_resid_pre")
    }

    private func dot(
        _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, _ count: Int
    ) -> Float {
        (0..<count).reduce(0) { $0 + a[$1] * b[$1] }
    }
}
