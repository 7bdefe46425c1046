// SPDX-License-Identifier: Apache-2.0
// The connections that are open: how many there may be, and which one gives way when others wait.

import Synchronization

/// Knows every connection and what it is doing.
package final class Connections: Sendable {
    /// What a connection is doing.
    package enum Phase: Sendable {
        /// It waits for the client: for a request, or for more of one.
        case waiting
        /// It waits for the server.
        case working
        /// The client does not take in what it is sent.
        case stalled
    }

    /// A connection that is open.
    package final class Place: Sendable {
        fileprivate let address: String
        fileprivate let close: @Sendable () -> Void
        fileprivate let state: Mutex<(phase: Phase, since: ContinuousClock.Instant)>

        fileprivate init(_ address: String, close: @escaping @Sendable () -> Void) {
            self.address = address
            self.close = close
            state = Mutex((.waiting, .now))
        }

        /// Notes that it does this now, or still does it and got on.
        package func enter(_ phase: Phase) { state.withLock { $0 = (phase, .now) } }

        /// Since when it could be closed for another's sake; nil if it must not be.
        fileprivate func idleSince(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
            let (phase, since) = state.withLock { $0 }
            switch phase {
            case .waiting: return since
            case .working: return nil
            // Every client takes a moment now and then.
            case .stalled: return now - since > .seconds(1) ? since : nil
            }
        }
    }

    private let limit: Int
    private let limitPerAddress: Int
    private let places = Mutex<[ObjectIdentifier: Place]>([:])
    private let refusals = Mutex<Set<ObjectIdentifier>>([])

    /// How many are told at a time that there is no place.
    private static let mostRefusals = 64

    /// - Parameters:
    ///   - limit: how many there may be.
    ///   - limitPerAddress: how many of one client address, so that others always find a place.
    package init(limit: Int, limitPerAddress: Int) {
        self.limit = limit
        self.limitPerAddress = limitPerAddress
    }

    /// A place for a new connection. If there is none, the one that has waited longest for its client gives way, of
    /// the address that has most; nil if none can.
    ///
    /// - Parameter close: closes the connection; it may be called from any thread.
    package func enter(from address: String, close: @escaping @Sendable () -> Void) -> Place? {
        let place = Place(address, close: close)
        let (isIn, other): (Bool, Place?) = places.withLock { places in
            var counts: [String: Int] = [:]
            for place in places.values { counts[place.address, default: 0] += 1 }
            var other: Place?
            if counts[address, default: 0] >= limitPerAddress {
                other = Self.idlest(places.values.lazy.filter { $0.address == address }, counts)
                guard other != nil else { return (false, nil) }
            } else if places.count >= limit {
                other = Self.idlest(places.values, counts)
                guard other != nil else { return (false, nil) }
            }
            if let other { places[ObjectIdentifier(other)] = nil }
            places[ObjectIdentifier(place)] = place
            return (true, other)
        }
        other?.close()
        return isIn ? place : nil
    }

    /// A place beside the others for a connection that is told that there is none, until it has read so; nil if many
    /// are being told already.
    package func enterToBeRefused() -> Place? {
        let place = Place("") {}
        return refusals.withLock { refusals in
            guard refusals.count < Self.mostRefusals else { return nil }
            refusals.insert(ObjectIdentifier(place))
            return place
        }
    }

    /// Gives a place back.
    package func leave(_ place: Place) {
        places.withLock { $0[ObjectIdentifier(place)] = nil }
        refusals.withLock { _ = $0.remove(ObjectIdentifier(place)) }
    }

    private static func idlest(_ places: some Sequence<Place>, _ counts: [String: Int]) -> Place? {
        let now = ContinuousClock.now
        return places.compactMap { place in place.idleSince(now).map { (place, $0) } }
            .min {
                let (mine, others) = (counts[$0.0.address] ?? 0, counts[$1.0.address] ?? 0)
                return mine == others ? $0.1 < $1.1 : mine > others
            }?.0
    }
}
