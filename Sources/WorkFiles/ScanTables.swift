// SPDX-License-Identifier: Apache-2.0
// The datasets that grow while a corpus streams by, the same in scan.h5 and in its parts.

import AttentionStats
import HDF5

/// Writes rows and lists into an open file.
final class ScanTables {
    private let file: H5File
    private let columns: [H5Dataset]
    private let massByDistance: H5Dataset
    private let highAttention: PairTableWriter
    private let patterns: PairTableWriter
    private let edges: EdgeTableWriter

    init(_ file: H5File, _ header: ScanHeader) throws(H5Error) {
        self.file = file
        let h = header.heads.count
        var columns: [H5Dataset] = []
        for column in StatisticsColumn.all {
            columns.append(
                try file.createAppendable(
                    Double.self, rowShape: [h], at: "statistics/\(column.name)",
                    axes: ["sequence", "head index"], about: column.about))
        }
        self.columns = columns
        massByDistance = try file.createAppendable(
            Float.self, rowShape: [h, header.distanceBins], at: "statistics/mass_by_distance",
            axes: ["sequence", "head index", "distance bin"],
            about: "Attention mass by |q-k|, in bins 0, 1, 2-3, 4-7, 8-15, ...")
        highAttention = try PairTableWriter(
            file, group: "high_attention", what: "head and sequence")
        patterns = try PairTableWriter(file, group: "patterns", what: "head and sequence")
        edges = try EdgeTableWriter(
            file, dHead: header.model.dHead, keyGroups: header.keyGroups)
    }

    /// Appends the lists of a layer's heads on a block. The calls to the library are the same for equal lists, and so
    /// are its bytes.
    func append(_ lists: ScanLists) throws(H5Error) {
        try highAttention.append(lists.highAttention)
        try patterns.append(lists.patterns)
        try edges.append(lists.edges, lists.keys)
    }

    /// Appends the rows of a block, behind all of its lists.
    func append(_ rows: ScanRows) throws(H5Error) {
        for (values, dataset) in zip(rows.statistics, columns) { try dataset.append(values) }
        try massByDistance.append(rows.massByDistance)
    }

    /// Appends patterns behind those of the blocks.
    func append(patterns lists: [ScanLists.PairList]) throws(H5Error) {
        try patterns.append(lists)
    }

    /// Writes the likeness of the heads, once.
    func append(_ likeness: Likeness) throws(H5Error) {
        let shape = [likeness.heads, likeness.heads]
        try file.write(
            likeness.sum, shape: shape, to: "likeness/sum", axes: ["head index", "head index"],
            about:
                "Sum over watched sequences of the mean over their watched queries q of sum over k > 0 of sqrt(A[q,k] B[q,k])."
        )
        try file.write(
            likeness.sumOfSquares, shape: shape, to: "likeness/sum_of_squares",
            axes: ["head index", "head index"], about: "Sum of the squares of those means.")
        try file.setAttribute("sequences", of: "likeness", to: likeness.sequences)
    }
}

extension H5File {
    /// Reads the group `likeness`.
    func readLikeness(heads: Int) throws(H5Error) -> Likeness {
        let sequences = try attribute("sequences", of: "likeness", as: Int.self)
        let sum: [Double] = try read("likeness/sum", shape: [heads, heads])
        let squares: [Double] = try read("likeness/sum_of_squares", shape: [heads, heads])
        let limit = Double(sequences) * (1 + 1e-3)
        guard sequences >= 0, sum.allSatisfy({ (0...limit).contains($0) }),
            squares.allSatisfy({ (0...limit).contains($0) })
        else {
            throw damaged("likeness", "holds sums that cannot be")
        }
        return Likeness(heads: heads, sequences: sequences, sum: sum, sumOfSquares: squares)
    }
}
