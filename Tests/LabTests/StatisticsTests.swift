// SPDX-License-Identifier: Apache-2.0
// Intervals and p values of simulated prompts whose truth is known.

import Foundation
import Lab
import TestSupport
import Testing

@Suite struct StatisticsTests {
    @Test func `the interval covers the truth 95 % of the time`() {
        var draws = SplitMix(state: 7)
        let (truth, trials, n) = (0.3, 600, 60)
        var covered = 0
        for trial in 0..<trials {
            let found = PairedStatistics(
                (0..<n).map { _ in truth + draws.normal() }, resamples: 600, seed: UInt64(trial))
            if (found.low...found.high).contains(truth) { covered += 1 }
        }
        // The standard error of the share is 0.9 %; the percentile interval of 60 values is a percent short.
        #expect((0.915...0.975).contains(Double(covered) / Double(trials)))
    }

    @Test func `p is uniform where there is nothing, and small where there is`() {
        var draws = SplitMix(state: 11)
        var below = 0
        for trial in 0..<400 {
            let nothing = PairedStatistics(
                (0..<25).map { _ in draws.normal() }, resamples: 400, seed: UInt64(trial))
            if nothing.p <= 0.1 { below += 1 }
        }
        #expect((0.06...0.145).contains(Double(below) / 400))
        let much = PairedStatistics(
            (0..<25).map { _ in 1 + draws.normal() }, resamples: 2000, seed: 0)
        #expect(much.p < 0.005 && much.low > 0)
    }

    @Test func `p of few prompts is that of all signs`() {
        // Of the 2^4 signs two give a sum as large as 1 + 2 + 3 + 4.
        let found = PairedStatistics([1, 2, 3, 4], resamples: 100_000, seed: 3)
        #expect(abs(found.p - 2.0 / 16) < 0.004)
        #expect(found.positive == 4 && found.count == 4 && found.mean == 2.5)
        #expect(PairedStatistics([0, 0], resamples: 100, seed: 0).p == 1)
    }

    @Test func `the same seed gives the same numbers`() {
        let differences = (0..<40).map { sin(Double($0)) }
        let a = PairedStatistics(differences, resamples: 500, seed: 1)
        #expect(a == PairedStatistics(differences, resamples: 500, seed: 1))
        #expect(a != PairedStatistics(differences, resamples: 500, seed: 2))
    }
}
