// SPDX-License-Identifier: Apache-2.0
// The page and the tree as files, over the router.

import CZlib
import Foundation
import HTTPTypes
import Hummingbird
import TestSupport
import Testing

@Suite struct FileTests {
    @Test func `Files come with their types, whole, and as they are on disk`() async throws {
        try await routing { client, site in
            let page = try await client.get("/")
            #expect(page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(String(buffer: page.body).contains("HeadVis"))
            #expect(page.headers[.xContentTypeOptions] == "nosniff")
            let script = try await client.get("/js/main.js?v=1")
            #expect(script.headers[.contentType] == "text/javascript; charset=utf-8")
            let config = try await client.get("/data/config.json")
            #expect(config.headers[.contentType] == "application/json; charset=utf-8")
            #expect(try site.read("config.json") == config.bytes)
            let head = try await client.get("/data/config.json", method: .head)
            #expect(head.bytes.isEmpty)
            #expect(head.headers[.contentLength] == String(config.bytes.count))
        }
    }

    @Test func `A client that has a file is not sent it again until it changes`() async throws {
        try await routing { client, site in
            let path = "/data/scatter_data.json"
            for encoding in ["identity", "gzip"] {
                let first = try await client.get(path, [.acceptEncoding: encoding])
                let tag = try #require(first.headers[.eTag])
                for header in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                    let second = try await client.get(
                        path, [.acceptEncoding: encoding, .ifNoneMatch: header])
                    #expect(second.status == .notModified, "\(header)")
                    #expect(second.bytes.isEmpty)
                    #expect(second.headers[.eTag] == tag)
                }
                let other = try await client.get(
                    path, [.acceptEncoding: encoding, .ifNoneMatch: "\"other\""])
                #expect(other.status == .ok)
            }
            let tag = try #require(try await client.get(path).headers[.eTag])
            let file = site.data.appending(path: "scatter_data.json")
            try Data("[]".utf8).write(to: file, options: .atomic)
            let changed = try await client.get(path, [.ifNoneMatch: tag])
            #expect(changed.status == .ok)
            #expect(changed.bytes == Array("[]".utf8))
        }
    }

    @Test func `Who takes gzip gets gzip, which unpacks to the file`() async throws {
        try await routing { client, site in
            let path = "/data/heads/L0H0.json"
            let file = try site.read("heads/L0H0.json")
            for accept in ["gzip", "br, gzip;q=0.5", "*", "deflate, GZIP"] {
                let answer = try await client.get(path, [.acceptEncoding: accept])
                #expect(answer.headers[.contentEncoding] == "gzip", "\(accept)")
                #expect(answer.headers[.vary] == "Accept-Encoding")
                #expect(answer.bytes.count < file.count / 2)
                #expect(try gunzipped(answer.bytes) == file)
            }
            for accept in ["", "identity", "gzip;q=0", "br", "*;q=0"] {
                let answer = try await client.get(path, [.acceptEncoding: accept])
                #expect(answer.headers[.contentEncoding] == nil, "\(accept)")
                #expect(answer.bytes == file)
            }
        }
    }

    @Test(arguments: [
        ("bytes=0-0", 0..<1), ("bytes=2-5", 2..<6), ("bytes=10-", 10..<100), ("bytes=-7", 93..<100),
        ("bytes=90-200", 90..<100), ("bytes=-500", 0..<100),
    ])
    func `A range gives these bytes`(_ header: String, _ range: Range<Int>) async throws {
        try await routing { client, site in
            let file = (0..<100).map { UInt8($0) }
            try Data(file).write(to: site.data.appending(path: "bytes.bin"))
            let answer = try await client.get(
                "/data/bytes.bin", [.range: header, .acceptEncoding: "gzip"])
            #expect(answer.status == .partialContent)
            #expect(answer.bytes == Array(file[range]))
            #expect(
                answer.headers[.contentRange]
                    == "bytes \(range.lowerBound)-\(range.upperBound - 1)/100")
        }
    }

    @Test func `Ranges that are none give all, those past the end nothing`() async throws {
        try await routing { client, site in
            try Data(count: 100).write(to: site.data.appending(path: "bytes.bin"))
            for header in [
                "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5", "bytes=-", "bytes",
            ] {
                let answer = try await client.get("/data/bytes.bin", [.range: header])
                #expect(answer.status == .ok, "\(header)")
                #expect(answer.bytes.count == 100)
            }
            for header in ["bytes=100-", "bytes=99999999999999999999-", "bytes=-0"] {
                let answer = try await client.get("/data/bytes.bin", [.range: header])
                #expect(answer.status == .rangeNotSatisfiable, "\(header)")
                #expect(answer.headers[.contentRange] == "bytes */100")
            }
            let stale = try await client.get(
                "/data/bytes.bin", [.range: "bytes=0-1", .ifRange: "\"old\""])
            #expect(stale.status == .ok)
        }
    }

    @Test func `A large file is sent piece by piece`() async throws {
        try await routing { client, site in
            let file = (0..<(50 << 20)).map { UInt8(truncatingIfNeeded: $0 / 1000) }
            try Data(file).write(to: site.data.appending(path: "large.json"))
            let answer = try await client.get("/data/large.json", [.acceptEncoding: "gzip"])
            #expect(answer.headers[.contentLength] == String(file.count))
            #expect(answer.bytes == file)
            let part = try await client.get("/data/large.json", [.range: "bytes=1000000-1999999"])
            #expect(part.bytes == Array(file[1_000_000..<2_000_000]))
        }
    }

    @Test func `The served server_config.json announces the server, unless the file names one`()
        async throws
    {
        try await routing { client, site in
            func served(_ stored: String?) async throws -> [UInt8] {
                let url = site.data.appending(path: "server_config.json")
                if let stored {
                    try Data(stored.utf8).write(to: url)
                } else {
                    try FileManager.default.removeItem(at: url)
                }
                return try await client.get("/data/server_config.json").bytes
            }
            try FileManager.default.createDirectory(
                at: site.data.appending(path: "custom_sequences"), withIntermediateDirectories: true
            )
            for name in ["L10H2.json", "L9H3.json", "notes.txt"] {
                try Data("[]".utf8).write(to: site.data.appending(path: "custom_sequences/\(name)"))
            }
            let heads = #""custom_heads":[[9,3],[10,2]]"#
            let own = #"{"server_url":"http://localhost","context":{},\#(heads)}"#
            let named = #"{"server_url": "https://elsewhere.example", "context": {"a": 1}}"#
            for (stored, expected) in [
                ("{}", own), (nil, own), ("not json", own), ("[]", own), (named, named),
                (
                    #"{"context":{"a":1.50},"server_url":null}"#,
                    #"{"context":{"a":1.50},"server_url":"http://localhost",\#(heads)}"#
                ),
            ] {
                let answer = try await served(stored)
                #expect(String(decoding: answer, as: UTF8.self) == expected)
            }
        }
    }

    @Test func `No path leads out of the served folders`() async throws {
        try await routing { client, site in
            var random = SplitMix(state: 5)
            let pieces = [
                "..", "%2e%2e", ".%2e", "%2E.", "/", "//", "%2f", "%5c", "\\", "%00", "secret.json",
                "data", "heads", "outside.json", "web", "config.json", "%", "%zz", "%c0%ae", "~",
                ".",
                site.folder.path, "etc/passwd", "%252e%252e", "index.html", "?", "#", "\u{202E}",
                "é",
            ]
            let secret = Array(TestSite.secret.utf8)
            for path in [
                "/data/heads/outside.json", "/../secret.json", "/data/../secret.json",
                "/data/..%2fsecret.json", "/%2e%2e/secret.json", "/data/%2e%2e/secret.json",
                "//secret.json", "\(site.folder.path)/secret.json", "/data//config.json",
            ] {
                #expect(try await client.get(path).status == .notFound, "\(path)")
            }
            for _ in 0..<3000 {
                let path =
                    "/"
                    + (0..<Int.random(in: 1...7, using: &random)).map { _ in
                        pieces.randomElement(using: &random)!
                    }.joined(separator: Bool.random(using: &random) ? "/" : "")
                let answer = try await client.get(path)
                #expect(answer.status.code < 500, "\(path)")
                #expect(answer.bytes.firstRange(of: secret) == nil, "\(path)")
                if answer.status != .ok { #expect(answer.detail != nil, "\(path)") }
            }
        }
    }

    @Test func `Folders, pipes and hidden files are not files`() async throws {
        try await routing { client, site in
            #expect(mkfifo(site.data.appending(path: "pipe.json").path, 0o644) == 0)
            try Data("{}".utf8).write(to: site.data.appending(path: ".hidden.json"))
            for path in ["/data", "/data/", "/data/heads", "/data/pipe.json", "/data/.hidden.json"]
            {
                #expect(try await client.get(path).status == .notFound, "\(path)")
            }
            let put = try await client.get("/data/config.json", method: .put)
            #expect(put.status == .methodNotAllowed)
        }
    }

    private func gunzipped(_ bytes: [UInt8]) throws -> [UInt8] {
        var stream = z_stream()
        guard
            inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
                == Z_OK
        else { throw TestFailure("zlib") }
        defer { inflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: 64 << 20)
        let status = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                return inflate(&stream, Z_FINISH)
            }
        }
        guard status == Z_STREAM_END else { throw TestFailure("not gzip") }
        return Array(output.prefix(Int(stream.total_out)))
    }
}
