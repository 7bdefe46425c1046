// SPDX-License-Identifier: Apache-2.0
// Datasets of strings (variable length, UTF-8 when written by us; fixed length too when read).

import CHDF5

extension H5File {
    /// Writes a dataset of strings, which must not contain NUL.
    public func write(
        _ strings: [String], to object: String, axes: [String], about: String
    ) throws(H5Error) {
        let type = Self.variableStringType()
        let space = H5Handle(
            H5Screate_simple(1, [hsize_t(strings.count)], nil), close: H5Sclose)
        let properties = H5Handle(H5Pcreate(headvis_h5p_dataset_create()), close: H5Pclose)
        let dataset = try createDataset(
            object, type: type.id, space: space, properties: properties)
        try setAttribute("axes", of: object, to: axes.joined(separator: ", "))
        try setAttribute("about", of: object, to: about)
        guard !strings.isEmpty else { return }

        // One buffer holds all the texts; the library takes an array of pointers into it.
        var bytes: [CChar] = []
        var starts: [Int] = []
        for string in strings {
            starts.append(bytes.count)
            bytes.append(contentsOf: string.utf8.map(CChar.init(bitPattern:)))
            bytes.append(0)
        }
        let status = bytes.withUnsafeBufferPointer { buffer -> herr_t in
            let pointers = starts.map { buffer.baseAddress?.advanced(by: $0) }
            return H5Dwrite(
                dataset.id, type.id, hid_t(H5S_ALL), hid_t(H5S_ALL), hid_t(H5P_DEFAULT), pointers)
        }
        guard status >= 0 else {
            throw .fromLibrary(
                file: path, object: object, operation: "write to it; is the disk full?")
        }
    }

    /// Reads a whole dataset of strings of variable length.
    public func readStrings(_ object: String) throws(H5Error) -> [String] {
        let shape = try dataset(object, shape: [-1]).shape
        guard shape[0] > 0 else { return [] }
        let id = H5Dopen2(handle.id, object, hid_t(H5P_DEFAULT))
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "open the dataset")
        }
        let dataset = H5Handle(id, in: handle, close: H5Dclose)
        let stored = H5Handle(H5Dget_type(dataset.id), close: H5Tclose)
        guard H5Tget_class(stored.id) == H5T_STRING, H5Tis_variable_str(stored.id) > 0 else {
            throw H5Error(file: path, object: object, problem: "it does not hold strings")
        }
        let type = Self.variableStringType()
        var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: shape[0])
        guard
            H5Dread(
                dataset.id, type.id, hid_t(H5S_ALL), hid_t(H5S_ALL), hid_t(H5P_DEFAULT), &pointers)
                >= 0
        else {
            throw .fromLibrary(file: path, object: object, operation: "read the strings")
        }
        let strings = pointers.map { $0.map { String(cString: $0) } ?? "" }
        let space = H5Handle(H5Dget_space(dataset.id), close: H5Sclose)
        H5Dvlen_reclaim(type.id, space.id, hid_t(H5P_DEFAULT), &pointers)
        return strings
    }

    static func variableStringType() -> H5Handle {
        let type = H5Handle(H5Tcopy(headvis_h5t_c_s1()), close: H5Tclose)
        H5Tset_size(type.id, -1)  // H5T_VARIABLE
        H5Tset_cset(type.id, H5T_CSET_UTF8)
        return type
    }
}
