// SPDX-License-Identifier: Apache-2.0
// Text on its way to the model: normalized bytes, and where its pieces lie.

/// How far the end of a text's last piece can be relied on.
enum TextEnd {
    /// The text is complete.
    case closed
    /// More text follows, and what is there of the last piece is the beginning of that piece.
    case open
    /// More text follows, and where the last piece really ends depends on it.
    case undecided
}

/// A text's pieces ("words"), none of them empty, in the order of the text.
struct Pieces {
    /// UTF-8.
    var bytes: [UInt8]
    var ranges: [Range<Int>]
    /// Whether the first piece starts where the whole text starts.
    var startsText: Bool
    var end: TextEnd

    /// One piece: all of `bytes`.
    init(_ bytes: [UInt8], startsText: Bool, end: TextEnd) {
        self.bytes = bytes
        self.ranges = bytes.isEmpty ? [] : [0..<bytes.count]
        self.startsText = startsText
        self.end = end
    }
}

/// What becomes of the matches of a splitting pattern; names and rules are those of `tokenizers`.
enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
}

/// Collects the parts of one piece under a behaviour: matches and the text between them, in order.
struct PieceCollector {
    let behavior: SplitBehavior
    private(set) var ranges: [Range<Int>] = []
    /// The number of ranges that earlier pieces gave.
    private var firstOfPiece = 0
    private var previousIsMatch = false
    /// A match that waits for the text it is merged with.
    private var waiting: Range<Int>?

    init(_ behavior: SplitBehavior, capacity: Int) {
        self.behavior = behavior
        ranges.reserveCapacity(capacity)
    }

    @inline(__always)
    mutating func add(_ range: Range<Int>, isMatch: Bool) {
        switch behavior {
        case .isolated: append(range)
        case .removed: if !isMatch { append(range) }
        case .contiguous: isMatch == previousIsMatch ? extend(range) : append(range)
        case .mergedWithPrevious: isMatch && !previousIsMatch ? extend(range) : append(range)
        case .mergedWithNext:
            if isMatch {
                if let waiting { append(waiting) }
                waiting = range
            } else {
                append((waiting ?? range).lowerBound..<range.upperBound)
                waiting = nil
            }
        }
        previousIsMatch = isMatch
    }

    /// Ends a piece. If where its last part ends is undecided, so is what that part is merged with.
    mutating func finishPiece(undecidedFrom rest: Range<Int>?) {
        if let waiting { append(waiting) }
        if let rest {
            switch behavior {
            case .isolated, .removed: append(rest)
            case .contiguous, .mergedWithPrevious, .mergedWithNext: extend(rest)
            }
        }
        waiting = nil
        previousIsMatch = false
        firstOfPiece = ranges.count
    }

    @inline(__always)
    private mutating func append(_ range: Range<Int>) {
        if !range.isEmpty { ranges.append(range) }
    }

    private mutating func extend(_ range: Range<Int>) {
        guard ranges.count > firstOfPiece else { return append(range) }
        ranges[ranges.count - 1] = ranges[ranges.count - 1].lowerBound..<range.upperBound
    }
}
