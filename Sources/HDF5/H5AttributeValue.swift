// SPDX-License-Identifier: Apache-2.0
// An attribute whose type is only known when it is read.

import CHDF5

/// A string or a number, as stored.
public enum H5AttributeValue: Sendable, Equatable {
    case text(String)
    case int(Int)
    case number(Double)
}

extension H5File {
    /// The attribute, whatever its type.
    public func attributeValue(_ name: String, of object: String) throws(H5Error)
        -> H5AttributeValue
    {
        let id = H5Aopen_by_name(
            handle.id, object.isEmpty ? "." : object, name, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT))
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "open attribute \(name)")
        }
        let attribute = H5Handle(id, close: H5Aclose)
        let type = H5Handle(H5Aget_type(attribute.id), close: H5Tclose)
        switch H5Tget_class(type.id) {
        case H5T_INTEGER: return .int(try self.attribute(name, of: object))
        case H5T_FLOAT: return .number(try self.attribute(name, of: object))
        default: return .text(try stringAttribute(name, of: object))
        }
    }

    /// Sets an attribute of any kind; an empty `object` is the file's root.
    public func setAttribute(
        _ name: String, of object: String, to value: H5AttributeValue
    ) throws(H5Error) {
        switch value {
        case .text(let text): try setAttribute(name, of: object, to: text)
        case .int(let int): try setAttribute(name, of: object, to: int)
        case .number(let number): try setAttribute(name, of: object, to: number)
        }
    }
}
