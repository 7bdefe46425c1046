// SPDX-License-Identifier: Apache-2.0
// oneDNN's C interface, loaded when it is first asked for.

import COneDNN
import Foundation
import UserErrors

/// The one gate to oneDNN: its functions and its engine on the CPU.
///
/// Sendable, as nothing in it changes, and functions and engine may be used from all threads.
final class OneDNN: @unchecked Sendable {
    /// The library, or why there is none.
    static let loaded = Result { try OneDNN() }

    let engine: dnnl_engine_t
    let streamCreate: headvis_dnnl_stream_create
    let streamDestroy: headvis_dnnl_stream_destroy
    let describeByStrides: headvis_dnnl_memory_desc_init_by_strides
    let describeByTag: headvis_dnnl_memory_desc_init_by_tag
    let describePart: headvis_dnnl_memory_desc_init_submemory
    let byteCount: headvis_dnnl_memory_desc_get_size
    let memoryCreate: headvis_dnnl_memory_create
    let memoryDestroy: headvis_dnnl_memory_destroy
    let describeProduct: headvis_dnnl_matmul_desc_init
    let postOpsCreate: headvis_dnnl_post_ops_create
    let postOpsAppendSum: headvis_dnnl_post_ops_append_sum
    let postOpsDestroy: headvis_dnnl_post_ops_destroy
    let attributesCreate: headvis_dnnl_primitive_attr_create
    let setScratchpadMode: headvis_dnnl_primitive_attr_set_scratchpad_mode
    let setPostOps: headvis_dnnl_primitive_attr_set_post_ops
    let attributesDestroy: headvis_dnnl_primitive_attr_destroy
    let chooseProduct: headvis_dnnl_primitive_desc_create
    let chooseReorder: headvis_dnnl_reorder_primitive_desc_create
    let query: headvis_dnnl_primitive_desc_query
    let queryDescription: headvis_dnnl_primitive_desc_query_md
    let primitiveCreate: headvis_dnnl_primitive_create
    let execute: headvis_dnnl_primitive_execute
    private let setThreads: headvis_omp_set_num_threads

