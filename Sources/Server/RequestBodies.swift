// SPDX-License-Identifier: Apache-2.0
// The bodies of requests, read with errors that name the field.

import DataTree
import Foundation
import Hummingbird
import JSON
import NIOCore
import Transformer

/// Bodies are bounded by this many bytes.
let largestBody = 1 << 20
/// Those that hold the questions of a job by this.
let largestJob = 16 << 20
/// Those that hold clusters by this: some bytes for each point of the largest cloud there can be.
let largestClusters = 32 << 20

extension Request {
    /// The body as `Body`; "context" and other extra keys are ignored.
    func decode<Body: Decodable>(
        _ type: Body.Type, upTo limit: Int = largestBody, within budget: MemoryBudget
    ) async throws -> Body {
        let mediaType = headers[.contentType]?.prefix { $0 != ";" }
            .trimmingCharacters(in: .whitespaces).lowercased()
        guard mediaType == "application/json" else {
            throw APIError(
                .unsupportedMediaType,
                "The request needs the header Content-Type: application/json.")
        }
        let (bytes, reservation) = try await received(upTo: limit, within: budget)
        defer { withExtendedLifetime(reservation) {} }
        let text: JSONText
        do { text = try JSONText(bytes) } catch {
            throw APIError(.badRequest, "The request's body is not JSON (\(error)).")
        }
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch let error
            as DecodingError
        {
            throw text.misspelling ?? error.apiError
        }
    }

    /// The bytes of the body. One that says it is too large, or becomes so, is refused before it is read.
    private func received(
        upTo limit: Int, within budget: MemoryBudget
    ) async throws -> ([UInt8], Reservation) {
        let tooLarge = APIError(
            .contentTooLarge, "The request's body is larger than \(limit >> 20) MB.",
            headers: [.connection: "close"])
        let tooMany = APIError.busy(
            "Too many large requests come at once; try again in a moment.", retryAfter: 2)
        if let announced = headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw tooLarge
        }
        guard let reservation = budget.reserve(0) else { throw tooMany }
        var bytes: [UInt8] = []
        for try await part in body {
            let size = bytes.count + part.readableBytes
            guard size <= limit else { throw tooLarge }
            guard reservation.resize(to: size) else { throw tooMany }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return (bytes, reservation)
    }
}

extension JSONText {
    /// Why some text of the request is none: what JSON's grammar allows, and Unicode does not.
    fileprivate var misspelling: APIError? {
        guard misspelling(in: root) != nil else { return nil }
        let culprit = members(of: root)?.first { misspelling(in: $0.value) != nil }
        return .unprocessable(
            "\(culprit?.name ?? "The request's body") holds text that is not Unicode, such as half of a surrogate pair (\\ud800 alone)."
        )
    }
}

extension DecodingError {
    fileprivate var apiError: APIError {
        switch self {
        case .keyNotFound(let key, _):
            return .unprocessable("The request lacks \"\(key.stringValue)\".")
        case .valueNotFound(let type, let context), .typeMismatch(let type, let context):
            return .unprocessable("\(Self.place(context)) must be \(Self.describe(type)).")
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            // Foundation names no place for a number that does not fit.
            return .unprocessable("A number in the request's body must be a whole number.")
        case .dataCorrupted(let context):
            return .unprocessable("\(Self.place(context)) \(context.debugDescription).")
        @unknown default:
            return APIError(.badRequest, "The request's body is not as expected.")
        }
    }

    /// Such as clusters[0].points[3].
    private static func place(_ context: Context) -> String {
        let path = context.codingPath.reduce("") { path, key in
            if let index = key.intValue { return "\(path)[\(index)]" }
            return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
        }
        return path.isEmpty ? "The request's body" : path
    }

    private static func describe(_ type: Any.Type) -> String {
        switch type {
        case is Int.Type: "a whole number"
        case is String.Type: "a string"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}

/// {layer, head, text}
struct AddBody: Decodable {
    let layer: Int
    let head: Int
    let text: String
}

/// {layer, head, sequence_id}
struct DeleteBody: Decodable {
    let layer: Int
    let head: Int
    let sequenceID: String

    private enum CodingKeys: String, CodingKey {
        case layer, head
        case sequenceID = "sequence_id"
    }
}

/// {layer, head, seq_idx, query_pos, key_pos}
struct EdgeBody: Decodable {
    let layer: Int
    let head: Int
    let sequence: SequenceID
    let query: Int
    let key: Int

    private enum CodingKeys: String, CodingKey {
        case layer, head
        case sequence = "seq_idx"
        case query = "query_pos"
        case key = "key_pos"
    }

    /// The edge of the head that the body names.
    func edge(of head: HeadAddress) -> Edge { Edge(head, sequence, query: query, key: key) }
}

/// {layer, head, clusters}
struct ClustersBody: Decodable {
    let layer: Int
    let head: Int
    let clusters: [Cluster]
    /// The version that the client built on, where it says one.
    let base: String?

    /// {name, color, points: [[seq_idx, q, k], ...]} or {name, point_indices: [...]}
    struct Cluster: Decodable {
        let name: String
        let color: String?
        let members: Members

        enum Members {
            case points([Triple])
            case indices([Int])
        }

        private enum CodingKeys: String, CodingKey {
            case name, color, points
            case indices = "point_indices"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            color = try container.decodeIfPresent(String.self, forKey: .color)
            members =
                if container.contains(.indices), !container.contains(.points) {
                    .indices(try container.decode([Int].self, forKey: .indices))
                } else {
                    .points(try container.decode([Triple].self, forKey: .points))
                }
        }
    }

    /// [seq_idx, q, k]
    struct Triple: Decodable {
        let sequence: SequenceID
        let query: Int
        let key: Int

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            guard container.count == 3 else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "must be [seq_idx, query, key]")
            }
            sequence = try container.decode(SequenceID.self)
            query = try container.decode(Int.self)
            key = try container.decode(Int.self)
        }
    }
}
