// SPDX-License-Identifier: Apache-2.0
// Changes files of a data tree so that no crash and no other writer can lose what was acknowledged.

import DataTree
import Foundation
import Synchronization

/// The data tree on disk. All changes go through one queue and hold the tree's lock, which other
/// programs that write the tree hold too.
actor TreeStore {
    /// The folder, as it was given.
    nonisolated let root: URL
    private nonisolated let executor = QueueExecutor("headvis.tree")
    private nonisolated let admission = Admission(limit: 1024)
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// How often this program changed something, after a mark of its own.
    private nonisolated let count = Atomic(0)
    private nonisolated let mark = UInt32.random(in: 0...UInt32.max)

    init(_ root: URL) { self.root = root }

    /// Another string whenever this program changed something in the tree.
    nonisolated var changes: String { "\(mark).\(count.load(ordering: .relaxed))" }

    /// Whether files of the tree can be changed.
    nonisolated var isWritable: Bool { TreeLock.canBeHeld(root.resolvingSymlinksInPath()) }

    /// The contents of a file; nil if there is none.
    nonisolated func contents(_ path: String) throws(APIError) -> [UInt8]? {
        let url = root.appending(path: path)
        do { return [UInt8](try Data(contentsOf: url)) } catch CocoaError.fileReadNoSuchFile {
            return nil
        } catch {
            throw .broken("\(path) in the data tree cannot be read; check its permissions.")
        }
    }

    /// Replaces a file by what `change` makes of its contents. When this returns, the new contents are
    /// on the disk under the file's name.
    ///
    /// - Parameter change: gets the contents, nil if there is no file; returns the new ones, nil to
    ///   leave all as it is; and a result.
    nonisolated func update<Result: Sendable>(
        _ path: String,
        _ change: @Sendable ([UInt8]?) throws -> (contents: [UInt8]?, result: Result)
    ) async throws -> Result {
        try await admission.admit { try await replace(path, change) }
    }

    /// Runs `change` while nobody else changes the tree.
    ///
    /// - Parameter change: gets the folder of the tree, with links resolved.
    nonisolated func changing<Result: Sendable>(
        _ change: @Sendable (URL) throws -> Result
    ) async throws -> Result {
        try await admission.admit { try await underLock(change) }
    }

    /// Runs `body` while this program changes nothing in the tree.
    nonisolated func betweenChanges<Result: Sendable>(
        _ body: @Sendable () throws -> Result
    ) async throws -> Result {
        try await admission.admit { try await serially(body) }
    }

    private func serially<Result: Sendable>(
        _ body: @Sendable () throws -> Result
    ) throws -> Result { try body() }

    private func underLock<Result: Sendable>(
        _ change: @Sendable (URL) throws -> Result
    ) throws -> Result {
        // A whole tree is replaced by renaming: only under the lock is a path sure to be in the tree.
        let tree = root.resolvingSymlinksInPath()
        let lock = try TreeLock(tree)
        defer { count.wrappingAdd(1, ordering: .relaxed) }
        return try withExtendedLifetime(lock) { try change(tree) }
    }

    private func replace<Result: Sendable>(
        _ path: String,
        _ change: @Sendable ([UInt8]?) throws -> (contents: [UInt8]?, result: Result)
    ) throws -> Result {
        try underLock { tree in
            let changed = try change(try contents(path))
            if let new = changed.contents {
                do { try DurableFile.replace(tree.appending(path: path), with: new) } catch {
                    throw APIError.broken("\(error)")
                }
            }
            return changed.result
        }
    }

    /// A crash may have come before a prompt was listed, or before the files of a deleted one were gone.
    private nonisolated func removeUnlistedPrompts(_ tree: URL) throws {
        let listed = Set(try PromptIndex(try contents(PromptIndex.path)).prompts.map(\.sequence_id))
        let folder = tree.appending(path: "prompts")
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        where !listed.contains(name) && name.wholeMatch(of: /c[0-9a-f]{12}/) != nil {
            try? FileManager.default.removeItem(at: folder.appending(path: name))
        }
    }

    /// Removes what lies beside files of the tree for writes to come, or was left by writes that a crash cut off.
    func removeLeftovers() throws {
        try underLock { tree in
            for folder in TreeReplacement.folders {
                Self.removeFiles(in: tree.appending(path: folder), prefix: ".")
            }
            // Beside the tree's folders people may have hidden files of their own.
            Self.removeFiles(in: tree, prefix: ".\(NotesEndpoint.path).")
            try removeUnlistedPrompts(tree)
            Self.removeOldProgress(in: tree)
        }
    }

    private static func removeFiles(in folder: URL, prefix: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where name.hasPrefix(prefix) && name.hasSuffix(".tmp") {
            unlink(folder.appending(path: name).path)
        }
    }

    /// Unfinished questions whose prompts are kept.
    private static let mostProgress = 16

    /// Removes what is known of prompts whose question is answered, or that nobody has asked about for longest.
    static func removeOldProgress(in tree: URL) {
        let folder = tree.appending(path: "lab")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let files = names.compactMap { name -> (url: URL, id: String, date: Date)? in
            guard let id = LabManifest.id(ofProgress: name) else { return nil }
            let url = folder.appending(path: name)
            let facts = try? FileManager.default.attributesOfItem(atPath: url.path)
            return (url, id, facts?[.modificationDate] as? Date ?? .distantPast)
        }
        let newest = files.sorted { $0.date > $1.date }.prefix(mostProgress).map(\.id)
        for file in files {
            let isAnswered =
                access(tree.appending(path: LabManifest.path(file.id)).path, F_OK) == 0
            if isAnswered || !newest.contains(file.id) { unlink(file.url.path) }
        }
    }
}
