// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding (Su et al. 2021), in the half-split layout: dimension i turns with i + n.

import Foundation
import Tensors

/// One kind of rotary embedding: which dimensions turn, how fast, and how far they reach.
public struct Rotary: Sendable, Equatable {
    /// Radians per position of each pair; n values turn 2n dimensions of a head.
    public let inverseFrequencies: [Double]
    /// Multiplies cosine and sine.
    public var amplitude = 1.0
    /// Which dimensions make a pair.
    public var layout = Layout.halves
    /// The first dimension of a head that turns.
    public var offset = 0

    /// The ways to pair 2n dimensions.
    public enum Layout: Sendable, Equatable {
        /// i with i + n.
        case halves
        /// 2i with 2i + 1.
        case neighbours
        /// 2i with 2i + 1, whose results become i and i + n.
        case neighboursToHalves
    }

    /// The dimensions of a pair before turning, and after it, counted from `offset`.
    public func pair(_ i: Int) -> (from: (Int, Int), to: (Int, Int)) {
        let halves = (i, i + inverseFrequencies.count)
        switch layout {
        case .halves: return (halves, halves)
        case .neighbours: return ((2 * i, 2 * i + 1), (2 * i, 2 * i + 1))
        case .neighboursToHalves: return ((2 * i, 2 * i + 1), halves)
        }
    }

    /// Rescaling of the frequencies for contexts longer than in training.
    public enum Scaling: Sendable, Equatable {
        case none
        /// All frequencies divided by a factor.
        case linear(factor: Double)
        /// Llama 3: low frequencies divided by the factor, high ones kept, those between blended.
        case llama3(factor: Double, lowFactor: Double, highFactor: Double, originalContext: Double)
        /// YaRN (Peng et al. 2023): the same by turns within the original context.
        case yarn(
            factor: Double, fast: Double, slow: Double, originalContext: Double, truncates: Bool)
    }

    /// Frequencies theta^(-2i / dimensions).
    ///
    /// - Parameter dimensions: how many of the head's dimensions turn; even.
    public init(dimensions: Int, theta: Double, scaling: Scaling = .none) {
        inverseFrequencies = (0..<dimensions / 2).map { i in
            let frequency = 1 / pow(theta, Double(2 * i) / Double(dimensions))
            if case .yarn(let factor, let fast, let slow, let original, let truncates) = scaling {
                let ramp = Self.yarnRamp(
                    i, dimensions: dimensions, theta: theta, fast: fast, slow: slow,
                    originalContext: original, truncates: truncates)
                return frequency / factor * ramp + frequency * (1 - ramp)
            }
            return Self.scaled(frequency, scaling)
        }
    }

    /// How far pair i is on its way from kept (0) to divided by the factor (1).
    /// transformers, modeling_rope_utils.py: `_compute_yarn_parameters`.
    private static func yarnRamp(
        _ i: Int, dimensions: Int, theta: Double, fast: Double, slow: Double,
        originalContext: Double, truncates: Bool
    ) -> Double {
        func pair(turns: Double) -> Double {
            Double(dimensions) * log(originalContext / (turns * 2 * .pi)) / (2 * log(theta))
        }
        var (low, high) = (pair(turns: fast), pair(turns: slow))
        if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
        (low, high) = (max(low, 0), min(high, Double(dimensions - 1)))
        if low == high { high += 0.001 }
        return min(max((Double(i) - low) / (high - low), 0), 1)
    }

    /// Gemma 4: exponents over the whole head, of which only the first part's pairs turn at all.
    static func proportional(
        dHead: Int, turning: Int, theta: Double, factor: Double
    ) -> Rotary {
        Rotary(
            inverseFrequencies: (0..<dHead / 2).map { i in
                2 * i < turning ? pow(theta, -Double(2 * i) / Double(dHead)) / factor : 0
            })
    }

    /// transformers, modeling_rope_utils.py: `_compute_llama3_parameters`.
    private static func scaled(_ frequency: Double, _ scaling: Scaling) -> Double {
        switch scaling {
        case .none, .yarn: return frequency
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
        var result = Rotary(
            inverseFrequencies: zip(inverseFrequencies, factors).map { $0 / Double($1) })
        (result.amplitude, result.layout, result.offset) = (amplitude, layout, offset)
        return result
    }

    private init(inverseFrequencies: [Double]) { self.inverseFrequencies = inverseFrequencies }
}

/// Cosines and sines of every position, ready to turn queries and keys.
struct RotaryTable: Sendable {
    let pairs: Int
    private let rotary: Rotary
    /// [positions, pairs].
    private let cosines: [Float]
    private let sines: [Float]

    init(_ rotary: Rotary, positions: Int) {
        self.rotary = rotary
        pairs = rotary.inverseFrequencies.count
        var cosines: [Float] = []
        var sines: [Float] = []
        cosines.reserveCapacity(positions * pairs)
        sines.reserveCapacity(positions * pairs)
        for position in 0..<positions {
            for frequency in rotary.inverseFrequencies {
                cosines.append(Float(cos(Double(position) * frequency) * rotary.amplitude))
                sines.append(Float(sin(Double(position) * frequency) * rotary.amplitude))
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
                    let x = vectors + head * dHead + rotary.offset
                    let (c, s) = (cosine + position * pairs, sine + position * pairs)
                    switch rotary.layout {
                    case .halves: Self.rotateHalves(x, pairs, c, s)
                    case .neighbours: Self.rotateNeighbours(x, pairs, c, s)
                    case .neighboursToHalves:
                        Self.rotateNeighbours(x, pairs, c, s)
                        Self.separate(x, pairs)
                    }
                }
            }
        }
    }

    /// (a, b) becomes (a cos - b sin, b cos + a sin) for a = x[i], b = x[i + pairs].
    private static func rotateHalves(
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

    /// The same for a = x[2i], b = x[2i + 1].
    private static func rotateNeighbours(
        _ x: UnsafeMutablePointer<Float>, _ pairs: Int, _ cosine: UnsafePointer<Float>,
        _ sine: UnsafePointer<Float>
    ) {
        for i in 0..<pairs {
            let (a, b) = (x[2 * i], x[2 * i + 1])
            x[2 * i] = a * cosine[i] - b * sine[i]
            x[2 * i + 1] = b * cosine[i] + a * sine[i]
        }
    }

    /// (x[2i], x[2i + 1]) become x[i] and x[i + pairs].
    private static func separate(_ x: UnsafeMutablePointer<Float>, _ pairs: Int) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * pairs) { copy in
            guard let copy = copy.baseAddress else { return }
            copy.update(from: x, count: 2 * pairs)
            for i in 0..<pairs { (x[i], x[i + pairs]) = (copy[2 * i], copy[2 * i + 1]) }
        }
    }
}
