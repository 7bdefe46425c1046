// SPDX-License-Identifier: Apache-2.0
// The program with real sockets: what it survives, and whom it refuses.

import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.serialized) struct BinaryTests {
    /// Runs `body` against a server, which is stopped afterwards.
    private func serving<Result>(
        _ arguments: [String] = ["--quiet"], _ body: (ServerProcess, TestSite) throws -> Result
    ) async throws -> Result {
        try await TestSite.with { site in
            let server = try ServerProcess(site, arguments: arguments)
            defer { server.killNow() }
            return try body(server, site)
        }
    }

    @Test func `Nothing is lost when 200 adds, deletes and saves come at once`() async throws {
        try await serving { server, site in
            let texts = (0..<100).map { i in "cat dog \(["sun", "moon"][i % 2]) fish \(i)" }
            // Words the model does not know are one token, so texts differ by their hash alone.
            let doomed = try (0..<50).map { try added(server, "bird rock \($0)") }
            let failures = Mutex<[String]>([])
            let ids = Mutex<[String]>([])
            inParallel(200) { i in
                if i % 2 == 0 {
                    let id = try added(server, texts[i / 2])
                    ids.withLock { $0.append(id) }
                } else if i % 4 == 1 {
                    let answer = try server.post(
                        "delete_custom_sequence",
                        #"{"layer":1,"head":0,"sequence_id":"\#(doomed[i / 4])"}"#)
                    if answer.status != 200 { throw TestFailure(answer.text) }
                } else {
                    let answer = try server.post(
                        "save_umap_clusters",
                        #"{"layer":1,"head":0,"clusters":[{"name":"\#(i)","color":"black","points":[]}]}"#
                    )
                    if answer.status != 200 { throw TestFailure(answer.text) }
                }
            } failing: { error in
                failures.withLock { $0.append("\(error)") }
            }
            #expect(failures.withLock { $0 } == [])
            let stored = try storedIDs(site)
            #expect(Set(stored) == Set(ids.withLock { $0 }))
            #expect(stored.count == 100, "no duplicates, nothing lost")
            let clusters = try site.json("umap/L1H0.json")["clusters"] as? [[String: Any]]
            #expect(clusters?.count == 1)
        }
    }

    @Test func `After kill -9 every file is whole and every acknowledged write is there`()
        async throws
    {
        var random = SplitMix(state: 3)
        for round in 0..<6 {
            try await TestSite.with { site in
                let server = try ServerProcess(site, arguments: ["--quiet"])
                let kept = Mutex<Set<String>>([])
                let deleted = Mutex<Set<String>>([])
                let pause = UInt32(30_000 + random.next() % 250_000)
                let killer = Thread {
                    usleep(pause)
                    server.killNow()
                }
                killer.start()
                // Until the connection breaks: add, and delete every third again.
                inParallel(4) { worker in
                    for i in 0..<2000 {
                        let id = try added(server, "cat \(worker) \(i)")
                        kept.withLock { _ = $0.insert(id) }
                        guard i % 3 == 0 else { continue }
                        kept.withLock { _ = $0.remove(id) }
                        let answer = try server.post(
                            "delete_custom_sequence",
                            #"{"layer":1,"head":0,"sequence_id":"\#(id)"}"#)
                        if answer.status == 200 { deleted.withLock { _ = $0.insert(id) } }
                    }
                } failing: { _ in
                }
                while !killer.isFinished { usleep(1000) }
                let stored = Set(try storedIDs(site))
                #expect(kept.withLock { $0 }.isSubset(of: stored), "round \(round)")
                #expect(deleted.withLock { $0 }.isDisjoint(with: stored), "round \(round)")
                for case let url as URL in FileManager.default.enumerator(
                    at: site.data, includingPropertiesForKeys: nil)
                    ?? FileManager
                    .DirectoryEnumerator()
                where url.pathExtension == "json" && url.lastPathComponent != "outside.json" {
                    _ = try JSONSerialization.jsonObject(with: try Data(contentsOf: url))
                }
                // A new server clears up and goes on.
                let next = try ServerProcess(site, arguments: ["--quiet"])
                defer { next.killNow() }
                let names = try FileManager.default.contentsOfDirectory(
                    atPath: site.data.appending(path: "custom_sequences").path)
                #expect(names.allSatisfy { !$0.hasSuffix(".tmp") })
                _ = try added(next, "after the crash")
            }
        }
    }

    @Test
    func `After kill -9 the manifest names every acknowledged attribution, and whole files only`()
        async throws
    {
        for round in 0..<3 {
            try await TestSite.with { site in
                let server = try ServerProcess(
                    site, arguments: ["--quiet", "--dictionaries", site.run.dictionaries.path])
                let answered = Mutex<Set<String>>([])
                let killer = Thread {
                    usleep(UInt32(150_000 + 120_000 * round))
                    server.killNow()
                }
                killer.start()
                inParallel(2) { worker in
                    for i in 0..<500 {
                        let (kind, key) = (i % 2 == 0 ? "qk" : "ov", i / 2 % 9)
                        let answer = try server.post(
                            "\(kind)_attributions",
                            #"{"layer":1,"head":\#(worker),"seq_idx":\#(i / 18),"query_pos":9,"key_pos":\#(key)}"#
                        )
                        guard answer.status == 200 else { continue }
                        answered.withLock {
                            _ = $0.insert("\(kind)/L1H\(worker)S\(i / 18)Q9K\(key).json")
                        }
                    }
                } failing: { _ in
                }
                while !killer.isFinished { usleep(1000) }
                var named: Set<String> = []
                for (name, lists) in try site.json("attributions/manifest.json") {
                    for (kind, edges) in try #require(lists as? [String: [[Int]]]) {
                        named.formUnion(edges.map { "\(kind)/\(name)Q\($0[0])K\($0[1]).json" })
                    }
                }
                #expect(!named.isEmpty && answered.withLock { $0 }.isSubset(of: named))
                for name in named { #expect(try site.json("attributions/\(name)")["pairs"] != nil) }
            }
        }
    }

    @Test func `While the tree is emitted anew nothing that is added is lost`() async throws {
        try await serving { server, site in
            let ids = Mutex<[String]>([])
            let emitter = Thread {
                for _ in 0..<3 {
                    let work = site.run.work.path
                    _ = try? Programs.run(
                        Programs.folder.appending(path: "stage-emit"),
                        [
                            "--scan", "\(work)/scan.h5", "--metrics", "\(work)/metrics.h5",
                            "--sample", "\(work)/sample.h5", "--project", "\(work)/project.h5",
                            "--data", site.data.path,
                        ])
                }
            }
            emitter.start()
            var i = 0
            while !emitter.isFinished {
                let id = try added(server, "snow wind \(i)")
                ids.withLock { $0.append(id) }
                i += 1
            }
            #expect(Set(try storedIDs(site)) == Set(ids.withLock { $0 }))
            #expect(i > 0)
        }
    }

    @Test func `What was added can be projected after a restart`() async throws {
        try await TestSite.with { site in
            let first = try ServerProcess(site, arguments: ["--quiet"])
            let id = try added(first, "cat dog sun cat dog sun cat dog sun")
            #expect(first.stop().status == 0)
            let second = try ServerProcess(site, arguments: ["--quiet"])
            defer { second.killNow() }
            let body =
                #"{"layer":1,"head":0,"seq_idx":"\#(id)","query_pos":5,"key_pos":3,"context":{}}"#
            let placed = try second.post("project_to_umap", body)
            #expect(placed.status == 200, "\(placed.text)")
            let again = try object(try second.post("project_to_umap", body).body)
            #expect(again["found_in_projected"] as? Bool == true)
            #expect(again["projected_index"] as? Int == 0)
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `It stops at once and in peace when asked to`(_ signal: Int32) async throws {
        try await TestSite.with { site in
            let server = try ServerProcess(site, arguments: ["--quiet"])
            let idle = try server.connect()
            defer { close(idle) }
            let end = server.stop(signal)
            #expect(end.status == 0)
            #expect(end.time < .seconds(5))
        }
    }

    @Test func `Other hosts and other origins are refused, in reading and in writing`()
        async throws
    {
        try await serving { server, site in
            let before = try site.read("config.json")
            for host in [
                "evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "",
                "localhost:\"", "localhost\\", "localhost:\\\"",
            ] {
                let answer = try server.request("GET", "/", headers: ["Host": host])
                #expect([400, 421].contains(answer.status), "\(host)")
            }
            for origin in [
                "http://evil.example", "null", "http://127.0.0.1:1",
                "http://127.0.0.1:\(server.port).evil.example", "file://",
            ] {
                let answer = try server.post(
                    "add_custom_sequence", #"{"layer":1,"head":0,"text":"cat"}"#,
                    headers: ["Origin": origin])
                #expect(answer.status == 403, "\(origin)")
                #expect(answer.headers["access-control-allow-origin"] == nil)
                #expect(try object(answer.body)["detail"] is String)
            }
            let own = try server.post(
                "add_custom_sequence", #"{"layer":1,"head":0,"text":"cat"}"#,
                headers: ["Origin": "http://127.0.0.1:\(server.port)"])
            #expect(own.status == 200)
            #expect(try site.read("config.json") == before)
        }
    }

    @Test func `An allowed origin is answered with its own name and with credentials`() async throws
    {
        let origin = "https://notebook.example:8443"
        try await serving(["--quiet", "--allow-origin", origin]) { server, _ in
            let asked = try server.request(
                "OPTIONS", "/api/head_vis/public/add_custom_sequence/v0",
                headers: [
                    "Origin": origin, "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "content-type",
                ])
            #expect(asked.status == 204)
            #expect(asked.headers["access-control-allow-headers"] == "Content-Type")
            let failed = try server.post("add_custom_sequence", "{}", headers: ["Origin": origin])
            #expect(failed.status == 422)
            for answer in [asked, failed] {
                #expect(answer.headers["access-control-allow-origin"] == origin)
                #expect(answer.headers["access-control-allow-credentials"] == "true")
                #expect(answer.headers["vary"]?.contains("Origin") == true)
            }
            let config = try server.request(
                "GET", "/data/server_config.json", headers: ["Host": "notebook.example:8443"])
            #expect(try object(config.body)["server_url"] as? String == origin)
        }
    }

    @Test func `Broken and half-sent requests hold up nobody`() async throws {
        try await serving { server, _ in
            var open: [Int32] = []
            defer { open.forEach { close($0) } }
            for start in [
                "GET / HT", "POST /api/head_vis/public/add_custom_sequence/v0 HTTP/1.1\r\n",
            ] {
                for _ in 0..<50 {
                    let socket = try server.connect()
                    try ServerProcess.write(Array(start.utf8), to: socket)
                    open.append(socket)
                }
            }
            for garbage in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "HELLO WORLD\r\n\r\n"] {
                _ = try? server.send(Array(garbage.utf8))
            }
            let start = ContinuousClock.now
            #expect(try server.request("GET", "/").status == 200)
            #expect(ContinuousClock.now - start < .seconds(2))
        }
    }

    @Test func `A body larger than 1 MB is refused`() async throws {
        try await serving { server, _ in
            let text = String(repeating: "cat ", count: 300_000)
            let answer = try server.post(
                "add_custom_sequence", #"{"layer":1,"head":0,"text":"\#(text)"}"#)
            #expect(answer.status == 413)
        }
    }

    @Test func `Every request is one line in the log, whatever is in its path`() async throws {
        try await serving([]) { server, _ in
            _ = try server.request("GET", "/js/main.js")
            _ = try server.request("GET", "/\u{1B}[31mred\u{7}")
            _ = try server.request("GET", "/%0aforged")
            let lines = try server.output.split(separator: "\n").filter { $0.hasPrefix("GET ") }
            #expect(
                lines.contains { $0.firstMatch(of: /GET \/js\/main.js 200 19 B [\d.]+ ms/) != nil })
            #expect(try server.output.utf8.allSatisfy { $0 == 0x0A || $0 >= 0x20 })
        }
    }

    @Test func `Without a model files and clusters work, and the rest says how to get one`()
        async throws
    {
        try await TestSite.with { site in
            let server = try ServerProcess(
                site, arguments: ["--no-model", "--quiet"], waitsForModel: false)
            defer { server.killNow() }
            #expect(try server.request("GET", "/data/config.json").status == 200)
            let add = try server.post(
                "add_custom_sequence", #"{"layer":1,"head":0,"text":"cat"}"#)
            #expect(add.status == 501)
            #expect(add.text.contains("--model"))
            let save = try server.post(
                "save_umap_clusters", #"{"layer":1,"head":0,"clusters":[]}"#)
            #expect(save.status == 200)
            let status = try server.request("GET", "/api/head_vis/public/status/v0")
            #expect(status.text.contains(#""state":"none""#))
        }
    }

    private func added(_ server: ServerProcess, _ text: String) throws -> String {
        let answer = try server.post(
            "add_custom_sequence", #"{"layer":1,"head":0,"text":"\#(text)","context":{}}"#)
        guard answer.status == 200, let id = try object(answer.body)["sequence_id"] as? String
        else { throw TestFailure("\(answer.status) \(answer.text)") }
        return id
    }

    private func storedIDs(_ site: TestSite) throws -> [String] {
        let path = "custom_sequences/L1H0.json"
        guard FileManager.default.fileExists(atPath: site.data.appending(path: path).path) else {
            return []
        }
        let sequences = try site.json(path)["sequences"] as? [[String: Any]] ?? []
        return sequences.compactMap { $0["sequence_id"] as? String }
    }

    /// Runs `body` for 0..<count on as many threads.
    private func inParallel(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Void,
        failing: @escaping @Sendable (any Error) -> Void
    ) {
        let group = DispatchGroup()
        for i in 0..<count {
            group.enter()
            Thread.detachNewThread {
                do { try body(i) } catch { failing(error) }
                group.leave()
            }
        }
        group.wait()
    }
}
