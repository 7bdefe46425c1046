// SPDX-License-Identifier: Apache-2.0
// Replaces a whole data tree at once, and keeps what people made in it.

import CLinux
import Foundation

/// Why a data tree cannot be written, as one sentence.
public struct DataTreeError: Error, CustomStringConvertible, Sendable, Equatable {
    public let description: String

    /// An error with this sentence.
    public init(_ description: String) { self.description = description }
}

/// A new tree beside the old one, which takes its place in one step: a reader sees the old tree or the
/// new one, never a mixture.
public struct TreeReplacement {
    /// Where the finished tree will be.
    public let url: URL
    private let fresh: URL
    private let lock: TreeLock

    /// The folders of a tree; all exist after an emit.
    public static let folders = [
        "heads", "umap", "custom_sequences", "attributions/qk", "attributions/ov",
    ]

    /// Starts a new tree, empty folders only.
    public init(of url: URL) throws {
        // A link is followed, so that the tree it points to is replaced, not the link.
        self.url = url.resolvingSymlinksInPath()
        fresh = Self.sibling(of: self.url, "new")
        do {
            try FileManager.default.createDirectory(
                at: self.url.deletingLastPathComponent(), withIntermediateDirectories: true)
            lock = try TreeLock(self.url)
            if FileManager.default.fileExists(atPath: fresh.path) {
                try FileManager.default.removeItem(at: fresh)
            }
            for folder in Self.folders {
                try FileManager.default.createDirectory(
                    at: fresh.appending(path: folder), withIntermediateDirectories: true)
            }
        } catch let error as DataTreeError {
            throw error
        } catch {
            throw Self.cannotWrite(self.url, error)
        }
    }

    /// Writes one file of the new tree.
    public func write(_ bytes: [UInt8], to path: String) throws {
        do { try Data(bytes).write(to: fresh.appending(path: path)) } catch {
            throw Self.cannotWrite(url.appending(path: path), error)
        }
    }

    /// A file of the tree that is there now, nil if there is none.
    public func current(_ path: String) -> Data? {
        try? Data(contentsOf: url.appending(path: path))
    }

    /// Takes files over from the tree that is there now, unless the new one has them.
    ///
    /// - Parameters:
    ///   - folder: with everything in it.
    ///   - isKept: gets the path of a file within the folder.
    public func keep(
        _ folder: String, where isKept: (String) -> Bool = { _ in true }
    ) throws {
        let old = url.appending(path: folder)
        guard let names = FileManager.default.enumerator(atPath: old.path) else { return }
        for case let name as String in names {
            let source = old.appending(path: name)
            let target = fresh.appending(path: folder).appending(path: name)
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: source.path, isDirectory: &isFolder),
                !name.hasSuffix(".tmp")
            else { continue }
            do {
                if isFolder.boolValue {
                    try FileManager.default.createDirectory(
                        at: target, withIntermediateDirectories: true)
                } else if isKept(name), !FileManager.default.fileExists(atPath: target.path) {
                    // Files of a tree are replaced, never changed, so both trees may share one.
                    try FileManager.default.linkItem(at: source, to: target)
                }
            } catch {
                throw Self.cannotWrite(target, error)
            }
        }
    }

    /// Puts the new tree into the place of the old one, which is removed.
    public func finish() throws {
        guard FileManager.default.fileExists(atPath: url.path) else {
            guard rename(fresh.path, url.path) == 0 else { throw cannotReplace() }
            return
        }
        guard
            renameat2(AT_FDCWD, fresh.path, AT_FDCWD, url.path, UInt32(HEADVIS_RENAME_EXCHANGE))
                == 0
        else { throw cannotReplace() }
        // What is left under the temporary name is the old tree now.
        try? FileManager.default.removeItem(at: fresh)
    }

    private func cannotReplace() -> DataTreeError {
        DataTreeError(
            "\(url.path): cannot be replaced (\(String(cString: strerror(errno)))); is the folder above it writable?"
        )
    }

    private static func cannotWrite(_ url: URL, _ error: any Error) -> DataTreeError {
        DataTreeError(
            "\(url.path): cannot be written (\(error.localizedDescription)); is the disk full or read-only?"
        )
    }

    private static func sibling(of url: URL, _ suffix: String) -> URL {
        url.deletingLastPathComponent().appending(path: "\(url.lastPathComponent).\(suffix)")
    }
}

/// Held while a tree is replaced or a file in it is written, by all programs that write into it.
public final class TreeLock: Sendable {
    private let descriptor: Int32

    /// Waits for the lock of the tree at `url`, a file beside it.
    public init(_ url: URL) throws {
        let path = url.deletingLastPathComponent()
            .appending(path: ".\(url.lastPathComponent).lock").path
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0, flock(descriptor, LOCK_EX) == 0 else {
            throw DataTreeError(
                "\(path): cannot be locked (\(String(cString: strerror(errno)))); is the folder writable?"
            )
        }
    }

    deinit { close(descriptor) }
}
