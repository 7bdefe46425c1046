// SPDX-License-Identifier: Apache-2.0
// The budget that bodies share.

import Server
import Testing

@Suite struct MemoryBudgetTests {
    @Test func `Reservations add up to the limit and are given back`() throws {
        let budget = MemoryBudget(100)
        var first = budget.reserve(60)
        #expect(first != nil && budget.reserve(41) == nil)
        let second = try #require(budget.reserve(40))
        #expect(!second.resize(to: 41))
        #expect(second.resize(to: 10))
        #expect(budget.reserve(31) == nil)
        first = nil
        #expect(second.resize(to: 100))
        #expect(budget.reserve(1) == nil)
        withExtendedLifetime(first) {}
    }

    @Test func `What is larger than all gets it when it is alone`() throws {
        let budget = MemoryBudget(100)
        var large = budget.reserve(1000)
        #expect(large != nil && budget.reserve(1) == nil)
        large = nil
        #expect(budget.reserve(1) != nil)
    }
}
