// SPDX-License-Identifier: Apache-2.0
// Times fits and placings of clouds, and writes the pictures for bench/projection/compare.py.

import ArgumentParser
import Dispatch
import Foundation
import Projection

@main
struct BenchProjection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-projection",
        abstract: "Fits clouds by PCA and UMAP and prints how long that takes.")

    @Argument(help: "Raw little-endian float32 files, [n, dimensions] row-major.")
    var clouds: [String]
    @Option(help: "Coordinates of a point.")
    var dimensions = 64
    @Option(help: "n_neighbors of UMAP.")
    var neighbors = 15
    @Option(help: "min_dist of UMAP.")
    var minDist = 0.1
    @Option(help: "Fits of each cloud, with seeds 0, 1, ...")
    var seeds = 1
    @Option(help: "Fits at the same time.")
    var jobs = 1
    @Option(help: "Threads inside a fit.")
    var workers = 1
    @Option(help: "An existing folder for the pictures, NAME.SEED.f32, [n, 3].")
    var output: String?

    func run() throws {
        let fits = try clouds.flatMap { path in
            let points = try load(path)
            return (0..<seeds).map {
                Fit(
                    name: URL(filePath: path).deletingPathExtension().lastPathComponent,
                    points: points, seed: $0)
            }
        }
        let (jobs, command) = (max(1, jobs), self)
        let start = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: jobs) { job in
            for fit in stride(from: job, to: fits.count, by: jobs) {
                do {
                    try command.time(fits[fit])
                } catch {
                    print("\(fits[fit].name): \(error)")
                }
            }
        }
        print("all \(fits.count) fits: \(seconds(since: start)) s")
    }

    private struct Fit {
        let name: String
        let points: Points
        let seed: Int
    }

    private func load(_ path: String) throws -> Points {
        let data = try Data(contentsOf: URL(filePath: path))
        let values = data.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map {
                bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
            }
        }
        return try Points(values, dimensions: dimensions)
    }

    private func time(_ fit: Fit) throws {
        var start = ContinuousClock.now
        _ = try PCA(fit.points).transform(fit.points)
        let pcaSeconds = seconds(since: start)
        let umap = try UMAP(nNeighbors: neighbors, minDist: minDist, seed: UInt64(fit.seed))
        start = .now
        let fitted = try umap.fit(fit.points, workers: workers)
        let fitSeconds = seconds(since: start)
        // One point that is not in the cloud: between the first two.
        let new = (0..<dimensions).map {
            (fit.points.values[$0] + fit.points.values[dimensions + $0]) / 2
        }
        start = .now
        _ = try fitted.transform(Points(new, dimensions: dimensions))
        let placing = seconds(since: start)
        print(
            "\(fit.name) seed \(fit.seed): pca \(pcaSeconds) s, umap \(fitSeconds) s, place \(placing) s"
        )
        if let output {
            let picture = fitted.embedding.withUnsafeBytes { Data($0) }
            try picture.write(
                to: URL(filePath: output).appending(path: "\(fit.name).\(fit.seed).f32"))
        }
    }

    private func seconds(since start: ContinuousClock.Instant) -> String {
        let elapsed = ContinuousClock.now - start
        return String(format: "%.4f", elapsed / .seconds(1))
    }
}
