// SPDX-License-Identifier: Apache-2.0
// Datasets of numbers: written whole, or appended to along their first axis; read whole or by rows.

import CHDF5

/// A dataset of numbers in an open file.
public final class H5Dataset {
    /// The path inside the file.
    public let object: String
    /// The extent along each axis, outermost first.
    public private(set) var shape: [Int]
    private let file: H5File
    private let handle: H5Handle

    init(file: H5File, object: String, handle: H5Handle, shape: [Int]) {
        self.file = file
        self.object = object
        self.handle = handle
        self.shape = shape
    }

    /// The number of elements in one row: the product of all axes but the first.
    public var rowSize: Int { shape.dropFirst().reduce(1, *) }

    /// Adds rows at the end of a dataset made by `createAppendable`.
    ///
    /// - Parameter values: whole rows, [count, shape[1], ...] contiguous.
    public func append<Scalar: H5Scalar>(_ values: [Scalar]) throws(H5Error) {
        guard !values.isEmpty else { return }
        precondition(values.count % rowSize == 0, "\(object): appended values must be whole rows")
        let first = shape[0]
        let count = values.count / rowSize
        shape[0] += count
        let extent = shape.map(hsize_t.init)
        guard H5Dset_extent(handle.id, extent) >= 0 else {
            throw .fromLibrary(file: file.path, object: object, operation: "extend the dataset")
        }
        let origin = [first] + shape.dropFirst().map { _ in 0 }
        let status = try onBox(origin, [count] + shape.dropFirst()) { memory, space in
            values.withUnsafeBufferPointer {
                H5Dwrite(
                    handle.id, Scalar.h5Type, memory, space, hid_t(H5P_DEFAULT), $0.baseAddress)
            }
        }
        guard status >= 0 else {
            throw .fromLibrary(
                file: file.path, object: object, operation: "write to it; is the disk full?")
        }
    }

    /// Reads rows, [rows.count, shape[1], ...] contiguous.
    public func read<Scalar: H5Scalar>(
        rows: Range<Int>, as type: Scalar.Type = Scalar.self
    ) throws(H5Error) -> [Scalar] {
        guard rows.lowerBound >= 0, rows.upperBound <= shape[0] else {
            throw H5Error(
                file: file.path, object: object,
                problem: "rows \(rows) were asked for, but it has \(shape[0])")
        }
        var (start, count) = (shape.map { _ in 0 }, shape)
        start[0] = rows.lowerBound
        count[0] = rows.count
        return try read(start, count)
    }

    /// How many rows from one on hold less than a limit, of numbers that ascend up to `end`; read are only a few.
    public func rows(from start: Int, below limit: Int32, end: Int) throws(H5Error) -> Int {
        var (low, high) = (start, max(start, end))
        while low < high {
            let middle = (low + high) / 2
            let value: [Int32] = try read(rows: middle..<middle + 1)
            if value[0] < limit { low = middle + 1 } else { high = middle }
        }
        return low - start
    }

    private func read<Scalar: H5Scalar>(
        _ start: [Int], _ count: [Int]
    ) throws(H5Error) -> [Scalar] {
        let size = count.reduce(1, *)
        guard size > 0 else { return [] }
        var status: herr_t = -1
        let values: [Scalar] = try onBox(start, count) { memory, space in
            [Scalar](unsafeUninitializedCapacity: size) { buffer, filled in
                status = H5Dread(
                    handle.id, Scalar.h5Type, memory, space, hid_t(H5P_DEFAULT), buffer.baseAddress)
                filled = status < 0 ? 0 : size
            }
        }
        guard status >= 0 else {
            throw .fromLibrary(file: file.path, object: object, operation: "read the dataset")
        }
        return values
    }

    /// Reads a part of every row: entries `columns` of the second axis, [shape[0], columns.count, ...] contiguous.
    ///
    /// Of a dataset that was opened without a cache, only these bytes are read.
    public func read<Scalar: H5Scalar>(
        columns: Range<Int>, as type: Scalar.Type = Scalar.self
    ) throws(H5Error) -> [Scalar] {
        guard shape.count > 1, columns.lowerBound >= 0, columns.upperBound <= shape[1] else {
            throw H5Error(
                file: file.path, object: object,
                problem: "columns \(columns) were asked for, but its extents are \(shape)")
        }
        var (start, count) = (shape.map { _ in 0 }, shape)
        start[1] = columns.lowerBound
        count[1] = columns.count
        return try read(start, count)
    }

