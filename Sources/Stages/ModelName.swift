// SPDX-License-Identifier: Apache-2.0
// What people call a model that lies somewhere.

import Foundation

extension LoadedModel {
    /// A model's name for people: its id on the Hub, with `@` and the revision where that is not the main one, or
    /// else its last path component.
    ///
    /// An id is known where the Hub's cache lies (models--owner--name/snapshots/commit) and where make links to it
    /// (models/hub/owner--name@revision).
    public static func name(of url: URL) -> String {
        let path = url.standardizedFileURL
        let parts = path.pathComponents
        if let cached = parts.firstIndex(where: { $0.hasPrefix("models--") }) {
            let id = hubName(String(parts[cached].dropFirst("models--".count)))
            guard parts.count > cached + 2, parts[cached + 1] == "snapshots" else { return id }
            let repository = parts[...cached].reduce(URL(filePath: "/")) { $0.appending(path: $1) }
            return id + revision(ofCommit: parts[cached + 2], in: repository)
        }
        if parts.dropLast().last == "hub", parts[parts.count - 1].contains("--") {
            return hubName(parts[parts.count - 1])
        }
        return ["gguf", "safetensors", "bin"].contains(path.pathExtension)
            ? path.deletingPathExtension().lastPathComponent : path.lastPathComponent
    }

    private static func hubName(_ folder: String) -> String { folder.replacing("--", with: "/") }

    /// `@` and the name of a commit: nothing for the main one, or where the cache knows of none.
    private static func revision(ofCommit commit: String, in repository: URL) -> String {
        let refs = repository.appending(path: "refs")
        let names = (FileManager.default.subpaths(atPath: refs.path) ?? []).sorted()
        let here = names.filter {
            let file = try? FileHandle(forReadingFrom: refs.appending(path: $0))
            let start = (try? file?.read(upToCount: 100)) ?? Data()
            return String(decoding: start, as: UTF8.self).prefix { !$0.isWhitespace } == commit
        }
        if here.contains("main") || names.isEmpty { return "" }
        return "@\(here.first ?? String(commit.prefix(10)))"
    }
}
