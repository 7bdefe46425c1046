// SPDX-License-Identifier: Apache-2.0
// The work files behind a tree: the tokens of corpus sequences, and the fits of the clouds.

import Attribution
import Explanations
import Foundation
import Transformer
import WorkFiles

/// Reads work files on a thread of its own: HDF5 must not be used by two.
actor WorkFolder {
    private nonisolated let executor = QueueExecutor("headvis.work")
    private nonisolated let url: URL
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var scan: (state: FileState, file: ScanFile)?
    private var project: (state: FileState, file: ProjectReader)?
    /// Of the heads asked for last, tens of megabytes each; the latest at the end.
    private var placers: [(head: HeadAddress, placer: CloudPlacer)] = []

    private static let keptPlacers = 4

    /// Of the dictionaries asked for last; the latest at the end.
    private var cards: [(dictionary: String, hash: String, cards: FeatureCards)] = []
    private static let keptCards = 8

    init(_ url: URL) { self.url = url }

    private nonisolated func path(_ name: String) -> String { url.appending(path: name).path }

    /// Whether the files are there.
    nonisolated var isComplete: Bool {
        FileState(path: path("project.h5")) != nil && FileState(path: path("scan.h5")) != nil
    }

    // Swift 6.3.1 crashes when it inlines the functions below into their asynchronous callers.

    /// The ids and display strings of a sequence of the corpus.
    @inline(never)
    func tokens(of sequence: Int, _ config: TreeConfig) throws -> SequenceTokens {
        let scan = try openScan()
        guard scan.header.provenance.text("model_sha256") == config.modelHash else {
            throw APIError.notImplemented(
                "\(path("scan.h5")) is of another run than the tree; run make data again.")
        }
        guard (0..<scan.nSequences).contains(sequence) else {
            throw APIError.unprocessable(
                "There is no sequence \(sequence); the scan has \(scan.nSequences).")
        }
        return SequenceTokens(
            ids: Array(scan.tokens(of: sequence)), display: scan.displayTokens(of: sequence))
    }

    /// Where an edge with these vectors lies in a head's cloud.
    ///
    /// - Parameter cloud: what the tree shows of it.
    @inline(never)
    func place(
        _ vectors: EdgeVectors, of head: HeadAddress, in cloud: CloudFile
    ) throws -> PlacedEdge {
        let placer = try placer(for: head)
        guard placer.nPoints == cloud.points.count, placer.nViews == cloud.views ?? 0 else {
            throw APIError.notImplemented(
                "\(path("project.h5")) is of another run than the tree; run make data again.")
        }
        return try placer.place(vectors)
    }

    /// The answer of one kind about an edge, with what the work files know of its features.
    @inline(never)
    func answer(
        _ kind: AttributionKind, of edge: ExplainedEdge, source: AttributionSource
    ) throws -> [UInt8] {
        try AttributionAnswer(kind, of: edge, source: source, cards: cards(of:_:)).json()
    }

    /// What people see of features of a dictionary.
    private func cards(
        of features: Set<Int32>, _ layer: LayerDictionary
    ) throws -> [Int32: FeatureCard] {
        let known = cards.first {
            $0.hash == layer.explanationsSHA256 && $0.dictionary == layer.sha256
        }
        if let known { return try known.cards.cards(of: features) }
        let opened: FeatureCards
        do { opened = try FeatureCards(layer) } catch {
            throw APIError.notImplemented("\(error)")
        }
        cards.append((layer.sha256, layer.explanationsSHA256, opened))
        if cards.count > Self.keptCards { cards.removeFirst() }
        return try opened.cards(of: features)
    }

    private func placer(for head: HeadAddress) throws -> CloudPlacer {
        let project = try openProject()
        if let known = placers.first(where: { $0.head == head }) { return known.placer }
        guard try project.hasCloud(of: head) else {
            throw APIError(.notFound, "Head \(head) has no cloud in \(path("project.h5")).")
        }
        let placer = try CloudPlacer(
            try project.cloud(of: head), views: project.views, output: project.output,
            seed: project.seed)
        placers.append((head, placer))
        if placers.count > Self.keptPlacers { placers.removeFirst() }
        return placer
    }

    private func openScan() throws -> ScanFile {
        let state = try state("scan.h5")
        if let scan, scan.state == state { return scan.file }
        let file = try ScanFile(path("scan.h5"))
        scan = (state, file)
        return file
    }

    private func openProject() throws -> ProjectReader {
        let state = try state("project.h5")
        if let project, project.state == state { return project.file }
        let file = try ProjectReader(path("project.h5"))
        project = (state, file)
        placers = []
        return file
    }

    private func state(_ name: String) throws(APIError) -> FileState {
        guard let state = FileState(path: path(name)) else {
            throw .notImplemented(
                "\(path(name)) is missing, and new points need it; run make data, or name its folder with --work."
            )
        }
        return state
    }
}
