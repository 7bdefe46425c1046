// SPDX-License-Identifier: Apache-2.0
// The tokens and directions of writes.h5 as datasets.

import HDF5

extension H5File {
    /// Writes `rows` of equally many tokens as `group`/token and `group`/weight.
    func write(
        _ rows: [[WritesFile.Entry]], to group: String, axis: String, word: String, _ about: String
    ) throws(H5Error) {
        let width = rows.first?.count ?? 0
        let entries = rows.joined()
        try write(
            entries.map(\.token), shape: [rows.count, width], to: "\(group)/token",
            axes: [axis, "rank"], about: "Ids of the \(word) tokens.")
        try write(
            entries.map(\.weight), shape: [rows.count, width], to: "\(group)/weight",
            axes: [axis, "rank"], about: about)
    }

    /// Reads them.
    func entries(_ group: String, _ n: Int) throws(H5Error) -> [[WritesFile.Entry]] {
        let tokens: [Int32] = try read("\(group)/token", shape: [n, -1])
        let width = n > 0 ? tokens.count / n : 0
        let weights: [Float] = try finite("\(group)/weight", [n, width])
        return (0..<n).map { row in
            (0..<width).map {
                WritesFile.Entry(token: tokens[row * width + $0], weight: weights[row * width + $0])
            }
        }
    }

    /// One end of a direction: the group it is in, what it lists, and where it stands in a direction.
    private typealias End = (
        group: String, word: String, about: String,
        entries: WritableKeyPath<WritesFile.Direction, [WritesFile.Entry]>
    )

    private static var ends: [End] {
        let read =
            "A token's embedding along the direction that is read, above the mean over the vocabulary."
        let written =
            "A token's logit along the direction that is written, above the mean over the vocabulary."
        return [
            ("reads_high", "farthest", read, \.reads.high),
            ("reads_low", "farthest opposite", read, \.reads.low),
            ("writes_high", "most raised", written, \.writes.high),
            ("writes_low", "most lowered", written, \.writes.low),
        ]
    }

    /// Writes the group directions.
    func write(_ directions: [WritesFile.Direction]) throws(H5Error) {
        let n = directions.count
        try write(
            directions.map { Int32($0.head) }, shape: [n], to: "directions/head_index",
            axes: ["direction"], about: "Index into /heads.")
        try write(
            directions.map(\.strength), shape: [n], to: "directions/strength", axes: ["direction"],
            about: "Singular value of W_V^T W_O, norms' gains folded in.")
        try write(
            directions.map(\.share), shape: [n], to: "directions/share", axes: ["direction"],
            about: "Its square over the sum of the squares of all singular values of the head.")
        for (group, word, about, end) in Self.ends {
            try write(
                directions.map { $0[keyPath: end] }, to: "directions/\(group)", axis: "direction",
                word: word, about)
        }
    }

    /// Reads the group directions of a file about so many heads.
    func directions(heads: Int) throws(H5Error) -> [WritesFile.Direction] {
        let head: [Int32] = try read(
            "directions/head_index", shape: [-1], "names a head that is not in /heads",
            where: { (0..<heads).contains(Int($0)) })
        let n = head.count
        let strength: [Double] = try read(
            "directions/strength", shape: [n], "holds what is no singular value",
            where: { $0.isFinite && $0 >= 0 })
        let share: [Double] = try read(
            "directions/share", shape: [n], "holds what is no share", where: (0...1.001).contains)
        let none = WritesFile.Direction.Ends(high: [], low: [])
        var directions = (0..<n).map {
            WritesFile.Direction(
                head: Int(head[$0]), strength: strength[$0], share: share[$0], reads: none,
                writes: none)
        }
        for (group, _, _, end) in Self.ends {
            for (i, entries) in try entries("directions/\(group)", n).enumerated() {
                directions[i][keyPath: end] = entries
            }
        }
        return directions
    }
}
