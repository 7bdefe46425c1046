// SPDX-License-Identifier: Apache-2.0
// The Swift types that go into datasets and attributes as they are.

import CHDF5

/// A number that HDF5 stores natively.
public protocol H5Scalar: Sendable, BitwiseCopyable {
    /// HDF5's identifier of the type in memory.
    static var h5Type: hid_t { get }
    /// A value to fill buffers with before they are read into.
    static var zero: Self { get }
}

extension Int8: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_int8() } }
extension UInt8: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_uint8() } }
extension UInt16: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_uint16() } }
extension Int32: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_int32() } }
extension UInt32: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_uint32() } }
extension Int64: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_int64() } }
extension UInt64: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_uint64() } }
extension Int: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_int64() } }
extension Float: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_float() } }
extension Double: H5Scalar { public static var h5Type: hid_t { headvis_h5t_native_double() } }
extension Float16: H5Scalar {
    public static var h5Type: hid_t { half }

    /// IEEE half, which the library has a name for since 1.14.4 only.
    private static let half: hid_t = {
        let type = headvis_h5t_half()
        H5Tlock(type)
        return type
    }()
}
