// SPDX-License-Identifier: Apache-2.0
// The process's own memory, as the kernel counts it.

import Foundation

/// Figures of /proc/self/status, in KiB.
struct ResidentMemory {
    /// RssAnon: what the program allocated.
    let anonymous: Int
    /// RssFile: pages of mapped files, which the kernel drops when it needs the room.
    let mapped: Int
    /// VmHWM: the peak of both together.
    let peak: Int

    init() throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        func value(_ key: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") }
            return line.flatMap { $0.split(whereSeparator: { !$0.isNumber }).first }
                .flatMap { Int($0) } ?? 0
        }
        anonymous = value("RssAnon")
        mapped = value("RssFile")
        peak = value("VmHWM")
    }
}
