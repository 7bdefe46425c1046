// SPDX-License-Identifier: Apache-2.0
// Times the projection of raw clouds and writes the pictures for comparison.

import ArgumentParser
import Foundation
import Projection
import Tensors

@main
struct BenchProjection: ParsableCommand {
    @Argument(help: "Raw little-endian float32 files, [n, dimensions] row-major.")
    var clouds: [String]
    @Option(help: "Coordinates of a point.")
    var dimensions = 64
    @Option(help: "n_neighbors.")
    var neighbors = 15
    @Option(help: "min_dist.")
    var minDist = 0.1
    @Option(help: "Fits of each cloud, with seeds 0, 1, ...")
    var seeds = 1
    @Option(help: "Threads inside a fit.")
    var workers = 1
    @Option(help: "Folder for NAME.SEED.f32 pictures, [n, 3].")
    var output: String?

    func run() throws {
        for cloud in clouds {
            let data = try Data(contentsOf: URL(filePath: cloud))
            let values = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            let points = try Points(values, dimensions: dimensions)
            let name = URL(filePath: cloud).deletingPathExtension().lastPathComponent
            for seed in 0..<seeds {
                let umap = try UMAP(nNeighbors: neighbors, minDist: minDist, seed: UInt64(seed))
                let clock = ContinuousClock()
                var fitted: FittedUMAP?
                let time = try clock.measure { fitted = try umap.fit(points, workers: workers) }
                print(name, seed, time)
                if let output, let fitted {
                    let picture = fitted.embedding.withUnsafeBytes { Data($0) }
                    try picture.write(
                        to: URL(filePath: output).appending(path: "\(name).\(seed).f32"))
                }
            }
        }
    }
}
