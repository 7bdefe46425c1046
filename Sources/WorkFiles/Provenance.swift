// SPDX-License-Identifier: Apache-2.0
// Where a work file's numbers come from: inputs with hashes, parameters, seed, tool version.

import HDF5

/// Named facts about how a file was made, kept as attributes of its group `provenance`.
public struct Provenance: Sendable, Equatable {
    /// A fact: its name and its value.
    public struct Fact: Sendable, Equatable {
        public let name: String
        public let value: H5AttributeValue
    }

    /// In name order.
    public private(set) var facts: [Fact] = []

    /// No facts.
    public init() {}

    /// The value of a fact; setting it replaces or adds, setting nil removes.
    public subscript(name: String) -> H5AttributeValue? {
        get { facts.first { $0.name == name }?.value }
        set {
            facts.removeAll { $0.name == name }
            if let newValue { facts.append(Fact(name: name, value: newValue)) }
            facts.sort { $0.name < $1.name }
        }
    }

    /// These facts and others, each under a name that begins with the prefix.
    public func adding(_ others: Provenance, prefix: String = "") -> Provenance {
        var all = self
        for fact in others.facts { all[prefix + fact.name] = fact.value }
        return all
    }

    /// The text of a fact, if it is one.
    public func text(_ name: String) -> String? {
        if case .text(let text)? = self[name] { return text }
        return nil
    }

    /// The whole number of a fact, if it is one.
    public func int(_ name: String) -> Int? {
        if case .int(let int)? = self[name] { return int }
        return nil
    }

    func write(to file: H5File) throws(H5Error) {
        try file.createGroup("provenance")
        for fact in facts {
            try file.setAttribute(fact.name, of: "provenance", to: fact.value)
        }
    }

    init(from file: H5File) throws(H5Error) {
        for name in file.attributeNames(of: "provenance") {
            self[name] = try file.attributeValue(name, of: "provenance")
        }
    }
}
