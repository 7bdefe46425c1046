// SPDX-License-Identifier: Apache-2.0
// The piece of a sequence that may be shown of a firing.

/// Ids of a sequence around a place.
struct EvidenceText {
    /// The position of the first id.
    let start: Int
    let ids: ArraySlice<Int32>

    /// One past the position of the last id.
    var end: Int { start + ids.count }

    /// The id at a position that is there.
    subscript(position: Int) -> Int32 { ids[ids.startIndex + position - start] }

    /// The ids at positions that are there.
    subscript(positions: Range<Int>) -> ArraySlice<Int32> {
        ids.dropFirst(positions.lowerBound - start).prefix(positions.count)
    }
}

extension EvidencePlan {
    /// What may be shown of a place, of the ids of its sequence.
    func text(around place: TokenPlace, in sequence: ArraySlice<Int32>) -> EvidenceText {
        let start = max(0, place.position - before)
        return EvidenceText(
            start: start,
            ids: sequence.dropFirst(start).prefix(place.position + after + 1 - start))
    }
}
