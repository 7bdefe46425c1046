// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding (Su et al. 2021), in the half-split layout: dimension i turns with i + n.

import Foundation
import Tensors

/// One kind of rotary embedding: how many dimensions turn, and how fast.
public struct Rotary: Sendable, Equatable {
    /// Radians per position of each pair; n values turn the first 2n dimensions of a head.
    public let inverseFrequencies: [Double]

    /// Rescaling of the frequencies for contexts longer than in training.
    public enum Scaling: Sendable, Equatable {
        case none
        /// All frequencies divided by a factor.
        case linear(factor: Double)
        /// Llama 3: low frequencies divided by the factor, high ones kept, those between blended.
        case llama3(factor: Double, lowFactor: Double, highFactor: Double, originalContext: Double)
    }

    /// Frequencies theta^(-2i / dimensions).
    ///
    /// - Parameter dimensions: how many of the head's dimensions turn; even.
    public init(dimensions: Int, theta: Double, scaling: Scaling = .none) {
        inverseFrequencies = (0..<dimensions / 2).map { i in
            let frequency = 1 / pow(theta, Double(2 * i) / Double(dimensions))
            return Self.scaled(frequency, scaling)
        }
    }

    /// transformers, modeling_rope_utils.py: `_compute_llama3_parameters`.
    private static func scaled(_ frequency: Double, _ scaling: Scaling) -> Double {
        switch scaling {
        case .none: return frequency
        case .linear(let factor): return frequency / factor
        case .llama3(let factor, let low, let high, let original):
            let wavelength = 2 * Double.pi / frequency
            if wavelength > original / low { return frequency / factor }
            if wavelength < original / high { return frequency }
            let smooth = (original / wavelength - low) / (high - low)
            return (1 - smooth) * frequency / factor + smooth * frequency
        }
    }

    /// The same with each frequency divided by its factor.
    func dividing(by factors: [Float]) -> Rotary {
        Rotary(inverseFrequencies: zip(inverseFrequencies, factors).map { $0 / Double($1) })
    }

    private init(inverseFrequencies: [Double]) { self.inverseFrequencies = inverseFrequencies }

    /// Reads the rotary settings of a config, in the new style (`rope_parameters`) or the old one.
    ///
    /// - Parameters:
    ///   - dHead: the full width of a head.
    ///   - layerType: for models whose settings differ between layer types.
    ///   - legacyTheta: the name of theta in the old style.
    ///   - defaultTheta: the family's theta where the config states none.
    ///   - isPartial: whether the family can turn a part of the head's dimensions only.
    static func read(
        _ config: ModelConfig, dHead: Int, layerType: String = "full_attention",
        legacyTheta: String = "rope_theta", defaultTheta: Double = 10_000, isPartial: Bool = false
    ) throws -> Rotary {
        var settings = config
        if let shared = try config.object("rope_parameters") {
            settings = shared
            if let own = try shared.object(layerType) { settings = own }
        } else {
            settings = ModelConfig([:], source: config.source)
            if let scaling = try config.object("rope_scaling") { settings = scaling }
        }
        // What the settings leave out may stand beside them.
        var theta = defaultTheta
        if let stated = try config.positiveIfAny(legacyTheta) { theta = stated }
        if let stated = try settings.positiveIfAny("rope_theta") { theta = stated }
        var partial = 1.0
        for (source, key) in [
            (config, "rotary_pct"), (config, "partial_rotary_factor"),
            (settings, "partial_rotary_factor"),
        ] {
            if let stated = try source.positiveIfAny(key) { partial = stated }
        }
        guard partial <= 1, isPartial || partial == 1 else {
            throw config.unusable(
                "partial_rotary_factor",
                isPartial ? "must not be above 1" : "is not supported in this family unless it is 1"
            )
        }
        let dimensions = Int(Double(dHead) * partial)
        guard dimensions >= 2, dimensions % 2 == 0 else {
            throw config.unusable(
                "partial_rotary_factor",
                "turns \(dimensions) of the head's \(dHead) dimensions, which is no even number")
        }
        return Rotary(
            dimensions: dimensions, theta: theta, scaling: try readScaling(settings))
    }

    private static func readScaling(_ settings: ModelConfig) throws -> Scaling {
        var kind = try settings.string("type") ?? "default"
        if let newer = try settings.string("rope_type") { kind = newer }
        switch kind {
        case "default": return .none
        case "linear": return .linear(factor: try settings.positive("factor"))
        case "llama3":
            let low = try settings.positive("low_freq_factor")
            let high = try settings.positive("high_freq_factor")
            guard low < high else {
                throw settings.unusable("low_freq_factor", "must be below high_freq_factor")
            }
            return .llama3(
                factor: try settings.positive("factor"), lowFactor: low, highFactor: high,
                originalContext: try settings.positive("original_max_position_embeddings"))
        case let other:
            throw settings.unusable(
                "rope_type", "is \"\(other)\"; default, linear and llama3 are known")
        }
    }
}

/// Cosines and sines of every position, ready to turn queries and keys.
struct RotaryTable: Sendable {
    let pairs: Int
    /// [positions, pairs].
    private let cosines: [Float]
    private let sines: [Float]

    init(_ rotary: Rotary, positions: Int) {
        pairs = rotary.inverseFrequencies.count
        var cosines: [Float] = []
        var sines: [Float] = []
        cosines.reserveCapacity(positions * pairs)
        sines.reserveCapacity(positions * pairs)
        for position in 0..<positions {
            for frequency in rotary.inverseFrequencies {
                cosines.append(Float(cos(Double(position) * frequency)))
                sines.append(Float(sin(Double(position) * frequency)))
            }
        }
        self.cosines = cosines
        self.sines = sines
    }

    /// Turns `heads` consecutive vectors of width `dHead` that all stand at `position`.
    func rotate(
        _ vectors: UnsafeMutablePointer<Float>, heads: Int, dHead: Int, position: Int
    ) {
        cosines.withUnsafeBufferPointer { cosines in
            sines.withUnsafeBufferPointer { sines in
                guard let cosine = cosines.baseAddress, let sine = sines.baseAddress else { return }
                for head in 0..<heads {
                    Self.rotate(
                        vectors + head * dHead, pairs, cosine + position * pairs,
                        sine + position * pairs)
                }
            }
        }
    }

    /// (a, b) becomes (a cos - b sin, b cos + a sin) for a = x[i], b = x[i + pairs].
    private static func rotate(
        _ x: UnsafeMutablePointer<Float>, _ pairs: Int, _ cosine: UnsafePointer<Float>,
        _ sine: UnsafePointer<Float>
    ) {
        var i = 0
        while i + laneCount <= pairs {
            let (a, b) = (x.lanes(at: i), x.lanes(at: i + pairs))
            let (c, s) = (cosine.lanes(at: i), sine.lanes(at: i))
            x.store(a * c - b * s, at: i)
            x.store(b * c + a * s, at: i + pairs)
            i += laneCount
        }
        while i < pairs {
            let (a, b) = (x[i], x[i + pairs])
            x[i] = a * cosine[i] - b * sine[i]
            x[i + pairs] = b * cosine[i] + a * sine[i]
            i += 1
        }
    }
}
