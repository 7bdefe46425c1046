// SPDX-License-Identifier: Apache-2.0
// What all work files have in common: a schema with a version, provenance, and being written whole.

import Foundation
import HDF5
import Transformer
import UserErrors

/// The kinds of work files.
public enum WorkFileSchema: String, Sendable {
    case scan = "headvis-scan"
    case scanPart = "headvis-scan-part"
    case metrics = "headvis-metrics"
    case sample = "headvis-sample"
    case project = "headvis-project"
    case weights = "headvis-weights"
    case writes = "headvis-writes"
    case map = "headvis-map"
    case probe = "headvis-probe"
    case lab = "headvis-lab"
    case features = "headvis-features"
    case featuresPart = "headvis-features-part"

    /// Raised whenever the layout changes in a way that old readers would misread.
    var version: Int {
        switch self {
        case .scan, .scanPart: 4
        case .weights, .writes: 2
        default: 1
        }
    }

    /// The stage that writes it.
    var stage: String {
        switch self {
        case .features: "stage-dictionary evidence"
        case .featuresPart: "stage-dictionary evidence --shard"
        case .scanPart: "stage-scan run --shard"
        default: rawValue.replacing("headvis-", with: "stage-")
        }
    }
}

/// A work file being written under a temporary name, which gets its own name when it is complete.
public final class WorkFileWriter {
    let file: H5File
    private let path: String
    private let claim: OutputClaim
    private var isFinished = false

    init(
        _ path: String, schema: WorkFileSchema, provenance: Provenance
    ) throws {
        self.path = path
        let folder = URL(filePath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw UserError("\(folder.path): the folder cannot be created; is it writable?")
        }
        claim = try OutputClaim(path)
        do {
            file = try H5File.create(
                claim.temporaryPath, named: path, userBlock: ContentDigest.blockSize)
            try file.setAttribute("schema", of: "", to: schema.rawValue)
            try file.setAttribute("schema_version", of: "", to: schema.version)
            try provenance.write(to: file)
        } catch {
            unlink(claim.temporaryPath)
            throw UserError(error)
        }
    }

    /// What was not finished is of no use, and may have filled the disk.
    deinit {
        guard !isFinished else { return }
        file.abandon()
        unlink(claim.temporaryPath)
    }

    /// Makes the file durable, with its digest, and gives it its name. Closed before, so that no reader finds a file
    /// that its writer still had open.
    public func finish() throws {
        let (path, partial) = (path, claim.temporaryPath)
        do {
            try file.flush()
            try file.close()
        } catch { throw UserError(error) }
        do { try ContentDigest.seal(partial) } catch { throw Self.cannotComplete(path) }
        guard rename(partial, path) == 0 else { throw Self.cannotComplete(path) }
        isFinished = true
    }

    private static func cannotComplete(_ path: String) -> UserError {
        UserError(
            "\(path): cannot be completed (\(String(cString: strerror(errno)))); is the disk full?")
    }
}

/// Opens a work file and checks that it is what the caller needs.
///
/// - Parameter isChecked: whether its contents were held against their digest before, and are not read again for it.
func openWorkFile(
    _ path: String, schema: WorkFileSchema, isChecked: Bool = false
) throws -> H5File {
    guard FileManager.default.fileExists(atPath: path) else {
        throw UserError("\(path): is missing; run \(schema.stage), or make, to write it.")
    }
    if !isChecked { try ContentDigest.check(path, stage: schema.stage) }
    let file = try reading { () throws(H5Error) in try H5File.open(path) }
    let found = try? file.stringAttribute("schema", of: "")
    let version = try? file.attribute("schema_version", of: "", as: Int.self)
    guard let found, let version, found == schema.rawValue, version == schema.version else {
        let what = found.map { "\($0) version \(version ?? 0)" } ?? "another kind of HDF5 file"
        throw UserError(
            "\(path): is \(what), not \(schema.rawValue) version \(schema.version); run \(schema.stage) again."
        )
    }
    return file
}

extension H5File {
    /// An error about what an object holds, which only its stage can mend.
    func damaged(_ object: String, _ problem: String) -> H5Error {
        let schema = (try? stringAttribute("schema", of: "")).flatMap(WorkFileSchema.init)
        return H5Error(
            file: path, object: object,
            problem: "\(problem); run \(schema?.stage ?? "its stage") again")
    }

    /// Reads numbers each of which must be one that `isSound` takes.
    ///
    /// - Parameter what: says what they then are not, such as "holds a number that is not finite".
    func read<Scalar: H5Scalar>(
        _ object: String, shape: [Int], _ what: String, where isSound: (Scalar) -> Bool
    ) throws(H5Error) -> [Scalar] {
        let values: [Scalar] = try read(object, shape: shape)
        guard values.allSatisfy(isSound) else { throw damaged(object, what) }
        return values
    }

    /// Reads numbers all of which must be finite.
    func finite<Number: H5Scalar & BinaryFloatingPoint>(
        _ object: String, _ shape: [Int]
    ) throws(H5Error) -> [Number] {
        // No key path: of a generic type, each number would be looked at through the runtime.
        try read(
            object, shape: shape, "holds a number that is not finite", where: { $0.isFinite })
    }

    /// Reads standard errors: finite and not negative, or NaN where there is none.
    func errors(_ object: String, _ shape: [Int]) throws(H5Error) -> [Double] {
        try read(
            object, shape: shape, "holds what is no standard error",
            where: { $0.isNaN || $0 >= 0 && $0.isFinite })
    }

    /// The studied heads, dataset `heads`, each once.
    func readHeads() throws(H5Error) -> [HeadAddress] {
        let values: [Int32] = try read("heads", shape: [-1, 2])
        let heads = stride(from: 0, to: values.count, by: 2).map {
            HeadAddress(layer: Int(values[$0]), head: Int(values[$0 + 1]))
        }
        guard values.allSatisfy({ (0..<1 << 16).contains($0) }), Set(heads).count == heads.count
        else { throw damaged("heads", "names a head twice, or one that cannot be") }
        return heads
    }

    /// The display strings of the token ids that occur, group `vocabulary`.
    func readVocabulary() throws(H5Error) -> [Int32: String] {
        let ids: [Int32] = try read("vocabulary/id", shape: [-1])
        let names = try readStrings("vocabulary/display")
        guard names.count == ids.count, ids.allSatisfy({ (0..<1 << 24).contains($0) }) else {
            throw damaged(
                "vocabulary", "has another number of ids than of strings, or ids that cannot be")
        }
        return Dictionary(zip(ids, names)) { first, _ in first }
    }

    /// Writes the group `vocabulary`.
    func writeVocabulary(
        _ tokens: Set<Int32>, _ display: (Int32) -> String
    ) throws(H5Error) {
        let ids = tokens.sorted()
        try write(
            ids, shape: [ids.count], to: "vocabulary/id", axes: ["token"],
            about: "Token ids that occur in this file, ascending.")
        try write(
            ids.map(display), to: "vocabulary/display", axes: ["token"],
            about: "Display string of each token id.")
    }

    func write(heads: [HeadAddress]) throws(H5Error) {
        try write(
            heads.flatMap { [Int32($0.layer), Int32($0.head)] }, shape: [heads.count, 2],
            to: "heads", axes: ["head index", "layer or head"],
            about: "Address of each studied head: its layer, and its number within the layer.")
    }
}
