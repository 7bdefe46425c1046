// SPDX-License-Identifier: Apache-2.0
// From the paths the user gave (files, folders, globs, `-`) to the files to read, in a fixed order.

import Foundation
import UserErrors

/// How a file holds documents.
enum CorpusFormat {
    /// A document a line, or a document a file.
    case text
    /// A JSON object a line.
    case jsonLines
}

/// How a file is packed.
enum Compression {
    case none
    case gzip
    case zstandard
}

/// One file of a corpus.
struct CorpusFile {
    /// What to open; standard input when it is `-`.
    var path: String
    /// From the ending; nil for standard input and pipes, whose first bytes tell.
    var kind: (format: CorpusFormat, compression: Compression)?
    /// Its length as stored; nil for standard input and pipes.
    var bytes: Int?

    static let readable = ".txt, .cor, .jsonl and .json (JSON lines), each also with .gz or .zst"

    /// What the ending of `path` says, nil when it is none of the readable ones.
    static func kind(ofPath path: String) -> (format: CorpusFormat, compression: Compression)? {
        var parts = URL(filePath: path).lastPathComponent.lowercased().split(
            separator: ".", omittingEmptySubsequences: false)
        var compression = Compression.none
        switch parts.last {
        case "gz": compression = .gzip
        case "zst": compression = .zstandard
        default: break
        }
        if compression != .none { parts.removeLast() }
        guard parts.count > 1 else { return nil }
        switch parts.last {
        case "txt", "cor": return (.text, compression)
        case "jsonl", "json": return (.jsonLines, compression)
        default: return nil
        }
    }

    /// The files behind `paths`: those of a folder sorted by name at every level, those of a glob sorted.
    static func expand(_ paths: [String]) throws -> [CorpusFile] {
        guard !paths.isEmpty else {
            throw UserError("No corpus was given: name a file, a folder, a glob or -.")
        }
        guard paths.count(where: { $0 == "-" }) < 2 else {
            throw UserError("Standard input (-) can be read only once: name it once.")
        }
        var files: [CorpusFile] = []
        for path in paths {
            if path == "-" {
                files.append(CorpusFile(path: "-"))
            } else {
                for match in try matches(of: path) { try append(match, to: &files) }
            }
        }
        return files
    }

    /// `path` itself when it exists, otherwise what it matches as a glob.
    private static func matches(of path: String) throws -> [String] {
        if Status(path) != nil { return [path] }
        guard path.contains(where: { "*?[".contains($0) }) else {
            throw UserError.system("open", path)
        }
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(path, GLOB_NOSORT, nil, &result) == 0, let found = result.gl_pathv else {
            throw UserError("No file matches \(path): check the pattern.")
        }
        return (0..<Int(result.gl_pathc)).compactMap { found[$0].map { String(cString: $0) } }
            .sorted(by: precedes)
    }

    /// Adds the file or the folder that the user named.
    private static func append(
        _ path: String, to files: inout [CorpusFile]
    ) throws {
        guard let status = Status(path) else { throw UserError.system("open", path) }
        switch status.kind {
        case .folder:
            var listing = FolderListing()
            try listing.visit(path)
            guard !listing.files.isEmpty else {
                if let parquet = listing.parquet { throw needsConversion(parquet) }
                throw UserError("The folder \(path) has no file to read: \(readable) are read.")
            }
            files += listing.files
        case .file:
            guard let kind = kind(ofPath: path) else {
                if isParquet(path) { throw needsConversion(path) }
                throw UserError(
                    "\(path) has an ending that is not read as a corpus: \(readable) are.")
            }
            files.append(CorpusFile(path: path, kind: kind, bytes: status.bytes))
        case .stream:
            files.append(CorpusFile(path: path, kind: kind(ofPath: path)))
        }
    }

    private static func needsConversion(_ path: String) -> UserError {
        UserError(
            "\(path) is Parquet, which is converted to JSON lines first: "
                + "run make data DATASET=\(path), which does so once.")
    }
}

/// The order of names: by their bytes, whatever the locale.
private func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
}

private func isParquet(_ path: String) -> Bool { path.lowercased().hasSuffix(".parquet") }

/// What lies at a path, symbolic links followed.
private struct Status {
    enum Kind { case file, folder, stream }
    var kind: Kind
    var bytes: Int
    /// The same for all paths to one file.
    var identity: [UInt64]

    /// nil, with `errno` set, when there is nothing.
    init?(_ path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        switch info.st_mode & S_IFMT {
        case S_IFDIR: kind = .folder
        case S_IFREG: kind = .file
        default: kind = .stream
        }
        bytes = Int(info.st_size)
        identity = [UInt64(info.st_dev), UInt64(info.st_ino)]
    }
}

/// The readable files under a folder; names that start with a dot are left out, and a folder that is
/// reached twice through symbolic links is read once.
private struct FolderListing {
    var files: [CorpusFile] = []
    /// One Parquet file that was met.
    var parquet: String?
    private var visited: Set<[UInt64]> = []

    mutating func visit(_ folder: String) throws {
        guard let status = Status(folder) else { throw UserError.system("open", folder) }
        guard visited.insert(status.identity).inserted else { return }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw UserError("Cannot list the folder \(folder): check that it may be read.")
        }
        for name in names.sorted(by: precedes) where !name.hasPrefix(".") {
            let path = folder.hasSuffix("/") ? folder + name : folder + "/" + name
            guard let status = Status(path) else { throw UserError.system("open", path) }
            if status.kind == .folder {
                try visit(path)
            } else if status.kind == .file {
                if let kind = CorpusFile.kind(ofPath: path) {
                    files.append(CorpusFile(path: path, kind: kind, bytes: status.bytes))
                } else if isParquet(path) {
                    parquet = parquet ?? path
                }
            }
        }
    }
}
