// SPDX-License-Identifier: Apache-2.0
// Ownership of the library's identifiers.

import CHDF5

/// One identifier of the library, closed when the last reference to it goes away.
final class H5Handle {
    let id: hid_t
    private let file: H5Handle?
    private let close: (hid_t) -> herr_t
    private var isClosed = false

    /// Takes ownership of `id`.
    ///
    /// - Parameter file: what it lies in; closing that closes this.
    init(_ id: hid_t, in file: H5Handle? = nil, close: @escaping (hid_t) -> herr_t) {
        self.id = id
        self.file = file
        self.close = close
    }

    /// Closes it now and says whether that succeeded; the last reference then closes nothing.
    func closeNow() -> Bool {
        guard !isClosed else { return true }
        isClosed = true
        return close(id) >= 0
    }

    /// Leaves it, and what lies in it, open for ever.
    func abandon() { isClosed = true }

    deinit { if !isClosed, !(file?.isClosed ?? false) { _ = close(id) } }
}

/// The library as a whole.
enum H5Library {
    /// Turns the library's own printing of errors off for this thread (a thread-safe build keeps one
    /// error stack a thread), since we report errors ourselves.
    static func prepare() {
        // A file that could not be written would be written again at exit, which crashes when the disk is full.
        H5dont_atexit()
        H5open()
        H5Eset_auto2(hid_t(H5E_DEFAULT), nil, nil)
    }
}
