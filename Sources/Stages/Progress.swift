// SPDX-License-Identifier: Apache-2.0
// Progress of long work on standard error: a line that renews itself on a terminal, plain lines in a
// log.

import Foundation

/// Reports how far long work has come, its rate and the time left.
public struct Progress {
    private let title: String
    private let unit: String
    private let total: Int
    private let start = ContinuousClock.now
    private var lastShown: ContinuousClock.Instant?
    private let isTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1

    /// Work of `total` units (0 if unknown), such as tokens.
    public init(_ title: String, unit: String, total: Int) {
        self.title = title
        self.unit = unit
        self.total = total
    }

    /// Shows the state, at most every 0.2 seconds on a terminal and every 10 in a log.
    public mutating func update(_ done: Int) {
        let now = ContinuousClock.now
        if let lastShown, now - lastShown < .seconds(isTerminal ? 0.2 : 10) { return }
        lastShown = now
        write(line(done, elapsed: seconds(now - start)), isLast: false)
    }

    /// Shows the end, with the overall rate.
    public func finish(_ done: Int) {
        let elapsed = seconds(ContinuousClock.now - start)
        write(
            "\(title): \(done) \(unit) in \(Self.duration(elapsed)), \(Self.rate(done, elapsed)) \(unit)/s",
            isLast: true)
    }

    private func line(_ done: Int, elapsed: Double) -> String {
        guard done > 0, total > 0, elapsed > 0 else { return "\(title): \(done) \(unit)" }
        let left = elapsed * Double(total - done) / Double(done)
        let percent = 100 * done / total
        return
            "\(title): \(percent)% of \(total) \(unit), \(Self.rate(done, elapsed)) \(unit)/s, \(Self.duration(left)) left"
    }

    private func write(_ line: String, isLast: Bool) {
        let text = isTerminal ? "\r\u{1B}[K\(line)\(isLast ? "\n" : "")" : "\(line)\n"
        FileHandle.standardError.write(Data(text.utf8))
    }

    private func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

    private static func rate(_ done: Int, _ elapsed: Double) -> String {
        String(format: "%.0f", Double(done) / max(elapsed, 1e-9))
    }

    private static func duration(_ seconds: Double) -> String {
        if seconds < 60 { return String(format: "%.1f s", seconds) }
        return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
    }
}

/// One line to standard error.
public func note(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
