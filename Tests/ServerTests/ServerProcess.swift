// SPDX-License-Identifier: Apache-2.0
// The real program with real sockets.

import Foundation

/// `serve`, running. Immutable once it has started, and its process is only signalled.
final class ServerProcess: @unchecked Sendable {
    let port: UInt16
    private let process: Process
    private let log: URL

    /// Starts `serve` on a free port and waits until it answers, with its model unless there is none.
    init(_ site: TestSite, arguments: [String] = [], waitsForModel: Bool = true) throws {
        log = site.folder.appending(path: "serve-\(UUID().uuidString).log")
        try Data().write(to: log)
        process = Process()
        process.executableURL = Programs.folder.appending(path: "serve")
        process.arguments =
            [
                "--data", site.data.path, "--web", site.web.path, "--work", site.run.work.path,
                "--model", TestRun.model.path, "--port", "0",
            ] + arguments
        process.standardError = try FileHandle(forWritingTo: log)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let start = ContinuousClock.now
        while true {
            let text = try String(contentsOf: log, encoding: .utf8)
            let place = text.firstMatch(of: /serving at http:\/\/127\.0\.0\.1:(\d+)\//)
            if let place, !waitsForModel || text.contains("is ready") {
                port = UInt16(place.output.1) ?? 0
                return
            }
            guard process.isRunning, ContinuousClock.now - start < .seconds(60) else {
                throw TestFailure("serve does not start: \(text)")
            }
            usleep(20_000)
        }
    }

    /// What it has written.
    var output: String { get throws { try String(contentsOf: log, encoding: .utf8) } }

    /// How much memory it has, in bytes.
    func memory() throws -> Int {
        let status = try proc("status")
        let line = status.firstMatch(of: /VmRSS:\s+(\d+) kB/)
        return (Int(line?.output.1 ?? "") ?? 0) << 10
    }

    /// How many bytes it has written, to whatever.
    func written() throws -> Int {
        Int(try proc("io").firstMatch(of: /wchar: (\d+)/)?.output.1 ?? "") ?? 0
    }

    private func proc(_ file: String) throws -> String {
        try String(contentsOfFile: "/proc/\(process.processIdentifier)/\(file)", encoding: .utf8)
    }

    /// Ends it as a power cut would.
    func killNow() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks it to stop; returns its exit status and how long that took.
    func stop(_ signal: Int32 = SIGTERM) -> (status: Int32, time: Duration) {
        let start = ContinuousClock.now
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return (process.terminationStatus, ContinuousClock.now - start)
    }

    /// Sends bytes as they are and reads the answer to its end.
    func send(_ bytes: [UInt8]) throws -> HTTPAnswer {
        let socket = try connect()
        defer { close(socket) }
        try Self.write(bytes, to: socket)
        return try HTTPAnswer(Self.readAll(socket))
    }

    func request(
        _ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8]? = nil
    ) throws -> HTTPAnswer {
        var head = ["Host": "127.0.0.1:\(port)", "Connection": "close"]
        if let body { head["Content-Length"] = String(body.count) }
        head.merge(headers) { $1 }
        let lines = head.map { "\($0): \($1)\r\n" }.joined()
        return try send(Array("\(method) \(path) HTTP/1.1\r\n\(lines)\r\n".utf8) + (body ?? []))
    }

    func post(_ name: String, _ body: String, headers: [String: String] = [:]) throws -> HTTPAnswer
    {
        try request(
            "POST", "/api/head_vis/public/\(name)/v0",
            headers: ["Content-Type": "application/json"].merging(headers) { $1 },
            body: Array(body.utf8))
    }

    /// An open connection.
    func connect() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw TestFailure("cannot connect")
        }
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    static func write(_ bytes: [UInt8], to socket: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let n = rest.withUnsafeBytes {
                Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard n > 0 else { throw TestFailure("the connection was closed") }
            rest = rest.dropFirst(n)
        }
    }

    static func readAll(_ socket: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let n = recv(socket, &buffer, buffer.count, 0)
            guard n > 0 else { return bytes }
            bytes += buffer[..<n]
        }
    }
}

/// An answer as it came over the wire.
struct HTTPAnswer: Sendable {
    let status: Int
    /// By lowercase name.
    let headers: [String: String]
    let body: [UInt8]

    init(_ bytes: [UInt8]) throws {
        let blank: [UInt8] = [13, 10, 13, 10]
        guard let end = bytes.firstRange(of: blank) else {
            throw TestFailure("no answer: \(String(decoding: bytes, as: UTF8.self))")
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
        headers = Dictionary(
            lines.dropFirst().compactMap { line in
                line.firstIndex(of: ":").map {
                    (
                        line[..<$0].lowercased(),
                        line[line.index(after: $0)...].trimmingCharacters(in: .whitespaces)
                    )
                }
            }, uniquingKeysWith: { $1 })
        body = Array(bytes[end.upperBound...])
    }

    var text: String { String(decoding: body, as: UTF8.self) }
}
