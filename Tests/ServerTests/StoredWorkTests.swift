// SPDX-License-Identifier: Apache-2.0
// What people store is not lost to each other, to a crash between two files, or to a folder that cannot be written.

import Foundation
import Server
import TestSupport
import Testing

@Suite struct StoredWorkTests {
    private func save(_ points: String, base: String? = nil) -> String {
        let clusters = ##"[{"name":"a","color":"#112233","points":[\##(points)]}]"##
        let version = base.map { #","base":"\#($0)""# } ?? ""
        return #"{"layer":1,"head":0,"clusters":\#(clusters)\#(version)}"#
    }

    @Test func `clusters that somebody else changed are not overwritten`() async throws {
        try await routing { client, _ in
            let cloud = try object(try await client.get("/data/umap/L1H0.json").bytes)
            let first = try #require(cloud["clusters_version"] as? String)
            let mine = try await client.answer("save_umap_clusters", save("[1,2,1]", base: first))
            let second = try #require(mine["version"] as? String)
            #expect(second != first)
            // A tab that still builds on what was there before.
            let late = try await client.post("save_umap_clusters", save("[1,3,1]", base: first))
            #expect(late.status == .conflict)
            let there = try object(late.bytes)
            #expect(there["version"] as? String == second)
            let clusters = try #require(there["clusters"] as? [[String: Any]])
            #expect(clusters.first?["points"] as? [[Int]] == [[1, 2, 1]])
            #expect(there["detail"] is String)
            // Merged, it goes through; and a client that says nothing replaces, as it always could.
            let merged = try await client.post(
                "save_umap_clusters", save("[1,2,1],[1,3,1]", base: second))
            #expect(merged.status == .ok)
            #expect(try await client.post("save_umap_clusters", save("[1,4,1]")).status == .ok)
            let stored = try object(try await client.get("/data/umap/L1H0.json").bytes)
            #expect((stored["clusters_version"] as? String)?.isEmpty == false)
        }
    }

    @Test func `a point sent twice is stored once, and large clusters are taken`() async throws {
        try await routing { client, _ in
            _ = try await client.answer("save_umap_clusters", save("[1,2,1],[1,2,1],[1,3,2]"))
            let cloud = try object(try await client.get("/data/umap/L1H0.json").bytes)
            let clusters = try #require(cloud["clusters"] as? [[String: Any]])
            #expect(clusters.first?["points"] as? [[Int]] == [[1, 2, 1], [1, 3, 2]])
            let many = (0..<75_000).map { "[\($0),200,100]" }.joined(separator: ",")
            #expect(try await client.post("save_umap_clusters", save(many)).status == .ok)
        }
    }

    @Test func `an attribution that a crash left out of the manifest is named again`() async throws
    {
        try await TestSite.with { site in
            let file = site.data.appending(path: "attributions/qk/L1H0S3Q5K2.json")
            try Data("{}".utf8).write(to: file)
            let server = HeadVisServer(
                ServerOptions(data: site.data, web: site.web, work: site.run.work, model: nil)
            ) { _ in }
            try await server.prepare()
            let manifest = try object(
                [UInt8](
                    try Data(contentsOf: site.data.appending(path: "attributions/manifest.json"))))
            let entry = try #require(manifest["L1H0S3"] as? [String: [[Int]]])
            #expect(entry["qk"] == [[5, 2]])
            #expect(entry["ov"] == [])
        }
    }
}
