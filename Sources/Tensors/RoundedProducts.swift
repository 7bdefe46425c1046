// SPDX-License-Identifier: Apache-2.0
// oneDNN's products with weights of one shape, and the order in which they want them to lie.

import COneDNN
import Synchronization
import UserErrors

/// Everything about weights W of one shape, [rows, columns]: y = x W^T, or y += x W^T, with W and x in bfloat16 and
/// sums and y in Float32. There is one for each shape, kept for the whole process.
///
/// Sendable, as all that changes is behind a lock; oneDNN's primitives may run on several threads.
final class RoundedProducts: @unchecked Sendable {
    /// Rows of x that the order of the weights is chosen for; no product is of more.
    static let mostRows = 256
    /// Products are of a multiple of so many rows of x, or of fewer; panels of weights likewise.
    static let kernelRows = 64
    /// Rows of a panel: what one worker packs at a time.
    private static let panelRows = 768

    /// Bytes of packed weights.
    let byteCount: Int
    /// oneDNN's description of them.
    let packed: UnsafeRawPointer

    /// A run of rows that is packed by itself.
    private struct Panel {
        let firstRow: Int
        /// Of its Float32, by rows.
        let plain: UnsafeRawPointer
        let packing: dnnl_primitive_t
    }

    /// What tells one product from another.
    private struct Shape: Hashable {
        let length: Int
        let adds: Bool
    }

    /// A product that is ready to run. Its descriptions belong to oneDNN.
    private struct Product: @unchecked Sendable {
        let primitive: dnnl_primitive_t
        let source: UnsafeRawPointer
        let target: UnsafeRawPointer
        let scratchpad: UnsafeRawPointer
        let scratchpadBytes: Int
    }

    private let library: OneDNN
    private let rows: Int
    private let columns: Int
    private let panels: [Panel]
    private let products = Mutex<[Shape: Product]>([:])

    private static let all = Mutex<[[Int]: RoundedProducts]>([:])

    /// The products with weights of a shape.
    static func of(rows: Int, columns: Int) throws -> RoundedProducts {
        try all.withLock { all in
            if let known = all[[rows, columns]] { return known }
            let new = try RoundedProducts(OneDNN.loaded.get(), rows: rows, columns: columns)
            all[[rows, columns]] = new
            return new
        }
    }

    private init(_ library: OneDNN, rows: Int, columns: Int) throws {
        self.library = library
        self.rows = rows
        self.columns = columns
        library.stayOnThisThread()
        let open = OneDNN.descriptor()
        defer { open.deallocate() }
        let status = library.describeByTag(
            open, 2, OneDNN.sizes(columns, rows), HEADVIS_DNNL_BF16, HEADVIS_DNNL_ANY_FORMAT)
        guard status == 0 else { throw OneDNN.failure("weights of \(rows) x \(columns)") }
        let choice = try Self.choice(
            library, Shape(length: Self.mostRows, adds: false), rows, columns,
            weights: UnsafeRawPointer(open))
        var name: UnsafePointer<CChar>?
        guard library.query(choice, HEADVIS_DNNL_QUERY_NAME, 0, &name) == 0, let name,
            !String(cString: name).hasPrefix("ref"),
            let packed = library.queryDescription(choice, HEADVIS_DNNL_QUERY_WEIGHTS, 0)
        else { throw OneDNN.failure("a fast product with \(rows) x \(columns) weights") }
        self.packed = packed
        byteCount = library.byteCount(packed)
        panels = try stride(from: 0, to: rows, by: Self.panelRows).map { first in
            try Self.panel(
                library, rows: first..<min(first + Self.panelRows, rows), columns, of: packed)
        }
    }

    private static func panel(
        _ library: OneDNN, rows: Range<Int>, _ columns: Int, of packed: UnsafeRawPointer
    ) throws -> Panel {
        let plain = try library.description(
            rows: columns, columns: rows.count, type: HEADVIS_DNNL_F32, strides: (1, columns))
        let part = OneDNN.descriptor()
        defer { part.deallocate() }
        var reorder: dnnl_primitive_desc_t?
        guard
            library.describePart(
                part, packed, OneDNN.sizes(columns, rows.count),
                OneDNN.sizes(0, rows.lowerBound)) == 0,
            library.chooseReorder(&reorder, plain, library.engine, part, library.engine, nil) == 0
        else { throw OneDNN.failure("a packing of \(rows.count) x \(columns) weights") }
        return Panel(
            firstRow: rows.lowerBound, plain: plain, packing: try primitive(library, reorder))
    }

