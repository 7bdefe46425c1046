// SPDX-License-Identifier: Apache-2.0
// HTTP as it should not be, over real sockets: what is refused, how, and how soon.

import Foundation
import Testing

@Suite(.serialized) struct ProtocolTests {
    private static let add = "/api/head_vis/public/add_custom_sequence/v0"

    private func serving(_ body: (ServerProcess, TestSite) throws -> Void) async throws {
        try await TestSite.with { site in
            let server = try ServerProcess(site, arguments: ["--quiet"])
            defer { server.killNow() }
            try body(server, site)
        }
    }

    @Test func `What is no HTTP is the client's fault, and the answer says so`() async throws {
        try await serving { server, _ in
            let json = "Content-Type: application/json\r\n"
            let post = "POST \(Self.add) HTTP/1.1\r\nHost: localhost\r\n\(json)"
            let long = String(repeating: "a", count: 90_000)
            for (text, status) in [
                ("HELLO\r\n\r\n", 400), ("GET / HTTP/9.9\r\n\r\n", 400),
                ("\u{0}\u{1}\u{2}\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n", 400),
                ("\(post)Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400),
                ("\(post)Content-Length: -1\r\n\r\n", 400),
                ("\(post)Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
                ("\(post)Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400),
                ("\(post)Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: localhost\r\nX: \(long)\r\n\r\n", 431),
            ] {
                let answer = try server.send(Array(text.utf8))
                #expect(answer.status == status, "\(text.prefix(60)): \(answer.status)")
                #expect(try object(answer.body)["detail"] is String, "\(text.prefix(60))")
                #expect(answer.headers["connection"] == "close")
            }
            // A body that breaks off.
            let socket = try server.connect()
            defer { close(socket) }
            try ServerProcess.write(Array("\(post)Content-Length: 50\r\n\r\n{".utf8), to: socket)
            shutdown(socket, Int32(SHUT_WR))
            #expect(try HTTPAnswer(ServerProcess.readAll(socket)).status == 400)
        }
    }

    @Test func `A request has one Host, and it is one`() async throws {
        try await serving { server, _ in
            for host in [
                "", "Host: \r\n", "Host: localhost:\"\r\n", "Host: a b\r\n",
                "Host: localhost:99999\r\n", "Host: localhost\r\nHost: localhost\r\n",
                "Host: localhost\r\nhOST: evil.example\r\n", "Host: localhost@evil.example\r\n",
            ] {
                let answer = try server.send(
                    Array("GET / HTTP/1.1\r\n\(host)Connection: close\r\n\r\n".utf8))
                #expect(answer.status == 400, "\(host)")
                #expect(try object(answer.body)["detail"] is String)
            }
            let other = try server.request("GET", "/", headers: ["Host": "evil.example"])
            #expect(other.status == 421)
        }
    }

    @Test func `Too large a body is refused before it is sent`() async throws {
        try await serving { server, _ in
            let post =
                "POST \(Self.add) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            let start = ContinuousClock.now
            // Announced, and never sent.
            let announced = try server.send(
                Array("\(post)Content-Length: 99999999999\r\n\r\n".utf8))
            #expect(announced.status == 413)
            // Never ending.
            let socket = try server.connect()
            defer { close(socket) }
            let chunk = Array("8000\r\n".utf8) + [UInt8](repeating: 0x20, count: 0x8000) + [13, 10]
            let sender = Thread {
                try? ServerProcess.write(
                    Array("\(post)Transfer-Encoding: chunked\r\n\r\n".utf8), to: socket)
                for _ in 0..<100_000 where (try? ServerProcess.write(chunk, to: socket)) == nil {
                    break
                }
            }
            sender.start()
            #expect(try HTTPAnswer(ServerProcess.readAll(socket)).status == 413)
            while !sender.isFinished { usleep(10_000) }
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test func `Connections are kept as the version and the header say`() async throws {
        try await serving { server, _ in
            for (version, header, isKept) in [
                ("1.0", "", false), ("1.0", "Connection: keep-alive\r\n", true), ("1.1", "", true),
                ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: Close, x\r\n", false),
            ] {
                let socket = try server.connect()
                defer { close(socket) }
                let request = Array(
                    "GET /js/main.js HTTP/\(version)\r\nHost: localhost\r\n\(header)\r\n".utf8)
                let start = ContinuousClock.now
                try ServerProcess.write(request, to: socket)
                var answers = 1
                if isKept {
                    usleep(100_000)
                    try ServerProcess.write(request, to: socket)
                    usleep(100_000)
                    shutdown(socket, Int32(SHUT_WR))
                    answers = 2
                }
                let text = String(decoding: ServerProcess.readAll(socket), as: UTF8.self)
                #expect(
                    text.components(separatedBy: "HTTP/1.1 200").count == answers + 1,
                    "\(version) \(header): \(text)")
                #expect(text.contains("Connection: close") == !isKept)
                #expect(ContinuousClock.now - start < .seconds(2), "\(version) \(header)")
            }
        }
    }

    @Test func `Pipelined requests are answered in order, the last as it asks`() async throws {
        try await serving { server, _ in
            let head = "Host: localhost\r\n"
            let text =
                "GET /js/main.js HTTP/1.1\r\n\(head)\r\nGET /none HTTP/1.1\r\n\(head)\r\n"
                + "GET /js/main.js HTTP/1.1\r\n\(head)Connection: close\r\n\r\n"
            let socket = try server.connect()
            defer { close(socket) }
            try ServerProcess.write(Array(text.utf8), to: socket)
            let answers = String(decoding: ServerProcess.readAll(socket), as: UTF8.self)
                .components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
            #expect(answers == ["200", "404", "200"])
        }
    }
}
