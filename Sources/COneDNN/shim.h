// SPDX-License-Identifier: Apache-2.0
// What we call of oneDNN 2 (libdnnl.so.2). The library is loaded when it is asked for, so that neither a build
// nor a run in Float32 needs it: here are only the types of its functions and the constants they take.
// Descriptors, which the library fills and reads, are handed on as bytes.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct dnnl_engine *dnnl_engine_t;
typedef struct dnnl_stream *dnnl_stream_t;
typedef struct dnnl_memory *dnnl_memory_t;
typedef struct dnnl_primitive *dnnl_primitive_t;
typedef struct dnnl_primitive_desc *dnnl_primitive_desc_t;
typedef struct dnnl_primitive_attr *dnnl_primitive_attr_t;
typedef struct dnnl_post_ops *dnnl_post_ops_t;
typedef struct {
    int argument;
    dnnl_memory_t memory;
} dnnl_exec_arg_t;

#define HEADVIS_DNNL_CPU 1
#define HEADVIS_DNNL_STREAM_DEFAULT 1u
#define HEADVIS_DNNL_BF16 2
#define HEADVIS_DNNL_F32 3
#define HEADVIS_DNNL_ANY_FORMAT 1
#define HEADVIS_DNNL_SCRATCHPAD_OF_USER 1
#define HEADVIS_DNNL_QUERY_NAME 8
#define HEADVIS_DNNL_QUERY_SOURCE 129
#define HEADVIS_DNNL_QUERY_WEIGHTS 131
#define HEADVIS_DNNL_QUERY_TARGET 133
#define HEADVIS_DNNL_QUERY_SCRATCHPAD 136
#define HEADVIS_DNNL_ARGUMENT_SOURCE 1
#define HEADVIS_DNNL_ARGUMENT_TARGET 17
#define HEADVIS_DNNL_ARGUMENT_WEIGHTS 33
#define HEADVIS_DNNL_ARGUMENT_SCRATCHPAD 80
// Bits of the instruction sets in use.
#define HEADVIS_DNNL_ISA_AVX512_CORE_BF16 0xe7
// Numbers in the library's dnnl_dims_t, and more bytes than any of its descriptors has.
#define HEADVIS_DNNL_DIMENSIONS 12
#define HEADVIS_DNNL_DESCRIPTOR_BYTES 8192

typedef int (*headvis_dnnl_get_effective_cpu_isa)(void);
typedef int (*headvis_dnnl_engine_create)(dnnl_engine_t *engine, int kind, size_t index);
typedef int (*headvis_dnnl_stream_create)(dnnl_stream_t *stream, dnnl_engine_t engine,
                                          unsigned flags);
typedef int (*headvis_dnnl_stream_destroy)(dnnl_stream_t stream);
typedef int (*headvis_dnnl_memory_desc_init_by_strides)(void *description, int count,
                                                        const int64_t *sizes, int type,
                                                        const int64_t *strides);
typedef int (*headvis_dnnl_memory_desc_init_by_tag)(void *description, int count,
                                                    const int64_t *sizes, int type, int tag);
typedef int (*headvis_dnnl_memory_desc_init_submemory)(void *description, const void *whole,
                                                       const int64_t *sizes,
                                                       const int64_t *offsets);
typedef size_t (*headvis_dnnl_memory_desc_get_size)(const void *description);
typedef int (*headvis_dnnl_memory_create)(dnnl_memory_t *memory, const void *description,
                                          dnnl_engine_t engine, void *bytes);
typedef int (*headvis_dnnl_memory_destroy)(dnnl_memory_t memory);
typedef int (*headvis_dnnl_matmul_desc_init)(void *product, const void *source,
                                             const void *weights, const void *bias,
                                             const void *target);
typedef int (*headvis_dnnl_post_ops_create)(dnnl_post_ops_t *operations);
typedef int (*headvis_dnnl_post_ops_append_sum)(dnnl_post_ops_t operations, float scale);
typedef int (*headvis_dnnl_post_ops_destroy)(dnnl_post_ops_t operations);
typedef int (*headvis_dnnl_primitive_attr_create)(dnnl_primitive_attr_t *attributes);
typedef int (*headvis_dnnl_primitive_attr_set_scratchpad_mode)(dnnl_primitive_attr_t attributes,
                                                               int mode);
typedef int (*headvis_dnnl_primitive_attr_set_post_ops)(dnnl_primitive_attr_t attributes,
                                                        dnnl_post_ops_t operations);
typedef int (*headvis_dnnl_primitive_attr_destroy)(dnnl_primitive_attr_t attributes);
typedef int (*headvis_dnnl_primitive_desc_create)(dnnl_primitive_desc_t *made,
                                                  const void *operation,
                                                  dnnl_primitive_attr_t attributes,
                                                  dnnl_engine_t engine,
                                                  dnnl_primitive_desc_t forward);
typedef int (*headvis_dnnl_reorder_primitive_desc_create)(dnnl_primitive_desc_t *made,
                                                          const void *source, dnnl_engine_t from,
                                                          const void *target, dnnl_engine_t to,
                                                          dnnl_primitive_attr_t attributes);
typedef int (*headvis_dnnl_primitive_desc_query)(dnnl_primitive_desc_t description, int what,
                                                 int index, void *result);
typedef const void *(*headvis_dnnl_primitive_desc_query_md)(dnnl_primitive_desc_t description,
                                                            int what, int index);
typedef int (*headvis_dnnl_primitive_create)(dnnl_primitive_t *made,
                                             dnnl_primitive_desc_t description);
typedef int (*headvis_dnnl_primitive_execute)(dnnl_primitive_t primitive, dnnl_stream_t stream,
                                              int count, const dnnl_exec_arg_t *arguments);
// Of the OpenMP runtime that the library is built on.
typedef void (*headvis_omp_set_num_threads)(int count);
