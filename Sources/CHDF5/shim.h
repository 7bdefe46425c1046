// SPDX-License-Identifier: Apache-2.0
// HDF5 names its native types and property classes by expression macros, which Swift cannot import.
#pragma once
#include <hdf5.h>

static inline hid_t headvis_h5t_native_int8(void) { return H5T_NATIVE_INT8; }
static inline hid_t headvis_h5t_native_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t headvis_h5t_native_uint16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t headvis_h5t_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t headvis_h5t_native_uint32(void) { return H5T_NATIVE_UINT32; }
static inline hid_t headvis_h5t_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t headvis_h5t_native_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t headvis_h5t_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t headvis_h5t_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t headvis_h5t_half(void) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}
static inline hid_t headvis_h5t_c_s1(void) { return H5T_C_S1; }
static inline hid_t headvis_h5p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t headvis_h5p_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t headvis_h5p_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t headvis_h5p_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t headvis_h5p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t headvis_h5p_link_create(void) { return H5P_LINK_CREATE; }
static inline unsigned headvis_h5f_acc_rdonly(void) { return H5F_ACC_RDONLY; }
static inline unsigned headvis_h5f_acc_trunc(void) { return H5F_ACC_TRUNC; }
