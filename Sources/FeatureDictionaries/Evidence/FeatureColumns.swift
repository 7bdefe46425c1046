// SPDX-License-Identifier: Apache-2.0
// The codes of a batch turned around: for each feature, where it fires.

/// The codes of the sequences of a batch as compressed sparse columns: feature f fires at the places
/// starts[f]..<starts[f + 1].
struct FeatureColumns {
    /// One more than there are features.
    private(set) var starts: [Int]
    /// Ascending within a column, if the batch's sequences ascend.
    private(set) var places: [TokenPlace]
    /// Parallel to `places`.
    private(set) var activations: [Float]

    /// A counting sort by feature, which keeps the order of the places.
    ///
    /// - Parameters:
    ///   - batch: number and codes of each sequence, one row a position.
    ///   - count: number of features.
    init(_ batch: [(sequence: Int, codes: SparseCodes)], count: Int) {
        starts = [Int](repeating: 0, count: count + 1)
        for (_, codes) in batch {
            for feature in codes.features { starts[Int(feature) + 1] += 1 }
        }
        for f in 0..<count { starts[f + 1] += starts[f] }
        let total = starts[count]
        places = [TokenPlace](repeating: TokenPlace(sequence: 0, position: 0), count: total)
        activations = [Float](repeating: 0, count: total)
        var next = starts
        for (sequence, codes) in batch {
            for position in 0..<codes.rows {
                let place = TokenPlace(sequence: sequence, position: position)
                for i in codes.range(of: position) {
                    let feature = Int(codes.features[i])
                    places[next[feature]] = place
                    activations[next[feature]] = codes.activations[i]
                    next[feature] += 1
                }
            }
        }
    }

    /// Writes a feature's activations around one of its firings, 0 where it does not fire.
    ///
    /// - Parameters:
    ///   - index: of the firing; its neighbours in the column are its neighbours in the text.
    ///   - column: of the feature.
    ///   - window: receives `plan.window` values, the firing's own at `plan.before`.
    func copyWindow(
        around index: Int, in column: Range<Int>, _ plan: EvidencePlan,
        into window: UnsafeMutablePointer<Float>
    ) {
        window.update(repeating: 0, count: plan.window)
        let first = places[index].number - plan.before
        let last = places[index].number + plan.after
        var i = index
        while i > column.lowerBound, places[i - 1].number >= first { i -= 1 }
        while i < column.upperBound, places[i].number <= last {
            window[places[i].number - first] = activations[i]
            i += 1
        }
    }
}
