// SPDX-License-Identifier: Apache-2.0
// A file's bytes as memory: read-only, mapped at opening, unmapped when nothing refers to them.

import Foundation
import UserErrors

/// A regular file mapped read-only into memory.
///
/// Every offset that is read later was checked at opening against the size `fstat` gave. A file that
/// another program makes shorter after that ends this program with SIGBUS: the operating system has
/// no gentler answer. Checkpoints are replaced by renaming a new file over the old one, which leaves
/// the mapping whole.
///
/// Unchecked Sendable: the mapped bytes are read-only and nothing changes after `init`.
final class MappedFile: @unchecked Sendable {
    let url: URL
    /// The first byte; `byteCount` of them can be read.
    let base: UnsafeRawPointer
    let byteCount: Int

    init(_ url: URL) throws {
        let advice = "give a readable safetensors or GGUF file"
        // O_NONBLOCK: opening a pipe would wait for its writer.
        let descriptor = open(url.path(percentEncoded: false), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw UserError(
                url, "cannot be opened (\(String(cString: strerror(errno))))", advice: advice)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw UserError(url, "is not a regular file", advice: advice)
        }
        guard status.st_size > 0 else { throw UserError.malformed(url, "is empty") }
        let size = Int(status.st_size)
        guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
            memory != MAP_FAILED
        else {
            throw UserError(
                url, "cannot be mapped into memory (\(String(cString: strerror(errno))))",
                advice: "free some address space or lift the limit that `ulimit -v` shows")
        }
        // Tensors are read from front to back: read ahead far. Refusal changes nothing but speed.
        _ = madvise(memory, size, MADV_SEQUENTIAL)
        guard !UserError.isLFSPointer(UnsafeRawBufferPointer(start: memory, count: min(size, 128)))
        else {
            munmap(memory, size)
            throw UserError.lfsPointer(url.path(percentEncoded: false))
        }
        self.url = url
        base = UnsafeRawPointer(memory)
        byteCount = size
    }

    /// Memory of its own that holds what `fill` writes, for numbers that lie out of order in the file `url`.
    init(copying count: Int, for url: URL, _ fill: (UnsafeMutableRawPointer) -> Void) throws {
        let size = max(count, 1)
        guard
            let memory = mmap(
                nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else {
            throw UserError(
                url, "needs \(size) bytes of memory that are not there",
                advice: "save the model as safetensors")
        }
        fill(memory)
        self.url = url
        base = UnsafeRawPointer(memory)
        byteCount = size
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: base), byteCount) }
}