    /// What oneDNN chooses for a product; it owns the descriptions that are asked of it and is never freed.
    private static func choice(
        _ library: OneDNN, _ shape: Shape, _ rows: Int, _ columns: Int, weights: UnsafeRawPointer
    ) throws -> dnnl_primitive_desc_t {
        let source = try library.description(
            rows: shape.length, columns: columns, type: HEADVIS_DNNL_BF16, strides: (columns, 1))
        let target = try library.description(
            rows: shape.length, columns: rows, type: HEADVIS_DNNL_F32, strides: (rows, 1))
        let product = OneDNN.descriptor()
        defer {
            source.deallocate()
            target.deallocate()
            product.deallocate()
        }
        var attributes: dnnl_primitive_attr_t?
        var operations: dnnl_post_ops_t?
        var choice: dnnl_primitive_desc_t?
        guard library.attributesCreate(&attributes) == 0,
            library.setScratchpadMode(attributes, HEADVIS_DNNL_SCRATCHPAD_OF_USER) == 0,
            library.postOpsCreate(&operations) == 0,
            !shape.adds || library.postOpsAppendSum(operations, 1) == 0,
            library.setPostOps(attributes, operations) == 0,
            library.describeProduct(product, source, weights, nil, target) == 0,
            library.chooseProduct(&choice, product, attributes, library.engine, nil) == 0,
            let choice
        else { throw OneDNN.failure("a product with \(rows) x \(columns) weights") }
        _ = library.postOpsDestroy(operations)
        _ = library.attributesDestroy(attributes)
        return choice
    }

    private static func primitive(
        _ library: OneDNN, _ choice: dnnl_primitive_desc_t?
    ) throws -> dnnl_primitive_t {
        var primitive: dnnl_primitive_t?
        guard library.primitiveCreate(&primitive, choice) == 0, let primitive else {
            throw OneDNN.failure("the code of a product")
        }
        return primitive
    }

    private func product(_ shape: Shape) -> Product {
        products.withLock { products in
            if let known = products[shape] { return known }
            library.stayOnThisThread()
            guard
                let choice = try? Self.choice(library, shape, rows, columns, weights: packed),
                let primitive = try? Self.primitive(library, choice),
                let source = library.queryDescription(choice, HEADVIS_DNNL_QUERY_SOURCE, 0),
                let target = library.queryDescription(choice, HEADVIS_DNNL_QUERY_TARGET, 0),
                let scratchpad = library.queryDescription(
                    choice, HEADVIS_DNNL_QUERY_SCRATCHPAD, 0)
            else { preconditionFailure("oneDNN has no memory left") }
            let new = Product(
                primitive: primitive, source: source, target: target, scratchpad: scratchpad,
                scratchpadBytes: library.byteCount(scratchpad))
            products[shape] = new
            return new
        }
    }

    /// How many panels the rows of the weights are cut into.
    var panelCount: Int { panels.count }

    /// Rounds one panel and puts it where products read it.
    ///
    /// - Parameters:
    ///   - values: all weights in Float32, by rows.
    ///   - target: the memory of the packed weights.
    func pack(panel index: Int, of values: UnsafePointer<Float>, into target: dnnl_memory_t) {
        let panel = panels[index]
        let source = library.memory(
            panel.plain, UnsafeMutableRawPointer(mutating: values + panel.firstRow * columns))
        library.run(
            panel.packing,
            [
                dnnl_exec_arg_t(argument: HEADVIS_DNNL_ARGUMENT_SOURCE, memory: source),
                dnnl_exec_arg_t(argument: HEADVIS_DNNL_ARGUMENT_TARGET, memory: target),
            ])
        _ = library.memoryDestroy(source)
    }

    /// y = x W^T, or with `adding` y += x W^T.
    ///
    /// - Parameters:
    ///   - x: [length, columns] bfloat16, of at most `mostRows` rows.
    ///   - weights: the packed W.
    ///   - y: [length, rows].
    func multiply(
        _ length: Int, _ x: UnsafeMutablePointer<UInt16>, _ weights: dnnl_memory_t,
        into y: UnsafeMutablePointer<Float>, adding: Bool
    ) {
        let product = product(Shape(length: length, adds: adding))
        withUnsafeTemporaryAllocation(
            byteCount: max(product.scratchpadBytes, 1), alignment: 64
        ) { room in
            let source = library.memory(product.source, x)
            let target = library.memory(product.target, y)
            let scratchpad = library.memory(
                product.scratchpad, room.baseAddress ?? UnsafeMutableRawPointer(x))
            library.run(
                product.primitive,
                [
                    dnnl_exec_arg_t(argument: HEADVIS_DNNL_ARGUMENT_SOURCE, memory: source),
                    dnnl_exec_arg_t(argument: HEADVIS_DNNL_ARGUMENT_WEIGHTS, memory: weights),
                    dnnl_exec_arg_t(argument: HEADVIS_DNNL_ARGUMENT_TARGET, memory: target),
                    dnnl_exec_arg_t(
                        argument: HEADVIS_DNNL_ARGUMENT_SCRATCHPAD, memory: scratchpad),
                ])
            for memory in [source, target, scratchpad] { _ = library.memoryDestroy(memory) }
        }
    }
}
