// SPDX-License-Identifier: Apache-2.0
// What configs and checkpoints say of mixtures of experts, in the forms that several families share.

extension ModelConfig {
    /// The experts that these keys describe.
    func experts(
        count: String, chosen: String, width: String, activation: Experts.ExpertActivation,
        router: Experts.Router
    ) throws -> Experts {
        let all = try self.count(count, limit: 1 << 16)
        let used = try self.count(chosen, limit: 1 << 16)
        guard used <= all else { throw unusable(chosen, "must not be above \(count)") }
        return Experts(
            count: all, chosen: used, dExpert: try self.count(width), activation: activation,
            router: router)
    }
}

extension TensorNames {
    /// The matrices of each expert: each in tensors of its own; or all gates and ups in one
    /// [experts, 2 dExpert, dModel], or in one [experts, dExpert, dModel] each, and all downs in one
    /// [experts, dModel, dExpert]; with biases where there is a tensor for each kind.
    ///
    /// - Parameter own: what a checkpoint with tensors of their own, or one for each kind, calls gate, up and down.
    func experts(
        _ stem: String, _ experts: Experts, dModel: Int,
        own: (gate: String, up: String, down: String) = ("gate_proj", "up_proj", "down_proj")
    ) -> [ExpertTensors] {
        let (count, dExpert) = (experts.count, experts.dExpert)
        let isFused = contains(stem + "gate_up_proj")
        let isStacked = contains("\(stem)\(own.gate).weight")
        func stacked(_ name: String, _ rows: Int, _ columns: Int, _ e: Int) -> TensorPart {
            TensorPart(
                tensor: stem + name, rows: rows, storedShape: [count, rows, columns], expert: e)
        }
        return (0..<count).map { e in
            guard !isFused else {
                return ExpertTensors(
                    up: Projection(parts: [stacked("gate_up_proj", 2 * dExpert, dModel, e)]),
                    down: Projection(parts: [stacked("down_proj", dModel, dExpert, e)]))
            }
            guard !isStacked else {
                func bias(_ names: [String], _ rows: Int) -> [TensorPart] {
                    names.map { "\(stem)\($0).bias" }.filter(contains).map {
                        TensorPart(tensor: $0, rows: rows, storedShape: [count, rows], expert: e)
                    }
                }
                return ExpertTensors(
                    up: Projection(
                        parts: [own.gate, own.up].map {
                            stacked("\($0).weight", dExpert, dModel, e)
                        }, bias: bias([own.gate, own.up], dExpert)),
                    down: Projection(
                        parts: [stacked("\(own.down).weight", dModel, dExpert, e)],
                        bias: bias([own.down], dModel)))
            }
            return ExpertTensors(
                up: gatedUp("\(stem)\(e).", own.gate, own.up, width: dExpert, dModel: dModel),
                down: projection("\(stem)\(e).\(own.down).weight", out: dModel, in: dExpert))
        }
    }

    /// The same where one tensor holds [experts, in, out], with biases if there are any.
    func transposedExperts(_ stem: String, _ experts: Experts, dModel: Int) -> [ExpertTensors] {
        let (count, dExpert) = (experts.count, experts.dExpert)
        // 4-bit blocks lie along the input, so that these are stored as [experts, out, in].
        func matrix(_ name: String, out: Int, in input: Int, _ e: Int) -> Projection {
            let blocks = "\(stem)\(name)_blocks"
            let part =
                contains(blocks)
                ? TensorPart(
                    tensor: blocks, rows: out, storedShape: [count, out, input], expert: e)
                : TensorPart(
                    tensor: stem + name, rows: out, storedShape: [count, input, out],
                    layout: .columns(from: 0), expert: e)
            let bias = "\(stem)\(name)_bias"
            guard contains(bias) else { return Projection(parts: [part]) }
            return Projection(
                parts: [part],
                bias: [TensorPart(tensor: bias, rows: out, storedShape: [count, out], expert: e)])
        }
        return (0..<count).map { e in
            ExpertTensors(
                up: matrix("gate_up_proj", out: 2 * dExpert, in: dModel, e),
                down: matrix("down_proj", out: dModel, in: dExpert, e))
        }
    }

    /// Gate and up of a gated MLP, one below the other.
    func gatedUp(
        _ stem: String, _ gate: String, _ up: String, width: Int, dModel: Int
    ) -> Projection {
        projection(
            [gate, up].map {
                TensorPart(
                    tensor: "\(stem)\($0).weight", rows: width, storedShape: [width, dModel])
            })
    }

    /// The MLP that every token runs through beside its experts.
    func addShared(_ stem: String, _ experts: Experts, dModel: Int, to layer: inout LayerTensors) {
        layer.others[.sharedUp] = gatedUp(
            stem, "gate_proj", "up_proj", width: experts.dShared, dModel: dModel)
        layer.others[.sharedDown] = projection(
            stem + "down_proj.weight", out: dModel, in: experts.dShared)
    }
}

extension ModelDescription {
    /// Gives experts instead of an MLP to the layers that `has` names.
    mutating func setExperts(_ experts: Experts, where has: (Int) -> Bool) {
        self.experts = experts
        for l in layers.indices where has(l) {
            layers[l].hasExperts = true
            layers[l].hasMLP = false
        }
    }
}