    private init() throws {
        guard let library = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL) else {
            throw UserError(
                "PRECISION=bf16 needs oneDNN 2 (libdnnl.so.2), which is not installed; install it (apt-get install libdnnl2), or leave PRECISION at float32."
            )
        }
        func function<Function>(_ name: String, as type: Function.Type = Function.self) throws
            -> Function
        {
            guard let address = dlsym(library, name) else {
                throw UserError(
                    "PRECISION=bf16: libdnnl.so.2 has no function \(name); install Debian's libdnnl2, or leave PRECISION at float32."
                )
            }
            return unsafeBitCast(address, to: type)
        }
        streamCreate = try function("dnnl_stream_create")
        streamDestroy = try function("dnnl_stream_destroy")
        describeByStrides = try function("dnnl_memory_desc_init_by_strides")
        describeByTag = try function("dnnl_memory_desc_init_by_tag")
        describePart = try function("dnnl_memory_desc_init_submemory")
        byteCount = try function("dnnl_memory_desc_get_size")
        memoryCreate = try function("dnnl_memory_create")
        memoryDestroy = try function("dnnl_memory_destroy")
        describeProduct = try function("dnnl_matmul_desc_init")
        postOpsCreate = try function("dnnl_post_ops_create")
        postOpsAppendSum = try function("dnnl_post_ops_append_sum")
        postOpsDestroy = try function("dnnl_post_ops_destroy")
        attributesCreate = try function("dnnl_primitive_attr_create")
        setScratchpadMode = try function("dnnl_primitive_attr_set_scratchpad_mode")
        setPostOps = try function("dnnl_primitive_attr_set_post_ops")
        attributesDestroy = try function("dnnl_primitive_attr_destroy")
        chooseProduct = try function("dnnl_primitive_desc_create")
        chooseReorder = try function("dnnl_reorder_primitive_desc_create")
        query = try function("dnnl_primitive_desc_query")
        queryDescription = try function("dnnl_primitive_desc_query_md")
        primitiveCreate = try function("dnnl_primitive_create")
        execute = try function("dnnl_primitive_execute")
        setThreads = try function("omp_set_num_threads")
        let instructions = try function(
            "dnnl_get_effective_cpu_isa", as: headvis_dnnl_get_effective_cpu_isa.self)()
        guard instructions & HEADVIS_DNNL_ISA_AVX512_CORE_BF16 == HEADVIS_DNNL_ISA_AVX512_CORE_BF16
        else {
            throw UserError(
                "PRECISION=bf16 needs a processor with avx512_core_bf16, and oneDNN finds \(Self.name(instructions)) here; leave PRECISION at float32."
            )
        }
        let create = try function("dnnl_engine_create", as: headvis_dnnl_engine_create.self)
        var engine: dnnl_engine_t?
        guard create(&engine, HEADVIS_DNNL_CPU, 0) == 0, let engine else {
            throw Self.failure("an engine on the CPU")
        }
        self.engine = engine
    }

    /// oneDNN's names of the instruction sets without bf16.
    private static func name(_ instructions: Int32) -> String {
        let names: [Int32: String] = [
            0x1: "sse41", 0x3: "avx", 0x7: "avx2", 0x27: "avx512_core", 0x67: "avx512_core_vnni",
            0x407: "avx2_vnni",
        ]
        return names[instructions] ?? "instruction set \(instructions)"
    }

    static func failure(_ what: String) -> UserError {
        UserError("PRECISION=bf16: oneDNN did not make \(what); leave PRECISION at float32.")
    }

    /// Keeps the library to the calling thread, as the program's own workers keep the cores busy. It asks OpenMP, which
    /// counts threads for each thread that calls it: so this stands before all that chooses or computes.
    func stayOnThisThread() { setThreads(1) }

    /// A description of [rows, columns] numbers of a type, their distances in elements; never freed.
    func description(rows: Int, columns: Int, type: Int32, strides: (Int, Int)) throws
        -> UnsafeRawPointer
    {
        let description = Self.descriptor()
        let status = describeByStrides(
            description, 2, Self.sizes(rows, columns), type, Self.sizes(strides.0, strides.1))
        guard status == 0 else { throw Self.failure("a matrix of \(rows) x \(columns)") }
        return UnsafeRawPointer(description)
    }

    /// Room for any of the library's descriptors.
    static func descriptor() -> UnsafeMutableRawPointer {
        let bytes = Int(HEADVIS_DNNL_DESCRIPTOR_BYTES)
        let room = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        room.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return room
    }

    static func sizes(_ a: Int, _ b: Int) -> [Int64] {
        [Int64(a), Int64(b)]
            + [Int64](repeating: 0, count: Int(HEADVIS_DNNL_DIMENSIONS) - 2)
    }

    /// The library's handle of memory that stays where it is.
    func memory(_ description: UnsafeRawPointer, _ bytes: UnsafeMutableRawPointer) -> dnnl_memory_t
    {
        var memory: dnnl_memory_t?
        guard memoryCreate(&memory, description, engine, bytes) == 0, let memory else {
            preconditionFailure("oneDNN has no memory left")
        }
        return memory
    }

    /// Runs a primitive on the calling thread.
    func run(_ primitive: dnnl_primitive_t, _ arguments: [dnnl_exec_arg_t]) {
        stayOnThisThread()
        var stream: dnnl_stream_t?
        guard streamCreate(&stream, engine, HEADVIS_DNNL_STREAM_DEFAULT) == 0, let stream,
            execute(primitive, stream, Int32(arguments.count), arguments) == 0
        else { preconditionFailure("oneDNN has no memory left") }
        _ = streamDestroy(stream)
    }
}
