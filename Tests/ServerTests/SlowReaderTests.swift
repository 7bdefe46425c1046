// SPDX-License-Identifier: Apache-2.0
// Clients that take their time, or take nothing, over real sockets.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct SlowReaderTests {
    private func serving(_ body: (ServerProcess, TestSite) throws -> Void) async throws {
        try await TestSite.with { site in
            let server = try ServerProcess(site, arguments: ["--quiet"])
            defer { server.killNow() }
            try body(server, site)
        }
    }

    private func get(_ path: String, gzip: Bool = false, _ server: ServerProcess) -> [UInt8] {
        Array(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(gzip ? "Accept-Encoding: gzip\r\n" : "")\r\n"
                .utf8)
    }

    @Test(arguments: [false, true])
    func `Clients that do not read hold no memory`(gzip: Bool) async throws {
        try await serving { server, site in
            var random = SplitMix(state: 4)
            // Half of it noise, so that gzip leaves half.
            let file = (0..<(4 << 20)).map { _ in UInt8(random.next() % 16) }
            for i in 0..<40 {
                try Data(file).write(to: site.data.appending(path: "heads/large-\(i).json"))
            }
            let before = try server.memory()
            var open: [Int32] = []
            defer { open.forEach { close($0) } }
            for i in 0..<160 {
                let socket = try server.connect()
                try ServerProcess.write(
                    get("/data/heads/large-\(i % 40).json", gzip: gzip, server), to: socket)
                open.append(socket)
            }
            var most = 0
            for _ in 0..<20 {
                usleep(100_000)
                most = max(most, try server.memory())
            }
            #expect(most - before < 200 << 20, "\((most - before) >> 20) MB")
            #expect(try server.request("GET", "/").status == 200)
        }
    }

    @Test func `One that finds no place is told so`() async throws {
        try await serving { server, site in
            try Data(count: 16 << 20).write(to: site.data.appending(path: "heads/large.json"))
            // Whoever does not read gives way after a second, so a slow machine may need another attempt.
            for attempt in 1... {
                var open: [Int32] = []
                defer { open.forEach { close($0) } }
                for _ in 0..<400 {
                    open.append(try server.connect())
                    try ServerProcess.write(get("/data/heads/large.json", server), to: open.last!)
                }
                let answer = try server.request("GET", "/")
                guard answer.status == 200, attempt < 20 else {
                    #expect(answer.status == 503)
                    #expect(answer.headers["retry-after"] == "1")
                    #expect(String(decoding: answer.body, as: UTF8.self).contains("try again"))
                    return
                }
            }
        }
    }

    @Test func `A large answer comes whole to a client that takes its time`() async throws {
        try await serving { server, site in
            let file = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 8) }
            try Data(file).write(to: site.data.appending(path: "heads/large.json"))
            let socket = try server.connect()
            defer { close(socket) }
            let request = "GET /data/heads/large.json HTTP/1.0\r\nHost: localhost\r\n\r\n"
            try ServerProcess.write(Array(request.utf8), to: socket)
            usleep(300_000)
            #expect(try HTTPAnswer(ServerProcess.readAll(socket)).body == file)
        }
    }

    @Test func `Answers of operations that nobody takes count against a limit`() async throws {
        try await serving { server, site in
            // Half a million points, which the answer to a stale client holds.
            let points = (0..<500_000).map { "[\($0 / 5000),\($0 % 5000),7]" }.joined(
                separator: ",")
            let saved = try server.post(
                "save_umap_clusters",
                #"{"layer":1,"head":0,"clusters":[{"name":"a","points":[\#(points)]}]}"#)
            #expect(saved.status == 200)
            let body = Array(#"{"layer":1,"head":0,"base":"old","clusters":[]}"#.utf8)
            let head =
                "POST /api/head_vis/public/save_umap_clusters/v0 HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
            var open: [Int32] = []
            defer { open.forEach { close($0) } }
            var statuses: [String] = []
            for _ in 0..<14 {
                let socket = try server.connect()
                open.append(socket)
                try ServerProcess.write(Array(head.utf8) + body, to: socket)
                var start = [UInt8](repeating: 0, count: 12)
                _ = recv(socket, &start, start.count, Int32(MSG_WAITALL))
                statuses.append(String(decoding: start.suffix(3), as: UTF8.self))
            }
            #expect(statuses.first == "409" && statuses.last == "503", "\(statuses)")
            #expect(Set(statuses) == ["409", "503"])
        }
    }
}
