// SPDX-License-Identifier: Apache-2.0
// "{name} went home. {name}" x lists of names: prompts made of templates.

import UserErrors

/// A labelled prompt: does the query attend to key A more than to key B?
public struct LabelledPrompt: Codable, Sendable, Equatable {
    public var text: String
    public var query: Mark
    public var a: Mark
    public var b: Mark
    /// Prompts of a label are also told together.
    public var label: String?
}

/// Labelled prompts with {words} in their texts and marks, and the lists that the words come from.
struct Templates {
    let prompts: [LabelledPrompt]
    let lists: [String: [String]]

    /// Every template with every choice from the lists that it names; its first list changes slowest.
    ///
    /// - Throws: when there are more than `limit`.
    func expanded(limit: Int) throws -> [LabelledPrompt] {
        var result: [LabelledPrompt] = []
        for template in prompts {
            let names = lists.keys.compactMap { name in
                template.text.firstRange(of: "{\(name)}").map { (name, $0.lowerBound) }
            }.sorted { $0.1 < $1.1 }.map(\.0)
            var count = 1
            for name in names {
                let (product, isTooMuch) = count.multipliedReportingOverflow(
                    by: lists[name]?.count ?? 0)
                guard !isTooMuch, result.count + product <= limit else {
                    throw UserError(
                        "the templates and lists make more than \(limit) prompts; shorten the lists."
                    )
                }
                count = product
            }
            for choice in 0..<count {
                result.append(filled(template, names, choice))
            }
            guard result.count <= limit else {
                throw UserError("there are more than \(limit) prompts; ask about fewer at a time.")
            }
        }
        return result
    }

    /// The template with the `choice`-th of all choices.
    private func filled(
        _ template: LabelledPrompt, _ names: [String], _ choice: Int
    ) -> LabelledPrompt {
        var values: [(name: String, value: String)] = []
        var rest = choice
        for name in names.reversed() {
            let list = lists[name] ?? []
            values.append((name, list[rest % list.count]))
            rest /= list.count
        }
        func fill(_ text: String) -> String {
            values.reduce(text) { $0.replacing("{\($1.name)}", with: $1.value) }
        }
        return LabelledPrompt(
            text: fill(template.text), query: template.query.mapText(fill),
            a: template.a.mapText(fill), b: template.b.mapText(fill),
            label: template.label.map(fill))
    }
}