    /// Reads everything.
    public func read<Scalar: H5Scalar>(as type: Scalar.Type = Scalar.self) throws(H5Error)
        -> [Scalar]
    {
        guard !shape.isEmpty else {
            throw H5Error(file: file.path, object: object, problem: "it is a scalar, not an array")
        }
        return try read(rows: 0..<shape[0], as: type)
    }

    /// Calls `body` with a memory space and a file space that select a box.
    private func onBox<Result>(
        _ start: [Int], _ count: [Int], _ body: (_ memory: hid_t, _ space: hid_t) -> Result
    ) throws(H5Error) -> Result {
        let (start, count) = (start.map(hsize_t.init), count.map(hsize_t.init))
        let space = H5Handle(H5Dget_space(handle.id), close: H5Sclose)
        let memory = H5Handle(H5Screate_simple(Int32(count.count), count, nil), close: H5Sclose)
        guard
            H5Sselect_hyperslab(space.id, H5S_SELECT_SET, start, nil, count, nil) >= 0
        else {
            throw .fromLibrary(file: file.path, object: object, operation: "select rows")
        }
        return body(memory.id, space.id)
    }
}

extension H5File {
    /// Writes a dataset of numbers with the groups above it.
    ///
    /// - Parameters:
    ///   - shape: outermost axis first; its product is the number of values.
    ///   - axes: what each axis counts, such as `["sequence", "head"]`, kept as an attribute.
    ///   - about: one sentence with the unit, kept as an attribute, for whoever reads the file.
    public func write<Scalar: H5Scalar>(
        _ values: [Scalar], shape: [Int], to object: String, axes: [String], about: String
    ) throws(H5Error) {
        precondition(values.count == shape.reduce(1, *), "\(object): the shape must fit the values")
        let dataset = try create(
            Scalar.self, shape: shape, at: object, axes: axes, about: about, chunkRows: nil)
        let status = values.withUnsafeBufferPointer {
            H5Dwrite(
                dataset.id, Scalar.h5Type, hid_t(H5S_ALL), hid_t(H5S_ALL), hid_t(H5P_DEFAULT),
                $0.baseAddress)
        }
        guard values.isEmpty || status >= 0 else {
            throw .fromLibrary(
                file: path, object: object, operation: "write to it; is the disk full?")
        }
    }

    /// Creates a dataset without rows that grows by `H5Dataset.append`.
    ///
    /// - Parameters:
    ///   - rowShape: the axes after the first.
    ///   - axes: what each axis counts, the growing one first.
    ///   - about: one sentence with the unit, kept as an attribute.
    ///   - chunkBytes: by which it grows.
    ///   - isPacked: whether each chunk is deflated, byte by byte of its numbers, which shrinks numbers that ascend or
    ///     repeat to a tenth. Whatever is read of a chunk, all of it is inflated.
    public func createAppendable<Scalar: H5Scalar>(
        _ type: Scalar.Type, rowShape: [Int] = [], at object: String, axes: [String], about: String,
        chunkBytes: Int = 262_144, isPacked: Bool = false
    ) throws(H5Error) -> H5Dataset {
        let rowBytes = rowShape.reduce(1, *) * MemoryLayout<Scalar>.size
        let chunkRows = max(1, chunkBytes / max(1, rowBytes))
        let shape = [0] + rowShape
        let handle = try create(
            type, shape: shape, at: object, axes: axes, about: about, chunkRows: chunkRows,
            isPacked: isPacked)
        return H5Dataset(file: self, object: object, handle: handle, shape: shape)
    }

