// SPDX-License-Identifier: Apache-2.0
// Attributes: one string or one number beside a group or dataset.

import CHDF5

extension H5File {
    /// Sets a string attribute; an empty `object` is the file's root.
    public func setAttribute(_ name: String, of object: String, to value: String) throws(H5Error) {
        // A fixed length keeps the text inside the object's header: no global heap, equal bytes.
        let type = H5Handle(H5Tcopy(headvis_h5t_c_s1()), close: H5Tclose)
        H5Tset_size(type.id, max(1, value.utf8.count))
        H5Tset_cset(type.id, H5T_CSET_UTF8)
        H5Tset_strpad(type.id, H5T_STR_NULLPAD)
        try writeAttribute(name, of: object, type: type.id, bytes: Array(value.utf8) + [0])
    }

    /// Sets a number attribute; an empty `object` is the file's root.
    public func setAttribute<Scalar: H5Scalar>(
        _ name: String, of object: String, to value: Scalar
    ) throws(H5Error) {
        let bytes = withUnsafeBytes(of: value) { Array($0) }
        try writeAttribute(name, of: object, type: Scalar.h5Type, bytes: bytes)
    }

    /// The string attribute, or an error that says it is missing.
    public func stringAttribute(_ name: String, of object: String) throws(H5Error) -> String {
        let attribute = try openAttribute(name, of: object)
        let type = H5Handle(H5Aget_type(attribute.id), close: H5Tclose)
        let size = H5Tget_size(type.id)
        guard H5Tget_class(type.id) == H5T_STRING, H5Tis_variable_str(type.id) == 0,
            size > 0, size < 1 << 20
        else {
            throw H5Error(
                file: path, object: object, problem: "its attribute \(name) is not a string")
        }
        var bytes = [CChar](repeating: 0, count: size + 1)
        guard H5Aread(attribute.id, type.id, &bytes) >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "read attribute \(name)")
        }
        return string(from: bytes)
    }

    /// The number attribute, converted to the type asked for, or an error that says it is missing.
    public func attribute<Scalar: H5Scalar>(
        _ name: String, of object: String, as type: Scalar.Type = Scalar.self
    ) throws(H5Error) -> Scalar {
        let attribute = try openAttribute(name, of: object)
        let space = H5Handle(H5Aget_space(attribute.id), close: H5Sclose)
        let stored = H5Handle(H5Aget_type(attribute.id), close: H5Tclose)
        let kind = H5Tget_class(stored.id)
        guard H5Sget_simple_extent_npoints(space.id) == 1, kind == H5T_INTEGER || kind == H5T_FLOAT
        else {
            throw H5Error(
                file: path, object: object, problem: "its attribute \(name) is not one number")
        }
        var value = Scalar.zero
        guard H5Aread(attribute.id, Scalar.h5Type, &value) >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "read attribute \(name)")
        }
        return value
    }

    /// Whether the object has an attribute of this name.
    public func hasAttribute(_ name: String, of object: String) -> Bool {
        H5Aexists_by_name(handle.id, object.isEmpty ? "." : object, name, hid_t(H5P_DEFAULT)) > 0
    }

    /// The names of the object's attributes, in name order.
    public func attributeNames(of object: String) -> [String] {
        var info = H5O_info_t()
        let target = object.isEmpty ? "." : object
        guard
            H5Oget_info_by_name2(
                handle.id, target, &info, UInt32(H5O_INFO_NUM_ATTRS), hid_t(H5P_DEFAULT)) >= 0
        else { return [] }
        return (0..<info.num_attrs).map { index in
            var bytes = [CChar](repeating: 0, count: 256)
            H5Aget_name_by_idx(
                handle.id, target, H5_INDEX_NAME, H5_ITER_INC, index, &bytes, bytes.count - 1,
                hid_t(H5P_DEFAULT))
            return string(from: bytes)
        }
    }

    private func openAttribute(_ name: String, of object: String) throws(H5Error) -> H5Handle {
        guard hasAttribute(name, of: object) else {
            throw H5Error(
                file: path, object: object, problem: "its attribute \(name) is missing")
        }
        let id = H5Aopen_by_name(
            handle.id, object.isEmpty ? "." : object, name, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT))
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "open attribute \(name)")
        }
        return H5Handle(id, close: H5Aclose)
    }

    private func writeAttribute(
        _ name: String, of object: String, type: hid_t, bytes: [UInt8]
    ) throws(H5Error) {
        let space = H5Handle(H5Screate(H5S_SCALAR), close: H5Sclose)
        let id = H5Acreate_by_name(
            handle.id, object.isEmpty ? "." : object, name, type, space.id, hid_t(H5P_DEFAULT),
            hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT))
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "create attribute \(name)")
        }
        let attribute = H5Handle(id, close: H5Aclose)
        guard H5Awrite(attribute.id, type, bytes) >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "write attribute \(name)")
        }
    }
}
