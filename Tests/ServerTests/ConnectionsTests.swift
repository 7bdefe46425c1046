// SPDX-License-Identifier: Apache-2.0
// Who gives way when there are more connections than places.

import Server
import Synchronization
import Testing

@Suite struct ConnectionsTests {
    /// Enters connections and notes which are closed.
    private final class Clients: Sendable {
        let connections: Connections
        let closed = Mutex<[String]>([])

        init(_ connections: Connections) { self.connections = connections }

        func enter(_ name: String, from address: String = "a") -> Connections.Place? {
            connections.enter(from: address) { self.closed.withLock { $0.append(name) } }
        }
    }

    @Test func `The one that has waited longest for its client gives way`() throws {
        let clients = Clients(Connections(limit: 3, limitPerAddress: 3))
        let first = try #require(clients.enter("first"))
        _ = try #require(clients.enter("second"))
        _ = try #require(clients.enter("third"))
        first.enter(.waiting)
        _ = try #require(clients.enter("fourth"))
        #expect(clients.closed.withLock { $0 } == ["second"])
    }

    @Test func `Nobody whose answer is in the making gives way`() throws {
        let clients = Clients(Connections(limit: 2, limitPerAddress: 2))
        let places = try ["first", "second"].map { try #require(clients.enter($0)) }
        places.forEach { $0.enter(.working) }
        #expect(clients.enter("third") == nil)
        places[1].enter(.stalled)
        #expect(clients.enter("fourth") == nil, "stalled for a moment only")
        connectionsLeave(clients, places[0])
        #expect(clients.enter("fifth") != nil)
        #expect(clients.closed.withLock { $0 } == [])
    }

    private func connectionsLeave(_ clients: Clients, _ place: Connections.Place) {
        clients.connections.leave(place)
        clients.connections.leave(place)
    }

    @Test func `One address cannot take the places of all`() throws {
        let clients = Clients(Connections(limit: 4, limitPerAddress: 3))
        let other = try #require(clients.enter("other", from: "b"))
        for i in 0..<5 { _ = try #require(clients.enter("\(i)")) }
        #expect(clients.closed.withLock { $0 } == ["0", "1"])
        // The address with most pays for a newcomer, though the other one has waited longer.
        _ = try #require(clients.enter("newcomer", from: "c"))
        #expect(clients.closed.withLock { $0 } == ["0", "1", "2"])
        withExtendedLifetime(other) {}
    }
}
