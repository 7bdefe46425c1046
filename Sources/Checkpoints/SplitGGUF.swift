// SPDX-License-Identifier: Apache-2.0
// A GGUF file, or several that belong together: model-00001-of-00003.gguf and so on, of which the first holds the
// metadata. Reference: llama.cpp, tools/gguf-split.

import Foundation
import UserErrors

enum SplitGGUF {
    /// What a file and the parts that follow it hold.
    struct Contents {
        let files: [URL]
        let metadata: GGUFMetadata
        let tensors: [String: StoredTensor]
    }

    /// More parts than any model is split into.
    private static let mostParts = 10_000

    /// Reads a file and, if it is the first of several, the others beside it.
    static func contents(of first: URL) throws -> Contents {
        let whole = try GGUF.contents(of: MappedFile(first))
        let count = whole.metadata.int("split.count") ?? 1
        guard count > 1 else {
            return Contents(files: [first], metadata: whole.metadata, tensors: whole.tensors)
        }
        let number = whole.metadata.int("split.no") ?? 0
        guard number == 0 else {
            throw UserError(
                first, "is part \(number + 1) of \(count) of a split model",
                advice: "give its first part, which ends in -00001-of-\(padded(count)).gguf")
        }
        let ending = "-00001-of-\(padded(count)).gguf"
        guard count <= mostParts, first.lastPathComponent.hasSuffix(ending) else {
            throw UserError(
                first, "is the first of \(count) parts and not called ...\(ending)",
                advice: "give the parts the names that they were split into")
        }
        let stem = first.lastPathComponent.dropLast(ending.count)
        var (files, tensors) = ([first], whole.tensors)
        for part in 2...count {
            let url = first.deletingLastPathComponent()
                .appending(path: "\(stem)-\(padded(part))-of-\(padded(count)).gguf")
            let contents = try GGUF.contents(of: MappedFile(url))
            files.append(url)
            for (name, tensor) in contents.tensors {
                guard tensors.updateValue(tensor, forKey: name) == nil else {
                    throw UserError.malformed(
                        url, "repeats the tensor \(quoted(name)) of another part")
                }
            }
        }
        return Contents(files: files, metadata: whole.metadata, tensors: tensors)
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
