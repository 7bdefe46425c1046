// SPDX-License-Identifier: Apache-2.0
// config.json and scatter_data.json: what a page reads first.

import HDF5
import JSON
import WorkFiles

/// A field of the head payload that a page shows, and how.
public struct DisplayedField: Sendable {
    public var key: String
    public var label: String
    public var description: String
    /// Further keys, such as x_format.
    public var format: String?

    /// A field with its label.
    public init(key: String, label: String, description: String = "", format: String? = nil) {
        self.key = key
        self.label = label
        self.description = description
        self.format = format
    }
}

/// The contents of config.json.
public struct ConfigPayload: Sendable {
    public var modelName: String
    public var heads: [(layer: Int, head: Int)]
    public var nLayers: Int
    public var nHeads: Int
    public var nIntervals: Int
    public var metrics: [(name: String, description: String)]
    /// The heads that have a cloud.
    public var umapHeads: [(layer: Int, head: Int)]
    /// Whether there is a head_map.json.
    public var hasHeadMap: Bool
    public var plots: [DisplayedField]
    public var tables: [DisplayedField]
    public var statistics: [DisplayedField]
    public var defaultX: String
    public var defaultY: String
    public var defaultColor: String
    /// Where the run's numbers come from.
    public var provenance: Provenance

    /// The contents of config.json.
    public init(
        modelName: String, heads: [(layer: Int, head: Int)], nLayers: Int, nHeads: Int,
        nIntervals: Int, metrics: [(name: String, description: String)],
        umapHeads: [(layer: Int, head: Int)], hasHeadMap: Bool, plots: [DisplayedField],
        tables: [DisplayedField],
        statistics: [DisplayedField], defaultX: String, defaultY: String, defaultColor: String,
        provenance: Provenance
    ) {
        self.modelName = modelName
        self.heads = heads
        self.nLayers = nLayers
        self.nHeads = nHeads
        self.nIntervals = nIntervals
        self.metrics = metrics
        self.umapHeads = umapHeads
        self.hasHeadMap = hasHeadMap
        self.plots = plots
        self.tables = tables
        self.statistics = statistics
        self.defaultX = defaultX
        self.defaultY = defaultY
        self.defaultColor = defaultColor
        self.provenance = provenance
    }

    /// The file's bytes.
    public func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            writeModel(&json)
            writeMetrics(&json)
            writeDisplay(&json)
            json.key("pipeline_config")
            json.object { json in
                for fact in provenance.facts {
                    json.key(fact.name)
                    switch fact.value {
                    case .text(let text): json.string(text)
                    case .int(let int): json.int(int)
                    case .number(let number): json.number(number)
                    }
                }
            }
        }
        return json.bytes
    }

    private func writeModel(_ json: inout JSONWriter) {
        func addresses(_ heads: [(layer: Int, head: Int)], _ json: inout JSONWriter) {
            json.array { json in for head in heads { json.ints([head.layer, head.head]) } }
        }
        json.member("model_name", modelName)
        json.key("heads")
        addresses(heads, &json)
        json.member("n_layers", nLayers)
        json.member("n_heads", nHeads)
        json.member("n_intervals", nIntervals)
        json.member("head_data_pattern", "L{layer}H{head}.json")
        json.member("has_umap", !umapHeads.isEmpty)
        json.key("umap_heads")
        addresses(umapHeads, &json)
        json.member("has_head_map", hasHeadMap)
        json.key("people_files")
        json.strings(PeopleFiles.empty.map(\.path))
    }

    private func writeMetrics(_ json: inout JSONWriter) {
        json.key("metrics")
        json.strings(metrics.map(\.name))
        json.key("metric_descriptions")
        json.object { json in
            for metric in metrics {
                json.member(metric.name, metric.description)
            }
        }
    }

    private func writeDisplay(_ json: inout JSONWriter) {
        for (key, fields, format) in [
            ("custom_plots", plots, "x_format"), ("custom_tables", tables, ""),
        ] {
            json.key(key)
            json.array { json in
                for field in fields {
                    json.object { json in
                        for (name, value) in [
                            ("key", field.key), ("label", field.label),
                            ("description", field.description),
                        ] {
                            json.member(name, value)
                        }
                        if let value = field.format {
                            json.member(format, value)
                        }
                    }
                }
            }
        }
        json.key("statistics_display")
        json.object { json in
            for field in statistics {
                json.key(field.key)
                json.object { json in
                    json.member("label", field.label)
                    json.member("format", field.format ?? "default")
                }
            }
        }
        json.key("scatter")
        json.object { json in
            for (name, value) in [
                ("default_x", defaultX), ("default_y", defaultY), ("default_color", defaultColor),
            ] {
                json.member(name, value)
            }
            json.key("discrete_axes")
            json.strings(["layer", "head"])
        }
        json.key("dimensions")
        json.object { json in
            for (name, value) in [("primary", "layer"), ("secondary", "head")] {
                json.member(name, value)
            }
        }
    }
}

/// One row of scatter_data.json.
public struct ScatterRow: Sendable {
    public var layer: Int
    public var head: Int
    /// In display order.
    public var metrics: [(name: String, value: Double, standardError: Double?)]

    /// A head's metrics.
    public init(
        layer: Int, head: Int, metrics: [(name: String, value: Double, standardError: Double?)]
    ) {
        self.layer = layer
        self.head = head
        self.metrics = metrics
    }

    /// The bytes of scatter_data.json: numbers and nothing else, as clients print every key of a row.
    public static func json(_ rows: [ScatterRow]) -> [UInt8] {
        table(rows) { $0.value }
    }

    /// The bytes of scatter_errors.json: the same rows with the standard errors of the metrics that have one.
    public static func errorsJSON(_ rows: [ScatterRow]) -> [UInt8] {
        table(rows) { metric in metric.standardError.flatMap { $0.isFinite ? $0 : nil } }
    }

    private static func table(
        _ rows: [ScatterRow],
        _ number: ((name: String, value: Double, standardError: Double?)) -> Double?
    ) -> [UInt8] {
        var json = JSONWriter()
        json.array { json in
            for row in rows {
                json.object { json in
                    json.member("layer", row.layer)
                    json.member("head", row.head)
                    for metric in row.metrics {
                        guard let number = number(metric) else { continue }
                        json.member(metric.name, number)
                    }
                }
            }
        }
        return json.bytes
    }
}
