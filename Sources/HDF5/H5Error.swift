// SPDX-License-Identifier: Apache-2.0
// What can go wrong with an HDF5 file, as one sentence.

import CHDF5

/// A failed operation on an HDF5 file: which file, which object in it, and what is wrong.
public struct H5Error: Error, CustomStringConvertible, Sendable, Equatable {
    /// The file's path.
    public let file: String
    /// The path of the group, dataset or attribute inside the file; empty for the file itself.
    public let object: String
    /// What is wrong.
    public let problem: String

    /// An error about `object` in `file`.
    public init(file: String, object: String = "", problem: String) {
        self.file = file
        self.object = object
        self.problem = problem
    }

    public var description: String {
        object.isEmpty ? "\(file): \(problem)" : "\(file): \(object): \(problem)"
    }

    /// An error with the innermost message of the library's own error stack, which is then cleared.
    static func fromLibrary(file: String, object: String, operation: String) -> H5Error {
        var innermost: String?
        withUnsafeMutablePointer(to: &innermost) { slot in
            // The walk goes from the call we made down to where it failed: the last message wins.
            _ = H5Ewalk2(
                hid_t(H5E_DEFAULT), H5E_WALK_DOWNWARD,
                { _, entry, client in
                    guard let text = entry?.pointee.desc, let client else { return 0 }
                    client.assumingMemoryBound(to: String?.self).pointee = String(cString: text)
                    return 0
                }, slot)
        }
        H5Eclear2(hid_t(H5E_DEFAULT))
        let detail = innermost.map { " (\(reason(in: $0)))" } ?? ""
        return H5Error(file: file, object: object, problem: "cannot \(operation)\(detail)")
    }

    /// Of a failed read or write the system's own words; the library has buffers and counts around them.
    private static func reason(in message: String) -> String {
        if let match = message.firstMatch(of: /error message = '([^']*)'/) {
            return String(match.1)
        }
        return message.split(whereSeparator: \.isNewline).first.map(String.init) ?? message
    }
}
