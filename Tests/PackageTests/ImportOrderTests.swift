// SPDX-License-Identifier: Apache-2.0
// The floors of the house: a module imports only what stands above it in Package.swift.

import Foundation
import TestSupport
import Testing

@Suite struct ImportOrderTests {
    @Test func `a module imports only what stands above it in the package's list`() throws {
        let root = Fixtures.root.deletingLastPathComponent().deletingLastPathComponent()
        let package = try String(
            contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        let list = try #require(package.range(of: "    targets: ["))
        let names = try matches(
            #"(?:cLibrary|library|executable|systemLibrary)\(\s*(?:name: )?"([A-Za-z0-9-]+)""#,
            in: String(package[list.upperBound...]))
        #expect(names.count > 25)
        for (place, name) in names.enumerated() {
            let above = Set(names[..<place])
            for imported in try imports(of: root.appending(path: "Sources/\(name)"))
            where names.contains(imported) {
                #expect(
                    above.contains(imported), "\(name) imports \(imported), which stands below it")
            }
        }
    }

    private func imports(of folder: URL) throws -> Set<String> {
        var found: Set<String> = []
        for case let name as String in FileManager.default.enumerator(atPath: folder.path)
            ?? .init()
        where name.hasSuffix(".swift") {
            let source = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            found.formUnion(try matches(#"(?m)^(?:@[a-z_]+ )*import ([A-Za-z0-9]+)"#, in: source))
        }
        return found
    }

    private func matches(_ pattern: String, in text: String) throws -> [String] {
        let expression = try NSRegularExpression(pattern: pattern)
        return expression.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap
        {
            Range($0.range(at: 1), in: text).map { String(text[$0]) }
        }
    }
}
