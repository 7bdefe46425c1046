// SPDX-License-Identifier: Apache-2.0
// An HDF5 file: groups, datasets of numbers and strings, attributes.

import CHDF5

/// An open HDF5 file. Objects are addressed by their path inside it, such as `statistics/entropy_sum`.
///
/// The library keeps global state without locks, so a program uses it from one thread at a time.
/// Files are written without timestamps: equal contents give equal bytes.
public final class H5File {
    /// The path given when it was opened, or another name, for messages.
    public let path: String
    let handle: H5Handle

    private init(path: String, handle: H5Handle) {
        self.path = path
        self.handle = handle
    }

    /// Creates the file, replacing one that is there.
    ///
    /// - Parameters:
    ///   - name: what messages call it, where that is not `path`.
    ///   - userBlock: bytes at the file's beginning that HDF5 leaves alone: 0, 512, or twice that and so on.
    public static func create(
        _ path: String, named name: String? = nil, userBlock: Int = 0
    ) throws(H5Error) -> H5File {
        H5Library.prepare()
        let properties = H5Handle(H5Pcreate(headvis_h5p_file_create()), close: H5Pclose)
        H5Pset_obj_track_times(properties.id, false)
        H5Pset_userblock(properties.id, hsize_t(userBlock))
        // Closing the file closes what is open in it.
        let access = H5Handle(H5Pcreate(headvis_h5p_file_access()), close: H5Pclose)
        H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG)
        let id = H5Fcreate(path, headvis_h5f_acc_trunc(), properties.id, access.id)
        guard id >= 0 else {
            throw .fromLibrary(
                file: name ?? path, object: "", operation: "create the file; is the disk full?")
        }
        return H5File(path: name ?? path, handle: H5Handle(id, close: H5Fclose))
    }

    /// Opens an existing file for reading.
    public static func open(_ path: String) throws(H5Error) -> H5File {
        H5Library.prepare()
        let id = H5Fopen(path, headvis_h5f_acc_rdonly(), hid_t(H5P_DEFAULT))
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: "", operation: "open it as an HDF5 file")
        }
        return H5File(path: path, handle: H5Handle(id, close: H5Fclose))
    }

    /// Hands everything written so far to the operating system; an error here is a full disk.
    public func flush() throws(H5Error) {
        guard H5Fflush(handle.id, H5F_SCOPE_GLOBAL) >= 0 else {
            throw .fromLibrary(file: path, object: "", operation: "write to it; is the disk full?")
        }
    }

    /// Ends writing: the file and everything open in it is closed, and can only be opened anew.
    public func close() throws(H5Error) {
        guard handle.closeNow() else {
            throw .fromLibrary(file: path, object: "", operation: "write to it; is the disk full?")
        }
    }

    /// Gives up a file that could not be written: the library would write it again in closing, and on a full disk
    /// crashes in that. What it holds stays with it until the process ends.
    public func abandon() { handle.abandon() }

    // MARK: Groups

    /// Creates a group, and those above it, unless it is there.
    public func createGroup(_ object: String) throws(H5Error) {
        if try exists(object) { return }
        let links = H5Handle(H5Pcreate(headvis_h5p_link_create()), close: H5Pclose)
        H5Pset_create_intermediate_group(links.id, 1)
        let properties = H5Handle(H5Pcreate(headvis_h5p_group_create()), close: H5Pclose)
        H5Pset_obj_track_times(properties.id, false)
        let id = H5Gcreate2(handle.id, object, links.id, properties.id, hid_t(H5P_DEFAULT))
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "create the group")
        }
        H5Gclose(id)
    }

    /// Whether something with this path is in the file.
    public func exists(_ object: String) throws(H5Error) -> Bool {
        var prefix = ""
        for part in object.split(separator: "/") {
            prefix += prefix.isEmpty ? String(part) : "/\(part)"
            let answer = H5Lexists(handle.id, prefix, hid_t(H5P_DEFAULT))
            guard answer >= 0 else {
                throw .fromLibrary(file: path, object: object, operation: "look it up")
            }
            if answer == 0 { return false }
        }
        return true
    }

    /// The names of what lies directly in a group, in the library's name order.
    public func members(of group: String) throws(H5Error) -> [String] {
        let id = H5Gopen2(handle.id, group.isEmpty ? "/" : group, hid_t(H5P_DEFAULT))
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: group, operation: "open the group")
        }
        let opened = H5Handle(id, close: H5Gclose)
        var info = H5G_info_t()
        guard H5Gget_info(opened.id, &info) >= 0 else {
            throw .fromLibrary(file: path, object: group, operation: "list the group")
        }
        var names: [String] = []
        for index in 0..<info.nlinks {
            let length = H5Lget_name_by_idx(
                opened.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, nil, 0, hid_t(H5P_DEFAULT))
            guard length >= 0, length < 4096 else {
                throw .fromLibrary(file: path, object: group, operation: "list the group")
            }
            var bytes = [CChar](repeating: 0, count: Int(length) + 1)
            H5Lget_name_by_idx(
                opened.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, &bytes, bytes.count,
                hid_t(H5P_DEFAULT))
            names.append(string(from: bytes))
        }
        return names
    }
}

/// The text up to the first NUL, invalid UTF-8 repaired.
func string(from bytes: some Collection<CChar>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
