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
public final class TreeReplacement {
    /// Where the finished tree will be.
    public let url: URL
    private let fresh: URL
    private let lock: TreeLock
    private var isFinished = false

    /// What a temporary tree holds so that it is known as one of ours.
    private static let marker = ".headvis-unfinished-tree"

    /// The folders of a tree; all exist after an emit.
    public static let folders = [
        "heads", "umap", "custom_sequences", "prompts", "attributions/qk", "attributions/ov",
        "lab",
    ]

    /// Starts a new tree, empty folders only.
    public init(of url: URL) throws {
        // A link is followed, so that the tree it points to is replaced, not the link.
        self.url = url.resolvingSymlinksInPath()
        let folder = self.url.deletingLastPathComponent()
        let prefix = ".\(self.url.lastPathComponent).headvis-"
        fresh = folder.appending(path: "\(prefix)\(getpid())")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            lock = try TreeLock(self.url)
            Self.recover(self.url, prefix: prefix)
            Self.removeLeftovers(in: folder, prefix: prefix)
            try FileManager.default.createDirectory(at: fresh, withIntermediateDirectories: false)
            Self.mark(fresh)
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

    deinit { if !isFinished { Self.remove(fresh) } }

    /// Removes what killed runs left: only trees with our name and our mark, or with nothing in them.
    private static func removeLeftovers(in folder: URL, prefix: String) {
        for name in names(in: folder) where name.hasPrefix(prefix) {
            let tree = folder.appending(path: name)
            if FileManager.default.fileExists(atPath: tree.appending(path: marker).path) {
                remove(tree)
            } else {
                rmdir(tree.path)
            }
        }
    }

    /// Removes a tree, its mark last: a killed run leaves a tree that is marked, or none.
    private static func remove(_ tree: URL) {
        for name in names(in: tree) where name != marker {
            try? FileManager.default.removeItem(at: tree.appending(path: name))
        }
        unlink(tree.appending(path: marker).path)
        rmdir(tree.path)
    }

    private static func mark(_ tree: URL) { try? Data().write(to: tree.appending(path: marker)) }

    private static func names(in folder: URL) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    }

    /// Where a run was killed between the two steps of `replaceInTwoSteps`, puts the tree that stands aside back; where
    /// it was killed after them, that tree is only a leftover.
    private static func recover(_ url: URL, prefix: String) {
        let folder = url.deletingLastPathComponent()
        for name in names(in: folder) where name.hasPrefix(prefix) && name.hasSuffix(asideSuffix) {
            let aside = folder.appending(path: name)
            if FileManager.default.fileExists(atPath: url.path) {
                mark(aside)
            } else {
                rename(aside.path, url.path)
            }
        }
    }

    private static let asideSuffix = ".old"

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
                    try Self.share(source, as: target)
                }
            } catch {
                throw Self.cannotWrite(target, error)
            }
        }
    }

    /// Takes over what is in the tree that is there now and is not of this program's making.
    ///
    /// - Parameter isOurs: gets the path of a file within the tree.
    public func keepOthers(isOurs: (String) -> Bool) throws {
        try keep("") { !isOurs($0) && !$0.hasPrefix(Self.marker) }
    }

    /// Files of a tree are replaced, never changed, so both trees may share one; a file system without hard
    /// links gets a copy.
    private static func share(_ source: URL, as target: URL) throws {
        do { try FileManager.default.linkItem(at: source, to: target) } catch {
            try FileManager.default.copyItem(at: source, to: target)
        }
    }

    /// Puts the new tree into the place of the old one, which is removed.
    public func finish() throws {
        let isNew = !FileManager.default.fileExists(atPath: url.path)
        // Under the temporary name every tree is marked, at every moment; under its own the mark means nothing, and
        // is taken off in the end.
        if !isNew { Self.mark(url) }
        defer { unlink(url.appending(path: Self.marker).path) }
        guard !isNew else {
            guard rename(fresh.path, url.path) == 0 else { throw cannotReplace() }
            isFinished = true
            return
        }
        if renameat2(AT_FDCWD, fresh.path, AT_FDCWD, url.path, UInt32(HEADVIS_RENAME_EXCHANGE)) != 0
        {
            guard [EINVAL, ENOSYS, ENOTSUP].contains(errno) else { throw cannotReplace() }
            try replaceInTwoSteps()
        }
        isFinished = true
        // What is left under the temporary name is the old tree now.
        Self.remove(fresh)
    }

    /// For file systems that cannot exchange two names: between the two steps a reader finds no tree.
    private func replaceInTwoSteps() throws {
        let aside = URL(filePath: fresh.path + Self.asideSuffix)
        guard rename(url.path, aside.path) == 0 else { throw cannotReplace() }
        guard rename(fresh.path, url.path) == 0 else {
            let error = cannotReplace()
            rename(aside.path, url.path)
            throw error
        }
        guard rename(aside.path, fresh.path) == 0 else { throw cannotReplace() }
    }

    private func cannotReplace() -> DataTreeError {
        if errno == EBUSY {
            return DataTreeError(
                "\(url.path): is a mount point, which cannot be replaced as a whole; set DATA to a folder inside it."
            )
        }
        return DataTreeError(
            "\(url.path): cannot be replaced (\(String(cString: strerror(errno)))); is the folder above it writable?"
        )
    }

    private static func cannotWrite(_ url: URL, _ error: any Error) -> DataTreeError {
        DataTreeError(
            "\(url.path): cannot be written (\(error.localizedDescription)); is the disk full or read-only?"
        )
    }
}

/// Held while a tree is replaced or a file in it is written, by all programs that write into it.
public final class TreeLock: Sendable {
    private let descriptor: Int32

    /// Waits for the lock of the tree at `url`, a file beside it.
    public init(_ url: URL) throws {
        let path = Self.path(url)
        descriptor = Self.open(path)
        guard descriptor >= 0, flock(descriptor, LOCK_EX) == 0 else {
            throw DataTreeError(
                "\(path): cannot be locked (\(String(cString: strerror(errno)))); is the folder writable?"
            )
        }
    }

    deinit { close(descriptor) }

    /// Whether the tree at `url` can be changed at all: not on a read-only file system, or in the folder of a user who
    /// keeps it to himself.
    public static func canBeHeld(_ url: URL) -> Bool {
        let descriptor = open(path(url))
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return access(url.path, W_OK) == 0
    }

    private static func path(_ url: URL) -> String {
        url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).lock").path
    }

    private static func open(_ path: String) -> Int32 {
        Foundation.open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    }
}