    /// Opens a dataset for reading.
    ///
    /// - Parameters:
    ///   - shape: what its extents must be; -1 for any.
    ///   - cached: whether pieces of the file that hold what is read are kept whole for the next read.
    public func dataset(
        _ object: String, shape expected: [Int]? = nil, cached: Bool = true
    ) throws(H5Error) -> H5Dataset {
        guard try exists(object) else {
            throw H5Error(file: path, object: object, problem: "the dataset is missing")
        }
        let access = H5Handle(H5Pcreate(headvis_h5p_dataset_access()), close: H5Pclose)
        if !cached { H5Pset_chunk_cache(access.id, 0, 0, 0) }
        let id = H5Dopen2(handle.id, object, access.id)
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "open the dataset")
        }
        let opened = H5Handle(id, in: handle, close: H5Dclose)
        let shape = try checkedShape(of: opened, object)
        if let expected {
            let fits =
                expected.count == shape.count
                && zip(expected, shape).allSatisfy { $0 == -1 || $0 == $1 }
            guard fits else {
                throw H5Error(
                    file: path, object: object,
                    problem: "its shape is \(shape), expected \(expected) (-1 is any extent)")
            }
        }
        return H5Dataset(file: self, object: object, handle: opened, shape: shape)
    }

    /// Reads a whole dataset.
    ///
    /// - Parameter shape: what its extents must be; -1 for any.
    public func read<Scalar: H5Scalar>(
        _ object: String, shape: [Int]? = nil, as type: Scalar.Type = Scalar.self
    ) throws(H5Error) -> [Scalar] {
        try dataset(object, shape: shape).read()
    }

    /// The extents, after a check that reading them cannot ask for more memory than the file backs.
    private func checkedShape(of dataset: H5Handle, _ object: String) throws(H5Error) -> [Int] {
        let space = H5Handle(H5Dget_space(dataset.id), close: H5Sclose)
        let rank = H5Sget_simple_extent_ndims(space.id)
        guard rank >= 0, rank <= 8 else {
            throw H5Error(file: path, object: object, problem: "it is not a plain array")
        }
        var extents = [hsize_t](repeating: 0, count: Int(rank))
        H5Sget_simple_extent_dims(space.id, &extents, nil)
        var count: hsize_t = 1
        for extent in extents {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product < 1 << 40 else {
                throw H5Error(
                    file: path, object: object, problem: "its extents \(extents) are absurd")
            }
            count = product
        }
        // DEFLATE shrinks to a thousandth at the very best.
        guard count == 0 || count / 2048 <= H5Dget_storage_size(dataset.id) else {
            throw H5Error(
                file: path, object: object,
                problem: "it claims \(count) values that the file does not hold")
        }
        return extents.map(Int.init)
    }

    private func create<Scalar: H5Scalar>(
        _ type: Scalar.Type, shape: [Int], at object: String, axes: [String], about: String,
        chunkRows: Int?, isPacked: Bool = false
    ) throws(H5Error) -> H5Handle {
        precondition(axes.count == shape.count, "\(object): one name an axis")
        let extents = shape.map(hsize_t.init)
        let properties = H5Handle(H5Pcreate(headvis_h5p_dataset_create()), close: H5Pclose)
        var limits = extents
        if let chunkRows {
            limits[0] = hsize_t.max
            var chunk = extents
            chunk[0] = hsize_t(chunkRows)
            H5Pset_chunk(properties.id, Int32(chunk.count), chunk)
        }
        if isPacked {
            // Deflate's fastest level.
            guard H5Pset_shuffle(properties.id) >= 0, H5Pset_deflate(properties.id, 1) >= 0 else {
                throw .fromLibrary(file: path, object: object, operation: "pack the dataset")
            }
        }
        let space = H5Handle(
            H5Screate_simple(Int32(extents.count), extents, limits), close: H5Sclose)
        let handle = try createDataset(
            object, type: Scalar.h5Type, space: space, properties: properties)
        try setAttribute("axes", of: object, to: axes.joined(separator: ", "))
        try setAttribute("about", of: object, to: about)
        return handle
    }

    /// Creates a dataset of any type, with the groups above it and without timestamps.
    func createDataset(
        _ object: String, type: hid_t, space: H5Handle, properties: H5Handle
    ) throws(H5Error) -> H5Handle {
        if let slash = object.lastIndex(of: "/") {
            try createGroup(String(object[..<slash]))
        }
        H5Pset_obj_track_times(properties.id, false)
        let id = H5Dcreate2(
            handle.id, object, type, space.id, hid_t(H5P_DEFAULT), properties.id,
            hid_t(H5P_DEFAULT))
        guard id >= 0 else {
            throw .fromLibrary(file: path, object: object, operation: "create the dataset")
        }
        return H5Handle(id, in: handle, close: H5Dclose)
    }
}
