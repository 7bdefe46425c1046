// SPDX-License-Identifier: Apache-2.0
// Lists of several blocks at once, which a batch brings layer by layer and scan.h5 wants block by block.

import AttentionStats
import Foundation
import OpenFiles
import UserErrors

/// Hands lists on in the order of the blocks: those of a batch's first block as they come, those of the others from a
/// file without a name, in which they wait for their turn. Memory holds one layer of one block.
public final class ListSpill {
    private let sink: any ScanSink
    private let path: String
    private var descriptor: Int32 = -1
    private var end = 0
    /// Where the lists of each block stand; one place a layer.
    private var places: [Int: [(start: Int, count: Int)]] = [:]

    /// - Parameter path: of the output, beside which there is room.
    public init(into sink: any ScanSink, beside path: String) {
        self.sink = sink
        self.path = path
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Takes the next layer's lists of a block of the batch, by its number from 0.
    public func append(_ lists: ScanLists, block: Int) throws {
        guard block > 0 else { return try sink.append(lists) }
        if descriptor < 0 { try open() }
        let bytes = lists.encoded()
        places[block, default: []].append((end, bytes.count))
        guard writeAll(bytes, to: descriptor, at: end) else { throw failure() }
        end += bytes.count
    }

    /// Ends the batch.
    ///
    /// - Parameter rows: of its blocks.
    public func finish(_ rows: [ScanRows]) throws {
        for (block, rows) in rows.enumerated() {
            for place in places[block] ?? [] {
                var bytes = [UInt8](repeating: 0, count: place.count)
                let count = bytes.withUnsafeMutableBytes {
                    readAll(into: $0, from: descriptor, at: place.start)
                }
                guard count == place.count else { throw failure() }
                try sink.append(ScanLists(encoded: bytes))
            }
            try sink.append(rows)
        }
        places = [:]
        end = 0
        if descriptor >= 0 { ftruncate(descriptor, 0) }
    }

    private func open() throws {
        let output = URL(filePath: path)
        let name = output.deletingLastPathComponent()
            .appending(path: ".\(output.lastPathComponent).\(getpid()).lists").path
        // What a killed run of this process number left.
        unlink(name)
        descriptor = Foundation.open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        unlink(name)
    }

    private func failure() -> UserError {
        UserError(
            "\(path): a file beside it cannot be written (\(String(cString: strerror(errno)))); is the disk full?"
        )
    }
}
