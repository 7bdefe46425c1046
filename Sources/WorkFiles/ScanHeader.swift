// SPDX-License-Identifier: Apache-2.0
// What scan.h5 says about itself before its data.

import AttentionStats
import HDF5
import Transformer

/// The model's own counts, for display and for reading the vectors.
public struct ModelSummary: Sendable, Equatable {
    /// For people: the name of its folder, file, or Hub id.
    public var name: String
    public var nLayers: Int
    public var nHeads: Int
    public var nKVHeads: Int
    /// Width of the stored vectors: of a model whose heads differ, that of the widest.
    public var dHead: Int
    public var dModel: Int
    public var isCausal: Bool

    /// The summary of a described model.
    public init(name: String, _ model: ModelDescription) {
        self.name = name
        nLayers = model.nLayers
        nHeads = model.nHeads
        nKVHeads = model.nKVHeads
        dHead = model.largestDHead
        dModel = model.dModel
        isCausal = model.isCausal
    }

    func write(to file: H5File) throws(H5Error) {
        try file.createGroup("model")
        try file.setAttribute("name", of: "model", to: name)
        for (name, value) in counts { try file.setAttribute(name, of: "model", to: value) }
    }

    init(from file: H5File) throws(H5Error) {
        name = try file.stringAttribute("name", of: "model")
        nLayers = try file.attribute("n_layers", of: "model")
        nHeads = try file.attribute("n_heads", of: "model")
        nKVHeads = try file.attribute("n_kv_heads", of: "model")
        dHead = try file.attribute("d_head", of: "model")
        dModel = try file.attribute("d_model", of: "model")
        isCausal = try file.attribute("is_causal", of: "model", as: Int.self) != 0
        guard
            [nLayers, nHeads, nKVHeads, dHead, dModel].allSatisfy({
                (1...1 << 24).contains($0)
            })
        else { throw file.damaged("model", "its counts are absurd") }
    }

    private var counts: [(String, Int)] {
        [
            ("n_layers", nLayers), ("n_heads", nHeads), ("n_kv_heads", nKVHeads),
            ("d_head", dHead), ("d_model", dModel), ("is_causal", isCausal ? 1 : 0),
        ]
    }
}

/// Everything that is known before the first forward pass.
public struct ScanHeader: Sendable, Equatable {
    public var provenance: Provenance
    public var model: ModelSummary
    /// The studied heads, sorted.
    public var heads: [HeadAddress]
    /// For each studied head, which group it is of: heads of a group share keys and values. Groups count from 0 in the
    /// order of the heads.
    public var keyGroups: [Int]
    /// The longest sequence there can be.
    public var maxLength: Int
    /// Number of activation intervals that sampling is prepared for.
    public var nIntervals: Int
    /// Samples of each interval that sampling is prepared for.
    public var samplesPerInterval: Int
    /// How many exact top sequences each head keeps.
    public var topSequences: Int
    /// Of the hash priorities.
    public var seed: UInt64
    /// The priorities below this had their patterns kept.
    public var priorityThreshold: UInt64
    /// The lowest attention of the stored high-attention pairs.
    public var highAttention: Float

    /// Everything that is known before the first forward pass.
    public init(
        provenance: Provenance, model: ModelSummary, heads: [HeadAddress], keyGroups: [Int],
        maxLength: Int,
        nIntervals: Int, samplesPerInterval: Int, topSequences: Int, seed: UInt64,
        priorityThreshold: UInt64, highAttention: Float
    ) {
        self.provenance = provenance
        self.model = model
        self.heads = heads
        self.keyGroups = keyGroups
        self.maxLength = maxLength
        self.nIntervals = nIntervals
        self.samplesPerInterval = samplesPerInterval
        self.topSequences = topSequences
        self.seed = seed
        self.priorityThreshold = priorityThreshold
        self.highAttention = highAttention
    }

    /// How many bins of distances a sequence can fill.
    public var distanceBins: Int { DistanceBins.count(forLength: maxLength) }

    /// The studied heads of each layer that has any.
    public var headsByLayer: [Range<Int>] {
        var layers: [Range<Int>] = []
        for index in heads.indices {
            if let last = layers.last, heads[last.lowerBound].layer == heads[index].layer {
                layers[layers.count - 1] = last.lowerBound..<index + 1
            } else {
                layers.append(index..<index + 1)
            }
        }
        return layers
    }

    func write(to file: H5File) throws(H5Error) {
        try model.write(to: file)
        try file.write(heads: heads)
        try file.write(
            keyGroups.map(Int32.init), shape: [heads.count], to: "key_groups", axes: ["head index"],
            about: "Heads with the same number share keys and values.")
        try file.createGroup("sampling")
        try file.setAttribute("max_length", of: "sampling", to: maxLength)
        try file.setAttribute("n_intervals", of: "sampling", to: nIntervals)
        try file.setAttribute("samples_per_interval", of: "sampling", to: samplesPerInterval)
        try file.setAttribute("top_sequences", of: "sampling", to: topSequences)
        try file.setAttribute("seed", of: "sampling", to: seed)
        try file.setAttribute("priority_threshold", of: "sampling", to: priorityThreshold)
        try file.setAttribute("high_attention", of: "sampling", to: highAttention)
    }

    init(from file: H5File) throws(H5Error) {
        provenance = try Provenance(from: file)
        model = try ModelSummary(from: file)
        heads = try file.readHeads()
        keyGroups = try file.readKeyGroups(heads)
        maxLength = try file.attribute("max_length", of: "sampling")
        nIntervals = try file.attribute("n_intervals", of: "sampling")
        samplesPerInterval = try file.attribute("samples_per_interval", of: "sampling")
        topSequences = try file.attribute("top_sequences", of: "sampling")
        seed = try file.attribute("seed", of: "sampling")
        priorityThreshold = try file.attribute("priority_threshold", of: "sampling")
        highAttention = try file.attribute("high_attention", of: "sampling")
        guard (1...longestSequence).contains(maxLength), (1...1000).contains(nIntervals),
            [samplesPerInterval, topSequences].allSatisfy({ (1...1 << 30).contains($0) }),
            isAttention(highAttention)
        else { throw file.damaged("sampling", "its counts are absurd") }
        guard !heads.isEmpty,
            heads.allSatisfy({ $0.layer < model.nLayers && $0.head < model.nHeads })
        else {
            throw file.damaged("heads", "are none, or not of the model")
        }
    }
}

extension H5File {
    /// Reads `key_groups`: numbers from 0 in the order of the heads, a layer's of its own.
    fileprivate func readKeyGroups(_ heads: [HeadAddress]) throws(H5Error) -> [Int] {
        let stored: [Int32] = try read("key_groups", shape: [heads.count])
        let groups = stored.map(Int.init)
        for index in groups.indices {
            let last = index == 0 ? -1 : groups[index - 1]
            let isShared =
                index > 0 && groups[index] == last && heads[index].layer == heads[index - 1].layer
            guard isShared || groups[index] == last + 1 else {
                throw damaged("key_groups", "holds a group that cannot be")
            }
        }
        return groups
    }
}
