// SPDX-License-Identifier: Apache-2.0
// Changes to a JSON text that leave every other byte as it is.

extension JSONText {
    /// Sets a member of the object that the text is: of several with this name the last, of none a new one at the end.
    ///
    /// - Parameter value: JSON.
    /// - Throws: `JSONError` if the text is another value.
    public mutating func set(_ name: String, to value: [UInt8]) throws(JSONError) {
        let members = try rootMembers()
        if let old = members.last(where: { $0.name == name }) {
            replace(old.value, with: value)
        } else {
            var member = JSONWriter()
            member.string(name)
            insert(
                member.bytes + [UInt8(ascii: ":")] + value, afterItem: !members.isEmpty, in: root)
        }
    }

    /// Removes all members with this name from the object that the text is.
    ///
    /// - Throws: `JSONError` if the text is another value.
    public mutating func remove(_ name: String) throws(JSONError) {
        let members = try rootMembers()
        var kept: [UInt8] = []
        var end = 0
        // Where the last member that stays ends.
        var previous: Int?
        for (place, member) in members.enumerated() {
            guard member.name == name else {
                previous = member.range.upperBound
                continue
            }
            // A comma goes with it: the one before or, where no member before it stays, the one behind.
            kept += bytes[end..<max(end, previous ?? member.range.lowerBound)]
            let isFollowed = previous == nil && place + 1 < members.count
            end = isFollowed ? members[place + 1].range.lowerBound : member.range.upperBound
        }
        kept += bytes[end...]
        root = root.lowerBound..<root.upperBound - bytes.count + kept.count
        bytes = kept
    }

    /// Puts another element at the end of the array at `array`.
    ///
    /// - Parameter element: JSON.
    /// - Throws: `JSONError` if another value is there.
    public mutating func append(_ element: [UInt8], to array: Range<Int>) throws(JSONError) {
        guard let elements = elements(of: array) else {
            throw JSONError(offset: array.lowerBound, problem: .noArray)
        }
        insert(element, afterItem: !elements.isEmpty, in: array)
    }

    private func rootMembers() throws(JSONError) -> [Member] {
        guard let members = members(of: root) else {
            throw JSONError(offset: root.lowerBound, problem: .noObject)
        }
        return members
    }

    /// Puts an item before the closing bracket of the object or array at `value`.
    private mutating func insert(_ item: [UInt8], afterItem: Bool, in value: Range<Int>) {
        let end = value.upperBound - 1
        replace(end..<end, with: (afterItem ? [UInt8(ascii: ",")] : []) + item)
    }

    private mutating func replace(_ range: Range<Int>, with replacement: [UInt8]) {
        bytes.replaceSubrange(range, with: replacement)
        root = root.lowerBound..<root.upperBound - range.count + replacement.count
    }
}
