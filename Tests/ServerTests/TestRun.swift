// SPDX-License-Identifier: Apache-2.0
// A small run of the whole pipeline, made by the programs that were built with the tests.

import Foundation
import TestSupport

/// The programs beside the test bundle.
enum Programs {
    /// The folder they are in.
    static let folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    /// Runs a program to its end; throws what it printed if it fails.
    @discardableResult
    static func run(_ program: URL, _ arguments: [String], environment: [String: String] = [:])
        throws -> String
    {
        let process = Process()
        let output = Pipe()
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(
            decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestFailure("\(program.lastPathComponent) failed: \(text)")
        }
        return text
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A data tree with its work files, model and corpus.
struct TestRun: Sendable {
    let folder: URL
    /// One document each.
    let corpus: [String]

    var work: URL { folder.appending(path: "work") }
    /// Of layer 1, trained a little; the evidence of its features lies in `work`.
    var dictionaries: URL { folder.appending(path: "dictionaries") }
    static let model = Fixtures.url("models/induction-gpt2")

    /// The only run; every test takes a copy of its tree.
    static let shared = Result { try make() }

    private static func make() throws -> TestRun {
        let folder = Programs.folder.appending(path: "server-test-run")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let corpus = documents(count: 60)
        let text = folder.appending(path: "corpus.txt")
        try Data(corpus.joined(separator: "\n").utf8).write(to: text)
        let work = folder.appending(path: "work").path
        func stage(_ name: String, _ arguments: String...) throws {
            try Programs.run(Programs.folder.appending(path: "stage-\(name)"), arguments)
        }
        try stage(
            "scan", "run", "--model", model.path, "--corpus", text.path, "--layers", "all",
            "--seq-len", "64", "--points", "400", "--workers", "2", "--output", "\(work)/scan.h5")
        try stage("metrics", "--scan", "\(work)/scan.h5", "--output", "\(work)/metrics.h5")
        try stage("sample", "--scan", "\(work)/scan.h5", "--output", "\(work)/sample.h5")
        try stage(
            "project", "--scan", "\(work)/scan.h5", "--points", "300", "--views", "5:0.1 15:0.5",
            "--output", "\(work)/project.h5")
        try stage(
            "emit", "--scan", "\(work)/scan.h5", "--metrics", "\(work)/metrics.h5", "--sample",
            "\(work)/sample.h5", "--project", "\(work)/project.h5", "--data",
            folder.appending(path: "data").path)
        let reading = ["--model", model.path, "--corpus", text.path, "--seq-len", "64"]
        try Programs.run(
            Programs.folder.appending(path: "stage-dictionary"),
            ["train"] + reading + [
                "--layers", "1", "--features-per-dimension", "4", "--k", "8", "--steps", "200",
                "--output-folder", folder.appending(path: "dictionaries").path,
            ])
        try Programs.run(
            Programs.folder.appending(path: "stage-dictionary"),
            ["evidence"] + reading + [
                "--layers", "1", "--dictionaries", folder.appending(path: "dictionaries").path,
                "--output-folder", work,
            ])
        return TestRun(folder: folder, corpus: corpus)
    }

    /// Words of the model, the second half of a document repeating its first, so that heads have
    /// something to find; some are longer than a sequence of the scan.
    private static func documents(count: Int) -> [String] {
        var random = SplitMix(state: 7)
        let words = [
            "cat", "dog", "sun", "moon", "tree", "fish", "bird", "rock", "lake", "hill", "rain",
            "snow", "wind", "fire", "sand", "leaf", "wolf", "bear", "deer", "frog", "ship", "boat",
        ]
        return (0..<count).map { _ in
            let half = (0..<Int(random.next() % 40) + 5).map { _ in
                words[Int(random.next() % UInt64(words.count))]
            }
            return (half + half).joined(separator: " ")
        }
    }
}

/// A copy of the tree, a page and a secret beside them, for one test.
struct TestSite: Sendable {
    let folder: URL
    let run: TestRun
    var data: URL { folder.appending(path: "data") }
    var web: URL { folder.appending(path: "web") }
    static let secret = "what nobody may read"

    /// Gives `body` a site, which is removed afterwards.
    static func with<Result>(
        _ body: (TestSite) async throws -> Result
    ) async throws -> Result {
        let run = try TestRun.shared.get()
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "headvis-site-\(UUID().uuidString)")
        let files = FileManager.default
        try files.createDirectory(
            at: folder.appending(path: "web/js"), withIntermediateDirectories: true)
        defer { try? files.removeItem(at: folder) }
        let site = TestSite(folder: folder, run: run)
        try files.copyItem(at: run.folder.appending(path: "data"), to: site.data)
        try Data("<!doctype html><title>HeadVis</title>".utf8)
            .write(to: site.web.appending(path: "index.html"))
        try Data("export const x = 1;".utf8).write(to: site.web.appending(path: "js/main.js"))
        try Data(secret.utf8).write(to: folder.appending(path: "secret.json"))
        try files.createSymbolicLink(
            at: site.data.appending(path: "heads/outside.json"),
            withDestinationURL: folder.appending(path: "secret.json"))
        return try await body(site)
    }

    func read(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: data.appending(path: path)))
    }

    func json(_ path: String) throws -> [String: Any] {
        try object(try read(path))
    }
}

/// The JSON object in some bytes.
func object(_ bytes: some Sequence<UInt8>) throws -> [String: Any] {
    guard let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
        throw TestFailure(
            "not an object: \(String(decoding: Array(bytes.prefix(200)), as: UTF8.self))")
    }
    return object
}
