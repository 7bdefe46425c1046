// SPDX-License-Identifier: Apache-2.0
// What a config says of rotary positions, in either style that configs have.
// Reference: transformers, modeling_rope_utils.py.

import Foundation

/// What a family says where a config is silent, and what it can compute.
struct RotaryDefaults {
    var theta: Double? = 10_000
    var partial = 1.0
    /// The name of theta in the old style, and of the turning part of a head.
    var legacyTheta = "rope_theta"
    var legacyPartial = "partial_rotary_factor"
    /// Whether a part of the head's dimensions can turn.
    var isPartial = false
    var layout = Rotary.Layout.halves
}

/// The rotary settings of one kind of layer, wherever a config has them.
struct RotarySettings {
    private let config: ModelConfig
    /// `rope_parameters` (of this kind of layer) or `rope_scaling`.
    private let settings: ModelConfig
    private let defaults: RotaryDefaults

    init(
        _ config: ModelConfig, layerType: String = "full_attention",
        _ defaults: RotaryDefaults = RotaryDefaults()
    ) throws {
        self.config = config
        self.defaults = defaults
        // A user who adds rope_scaling to a newer config means it: transformers lets it win.
        if let scaling = try config.object("rope_scaling") {
            settings = scaling
        } else if let shared = try config.object("rope_parameters") {
            settings = try shared.object(layerType) ?? shared
        } else {
            settings = ModelConfig([:], source: config.source)
        }
    }

    /// A number that stands in the settings, or beside them.
    func number(_ key: String) throws -> Double? {
        try settings.numberIfAny(key) ?? config.numberIfAny(key)
    }

    /// What turns each position of a head.
    func rotary(dHead: Int) throws -> Rotary {
        let theta = try theta()
        let kind = try kind()
        let partial = try partial()
        if kind == "proportional" {
            return .proportional(
                dHead: dHead, turning: 2 * Int(partial * Double(dHead) / 2), theta: theta,
                factor: try settings.positiveIfAny("factor") ?? 1)
        }
        let dimensions = Int(Double(dHead) * partial)
        guard dimensions >= 2, dimensions % 2 == 0 else {
            throw config.unusable(
                defaults.legacyPartial,
                "turns \(dimensions) of the head's \(dHead) dimensions, which is no even number")
        }
        var rotary = Rotary(dimensions: dimensions, theta: theta, scaling: try scaling(kind))
        if kind == "yarn" { rotary.amplitude = try yarnAmplitude() }
        if kind == "longrope" { rotary = try longrope(rotary) }
        rotary.layout = defaults.layout
        return rotary
    }

    /// The name of the rescaling.
    func kind() throws -> String {
        try settings.string("rope_type") ?? settings.string("type") ?? "default"
    }

    private func theta() throws -> Double {
        for (source, key) in [(settings, "rope_theta"), (config, defaults.legacyTheta)] {
            if let theta = try source.positiveIfAny(key) { return theta }
        }
        guard let theta = defaults.theta else {
            throw config.unusable(defaults.legacyTheta, "is missing")
        }
        return theta
    }

    private func partial() throws -> Double {
        let stated = [
            try settings.positiveIfAny("partial_rotary_factor"),
            try config.positiveIfAny(defaults.legacyPartial),
            try config.positiveIfAny("partial_rotary_factor"),
        ]
        let partial = stated.compactMap { $0 }.first ?? defaults.partial
        guard partial <= 1, defaults.isPartial || partial == 1 else {
            throw config.unusable(
                "partial_rotary_factor",
                defaults.isPartial
                    ? "must not be above 1" : "is not supported in this family unless it is 1")
        }
        return partial
    }

    /// The context of training, before any rescaling.
    private func originalContext() throws -> Double {
        for source in [settings, config] {
            if let stated = try source.positiveIfAny("original_max_position_embeddings") {
                return stated
            }
        }
        return try config.positive("max_position_embeddings")
    }

    private func scaling(_ kind: String) throws -> Rotary.Scaling {
        switch kind {
        // Dynamic rescaling begins beyond the model's context, where no sequence here goes.
        case "default", "dynamic", "longrope", "mrope": return .none
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
        case "yarn":
            return .yarn(
                factor: try settings.positive("factor"),
                fast: try settings.positiveIfAny("beta_fast") ?? 32,
                slow: try settings.positiveIfAny("beta_slow") ?? 1,
                originalContext: try originalContext(),
                truncates: try settings.flag("truncate", default: true))
        case let other:
            throw settings.unusable(
                "rope_type",
                "is \"\(other)\"; default, linear, dynamic, llama3, yarn, longrope and proportional are known"
            )
        }
    }

    /// By how much yarn lengthens queries and keys.
    private func yarnAmplitude() throws -> Double {
        if let stated = try settings.positiveIfAny("attention_factor") { return stated }
        let factor = try settings.positive("factor")
        func stretch(_ scale: Double) -> Double { factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1 }
        if let scale = try settings.numberIfAny("mscale"), scale != 0,
            let all = try settings.numberIfAny("mscale_all_dim"), all != 0
        {
            return stretch(scale) / stretch(all)
        }
        return stretch(1)
    }

    /// LongRoPE within the original context: short factors, and the stretch for the longer one.
    private func longrope(_ plain: Rotary) throws -> Rotary {
        let factors = try settings.numbers("short_factor")
        guard let factors, factors.count == plain.inverseFrequencies.count,
            factors.allSatisfy({ $0 > 0 })
        else {
            throw settings.unusable(
                "short_factor",
                "(of longrope) must be a list of \(plain.inverseFrequencies.count) positive numbers"
            )
        }
        var rotary = plain.dividing(by: factors.map(Float.init))
        let original = try originalContext()
        let context = try config.positive("max_position_embeddings")
        if let stated = try settings.positiveIfAny("attention_factor") {
            rotary.amplitude = stated
        } else {
            let factor =
                config.has("original_max_position_embeddings")
                ? context / original : try settings.positiveIfAny("factor") ?? context / original
            rotary.amplitude = factor <= 1 ? 1 : (1 + log(factor) / log(original)).squareRoot()
        }
        return rotary
    }

    /// The longest sequence for which the settings' frequencies hold: longrope has others beyond it.
    func longestSequence(_ context: Int) throws -> Int {
        guard try kind() == "longrope" else { return context }
        return min(context, Int(try originalContext()))
    }
}
