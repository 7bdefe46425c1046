// SPDX-License-Identifier: Apache-2.0
// Clouds that were read last: a file of megabytes is not read anew for every edge.

import Synchronization
import Transformer

/// Keeps a few clouds for as long as their files stay as they are.
final class CloudCache: Sendable {
    private struct Entry {
        let head: HeadAddress
        let state: FileState
        let cloud: CloudFile
    }

    private static let capacity = 4
    /// The latest at the end.
    private let entries = Mutex<[Entry]>([])

    /// A head's cloud as it is in the tree now.
    func cloud(of head: HeadAddress, in tree: TreeStore) throws -> CloudFile {
        let path = CloudFile.path(head)
        let state = FileState(path: tree.root.appending(path: path).path)
        let known = entries.withLock { entries in
            entries.first { $0.head == head && $0.state == state }?.cloud
        }
        if let known { return known }
        let cloud = try CloudFile(existing: try tree.contents(path), of: head)
        guard let state else { return cloud }
        entries.withLock { entries in
            entries.removeAll { $0.head == head }
            entries.append(Entry(head: head, state: state, cloud: cloud))
            if entries.count > Self.capacity { entries.removeFirst() }
        }
        return cloud
    }
}
