// SPDX-License-Identifier: Apache-2.0
// Work files that are sound to HDF5 and by their digest, and in which something is not as a stage wrote it.

import CHDF5
import Foundation
import HDF5
import TestSupport
import WorkFiles

/// What can be changed in a work file.
struct WorkFileMutator {
    private let datasets: [String]
    private let attributes: [(object: String, name: String)]

    /// Looks at a sound file.
    init(_ path: String) throws {
        let file = try H5File.open(path)
        var (datasets, groups, rest) = ([String](), [String](), [""])
        while let group = rest.popLast() {
            groups.append(group)
            for name in try file.members(of: group) {
                let object = group.isEmpty ? name : "\(group)/\(name)"
                if (try? file.members(of: object)) == nil {
                    datasets.append(object)
                } else {
                    rest.append(object)
                }
            }
        }
        self.datasets = datasets.sorted()
        attributes = groups.sorted().flatMap { group in
            file.attributeNames(of: group).map { (group, $0) }
        }
    }

    /// A program that another test starts holds what is open here, locks included, until it has closed it.
    private static func openForWriting(_ path: String) throws -> hid_t {
        for _ in 0..<500 {
            let file = H5Fopen(path, 1, hid_t(H5P_DEFAULT))
            if file >= 0 { return file }
            usleep(10_000)
        }
        throw CocoaError(.fileReadCorruptFile)
    }

    /// Changes a number, an extent or an attribute of the file, or takes an object away; says which.
    func mutate(_ path: String, _ random: inout SplitMix) throws -> String {
        let file = try Self.openForWriting(path)
        let dataset = datasets[Int.random(in: 0..<datasets.count, using: &random)]
        let told =
            switch Int.random(in: 0..<10, using: &random) {
            case 0: remove(dataset, file)
            case 1: resize(dataset, file, &random)
            case 2: changeAttribute(file, &random)
            default: changeNumber(dataset, file, &random)
            }
        H5Fclose(file)
        try ContentDigest.seal(path)
        return told
    }

    private func remove(_ object: String, _ file: hid_t) -> String {
        H5Ldelete(file, object, hid_t(H5P_DEFAULT))
        return "without \(object)"
    }

    private func resize(_ object: String, _ file: hid_t, _ random: inout SplitMix) -> String {
        let dataset = H5Dopen2(file, object, hid_t(H5P_DEFAULT))
        defer { H5Dclose(dataset) }
        var extents = extents(of: dataset)
        guard let first = extents.first else { return "\(object) as it was" }
        extents[0] = [0, 1, first / 2, first + 1, first + 1000].randomElement(using: &random) ?? 0
        H5Dset_extent(dataset, extents)
        return "\(object) with extents \(extents)"
    }

    private func changeNumber(_ object: String, _ file: hid_t, _ random: inout SplitMix) -> String {
        let dataset = H5Dopen2(file, object, hid_t(H5P_DEFAULT))
        defer { H5Dclose(dataset) }
        let extents = extents(of: dataset)
        let type = H5Dget_type(dataset)
        defer { H5Tclose(type) }
        guard !extents.isEmpty, !extents.contains(0), H5Tget_class(type) != H5T_STRING else {
            return "\(object) as it was"
        }
        let place = extents.map { hsize_t.random(in: 0..<$0, using: &random) }
        let one = [hsize_t](repeating: 1, count: place.count)
        let space = H5Dget_space(dataset)
        H5Sselect_hyperslab(space, H5S_SELECT_SET, place, nil, one, nil)
        let memory = H5Screate_simple(Int32(one.count), one, nil)
        let bytes = value(type, &random)
        H5Dwrite(dataset, type, memory, space, hid_t(H5P_DEFAULT), bytes)
        H5Sclose(memory)
        H5Sclose(space)
        return "\(object)\(place) = \(bytes)"
    }

    private func changeAttribute(_ file: hid_t, _ random: inout SplitMix) -> String {
        let (object, name) = attributes[Int.random(in: 0..<attributes.count, using: &random)]
        let attribute = H5Aopen_by_name(
            file, object.isEmpty ? "." : object, name, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT))
        defer { H5Aclose(attribute) }
        let type = H5Aget_type(attribute)
        defer { H5Tclose(type) }
        guard H5Tget_class(type) != H5T_STRING else {
            H5Adelete_by_name(file, object.isEmpty ? "." : object, name, hid_t(H5P_DEFAULT))
            return "without attribute \(name) of \(object)"
        }
        let bytes = value(type, &random)
        H5Awrite(attribute, type, bytes)
        return "attribute \(name) of \(object) = \(bytes)"
    }

    private func extents(of dataset: hid_t) -> [hsize_t] {
        let space = H5Dget_space(dataset)
        defer { H5Sclose(space) }
        var extents = [hsize_t](
            repeating: 0, count: Int(max(0, H5Sget_simple_extent_ndims(space))))
        H5Sget_simple_extent_dims(space, &extents, nil)
        return extents
    }

    /// The bytes of a number of this type that code stumbles over.
    private func value(_ type: hid_t, _ random: inout SplitMix) -> [UInt8] {
        let size = H5Tget_size(type)
        func bytes<Number>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number, Array.init) }
        let noise = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
        let isFloat = H5Tget_class(type) == H5T_FLOAT
        let numbers: [Double] = [
            .nan, .infinity, -.infinity, -1, 0, 2, 1e30, -1e30, 1e300, .leastNonzeroMagnitude,
        ]
        let number = numbers.randomElement(using: &random) ?? 0
        if Bool.random(using: &random) { return noise }
        if isFloat { return size == 4 ? bytes(Float(number)) : bytes(number) }
        let largest = [UInt8](repeating: 0xFF, count: size - 1)
        let one = [1] + [UInt8](repeating: 0, count: size - 1)
        return [largest + [0xFF], largest + [0x7F], largest.map { _ in 0 } + [0x80], one]
            .randomElement(using: &random) ?? one
    }
}
