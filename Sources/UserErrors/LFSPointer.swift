// SPDX-License-Identifier: Apache-2.0
// A file that Git LFS has not fetched yet.

import Foundation

extension UserError {
    /// Whether a file that begins so is a pointer of Git LFS instead of the file itself.
    /// Format: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
    public static func isLFSPointer(_ beginning: some Sequence<UInt8>) -> Bool {
        beginning.starts(with: "version https://git-lfs.github.com/spec/".utf8)
    }

    /// What is said of such a file.
    public static func lfsPointer(_ path: String) -> UserError {
        UserError(
            "\(path): is a Git LFS pointer instead of the file; run git lfs pull in its folder.")
    }
}
