// SPDX-License-Identifier: Apache-2.0
// Encoding against SAELens, and against slow obvious code.

import FeatureDictionaries
import Tensors
import TestSupport
import Testing

@Suite struct FeatureEncoderTests {
    @Test(arguments: SAELensFixtures.all)
    func `activations are those of SAELens`(name: String, layer: Int) throws {
        let dictionary = try SAELensFixtures.load(name)
        let expected = try SAELensFixtures.Expected(name)
        #expect(dictionary.layer == layer)
        let codes = FeatureEncoder(dictionary).codes(of: expected.x)
        #expect(codes.rows == 7)
        #expect(codes.activations.allSatisfy { $0 > 0 })
        let activations = dense(codes, count: dictionary.dSAE)
        #expect(relativeError(activations, expected.activations) < 1e-5)
        #expect(zip(activations, expected.activations).allSatisfy { ($0 > 0) == ($1 > 0) })
    }

    @Test(arguments: SAELensFixtures.all)
    func `decompositions give SAELens' reconstruction, and with the error the vector`(
        name: String, layer: Int
    ) throws {
        let dictionary = try SAELensFixtures.load(name)
        let expected = try SAELensFixtures.Expected(name)
        let encoder = FeatureEncoder(dictionary)
        let dModel = dictionary.dModel
        for row in 0..<7 {
            let x = Array(expected.x[row * dModel..<(row + 1) * dModel])
            let parts = encoder.decompose(x)
            var sum = parts.bias.map(Double.init)
            for (feature, activation) in zip(parts.features, parts.activations) {
                for i in 0..<dModel {
                    let direction = Double(dictionary.decoder[Int(feature) * dModel + i])
                    sum[i] += Double(activation) * Double(parts.scale) * direction
                }
            }
            let reconstruction = Array(expected.reconstruction[row * dModel..<(row + 1) * dModel])
            #expect(relativeError(sum.map { Float($0) }, reconstruction) < 1e-5)
            let whole = zip(sum, parts.error).map { Float($0 + Double($1)) }
            let largest = sum.reduce(1) { max($0, abs($1)) }
            #expect(zip(whole, x).allSatisfy { abs($0 - $1) < 2e-6 * Float(largest) })
        }
    }

    @Test(arguments: [1, 2, 5, 32, 200, 203])
    func `the first of equal features are kept`(k: Int) {
        // Small whole numbers: exact in Float32, and full of ties.
        let (dModel, count, rows) = (5, 203, 60)
        var random = SplitMix(state: UInt64(k))
        let dictionary = FeatureDictionary(
            layer: 0, activation: .topK(k),
            encoder: random.wholeNumbers(count * dModel, -2...2),
            encoderBias: random.wholeNumbers(count, -1...1),
            decoder: random.wholeNumbers(count * dModel, -2...2),
            decoderBias: random.wholeNumbers(dModel, -1...1))
        let x = random.wholeNumbers(rows * dModel, -3...3)
        #expect(FeatureEncoder(dictionary).codes(of: x) == naiveTopK(k, dictionary, x))
    }

    @Test(arguments: [1, 32, 64, 500])
    func `the top of many features is found`(k: Int) {
        let (dModel, count, rows) = (3, 5000, 10)
        var random = SplitMix(state: 7)
        let dictionary = FeatureDictionary(
            layer: 0, activation: .topK(k),
            encoder: random.wholeNumbers(count * dModel, -99...99),
            encoderBias: random.wholeNumbers(count, -999...9),
            decoder: random.wholeNumbers(count * dModel, -2...2),
            decoderBias: random.wholeNumbers(dModel, -1...1), subtractsDecoderBias: false)
        let x = random.wholeNumbers(rows * dModel, -99...99)
        #expect(FeatureEncoder(dictionary).codes(of: x) == naiveTopK(k, dictionary, x))
    }

    @Test(.enabled(if: BLAS.sumsRowsAlike, "OpenBLAS' AVX2 kernels sum rows by their place"))
    func `codes do not depend on how many rows come at a time`() {
        let (dModel, count, rows) = (48, 130, 150)
        var random = SplitMix(state: 3)
        for activation in [FeatureDictionary.Activation.relu, .topK(9)] {
            let dictionary = FeatureDictionary(
                layer: 0, activation: activation, encoder: random.numbers(count * dModel),
                encoderBias: random.numbers(count), decoder: random.numbers(count * dModel),
                decoderBias: random.numbers(dModel),
                normalization: InputNormalization(rescaling: .layerNorm, isCentred: false))
            let x = random.numbers(rows * dModel)
            let encoder = FeatureEncoder(dictionary)
            let whole = encoder.codes(of: x)
            #expect(whole.rows == rows)
            for pieces in [1, 7, 127, 128, 129] {
                #expect(encoder.codes(of: x, pieces: pieces) == whole)
            }
        }
    }

    @Test func `a zero vector and one that is not finite have codes too`() throws {
        for (name, _) in SAELensFixtures.all {
            let encoder = FeatureEncoder(try SAELensFixtures.load(name))
            let parts = encoder.decompose([Float](repeating: 0, count: 16))
            #expect(parts.bias.allSatisfy(\.isFinite) && parts.error.allSatisfy(\.isFinite))
            #expect(encoder.codes(of: [Float](repeating: .nan, count: 16)).rows == 1)
            #expect(encoder.codes(of: [Float](repeating: .infinity, count: 16)).rows == 1)
        }
    }

    @Test func `a model without LayerNorm is not centred`() throws {
        let dictionary = try FeatureDictionary(
            contentsOf: SAELensFixtures.folder("centred"), dModel: 16, layers: 4,
            usesLayerNorm: false)
        #expect(!dictionary.normalization.isCentred)
        #expect(try SAELensFixtures.load("centred").normalization.isCentred)
    }

    /// By sorting all products, computed in Float64.
    private func naiveTopK(_ k: Int, _ dictionary: FeatureDictionary, _ x: [Float]) -> SparseCodes {
        let dModel = dictionary.dModel
        var codes = SparseCodes()
        for row in 0..<x.count / dModel {
            var products: [(feature: Int, value: Double)] = []
            for feature in 0..<dictionary.dSAE {
                var value = Double(dictionary.encoderBias[feature])
                for i in 0..<dModel {
                    let bias = dictionary.subtractsDecoderBias ? dictionary.decoderBias[i] : 0
                    value +=
                        Double(x[row * dModel + i] - bias)
                        * Double(dictionary.encoder[feature * dModel + i])
                }
                products.append((feature, value))
            }
            products.sort { $0.value != $1.value ? $0.value > $1.value : $0.feature < $1.feature }
            let kept = products.prefix(k).filter { $0.value > 0 }
            for (feature, value) in kept.sorted(by: { $0.feature < $1.feature }) {
                codes.append(Int32(feature), Float(value))
            }
            codes.endRow()
        }
        return codes
    }
}

extension SplitMix {
    mutating func wholeNumbers(_ count: Int, _ range: ClosedRange<Int>) -> [Float] {
        (0..<count).map { _ in Float(Int.random(in: range, using: &self)) }
    }

    mutating func numbers(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float.random(in: -1...1, using: &self) }
    }
}
