// SPDX-License-Identifier: Apache-2.0
// SAELens' cfg.json, of any release: flat before 6.0, with `metadata` since.
//
// Defaults and renamed keys are those of `handle_config_defaulting` in
// https://github.com/decoderesearch/SAELens (sae_lens/loading/pretrained_sae_loaders.py).

import Foundation
import JSON
import UserErrors

/// What a cfg.json says.
struct SAELensConfig {
    /// The file, for messages.
    let source: URL
    private let keys: Keys

    /// Reads the file.
    init(contentsOf url: URL) throws {
        let data = try readSmallFile(url, atMost: 1 << 24)
        do { keys = try JSONDecoder().decode(Keys.self, checking: [UInt8](data)) } catch let error
            as DecodingError
        {
            throw UserError(
                "\(url.path): \(Self.problem(error)); save the dictionary with SAELens again.")
        } catch {
            throw UserError(
                "\(url.path): is not JSON; save the dictionary with SAELens again.")
        }
        source = url
    }

    /// The sizes, as far as the file gives them.
    var dModel: Int? { keys.d_in }
    var count: Int? { keys.d_sae }

    /// `standard`, `topk`, `jumprelu`, `gated`, or another.
    var architecture: String {
        // Before 6.0 a TopK dictionary was a standard one with another activation function.
        isOldTopK ? "topk" : keys.architecture ?? "standard"
    }
    /// The activation function of releases that named one beside the architecture.
    var activationFunction: String? { keys.activation_fn ?? keys.activation_fn_str }
    /// How many features a TopK dictionary keeps.
    var k: Int { (isOldTopK ? keys.activation_fn_kwargs?.k : nil) ?? keys.k ?? 100 }
    /// The same where the file says it.
    var statedK: Int? { architecture == "topk" ? k : keys.k }
    var rescalesByDecoderNorm: Bool { keys.rescale_acts_by_decoder_norm ?? false }
    var subtractsDecoderBias: Bool { keys.apply_b_dec_to_input ?? true }

    /// `none` or the name of a normalisation; early releases had true or false.
    var normalization: String {
        switch keys.normalize_activations {
        case .name(let name): name
        case .flag(let flag): flag ? "expected_average_only_in" : "none"
        case nil: "none"
        }
    }

    /// Where in the model the dictionary belongs.
    var hookName: String? {
        guard let name = keys.metadata?.hook_name ?? keys.hook_name ?? keys.hook_point else {
            return nil
        }
        let number = keys.hook_layer ?? keys.hook_point_layer
        return number.map { name.replacing("{layer}", with: String($0)) } ?? name
    }
    /// What it is of, where it explains no attention whatever its hook.
    var otherPlace: String? {
        switch architecture {
        case let name where name.contains("crosscoder"): PublishedDictionary.crosscoder
        case "clt", "cross_layer_transcoder": PublishedDictionary.crossLayerTranscoder
        case let name where name.contains("transcoder"): PublishedDictionary.transcoder
        default: nil
        }
    }
    /// Whether it belongs to one head only.
    var isOfOneHead: Bool {
        keys.metadata?.hook_head_index ?? keys.hook_head_index ?? keys.hook_point_head_index != nil
    }
    /// Whether TransformerLens took the mean off everything that is written into the residual stream.
    var centresWritingWeights: Bool {
        let options =
            keys.metadata?.model_from_pretrained_kwargs ?? keys.model_from_pretrained_kwargs
        return options?.center_writing_weights ?? false
    }

    private var isOldTopK: Bool {
        activationFunction == "topk" && keys.activation_fn_kwargs?.k != nil
    }

    private static func problem(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty
                ? "is not a JSON object" : "has something unexpected as \"\(path)\""
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return "has a value that cannot be used as \"\(path)\""
        default: return "is not JSON"
        }
    }
}

// The keys keep the names they have in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Keys: Decodable {
    let architecture: String?
    let d_in: Int?
    let d_sae: Int?
    let k: Int?
    let rescale_acts_by_decoder_norm: Bool?
    let apply_b_dec_to_input: Bool?
    let normalize_activations: NameOrFlag?
    let activation_fn: String?
    let activation_fn_str: String?
    let activation_fn_kwargs: ActivationOptions?
    let hook_name: String?
    let hook_point: String?
    let hook_layer: Int?
    let hook_point_layer: Int?
    let hook_head_index: Int?
    let hook_point_head_index: Int?
    let model_from_pretrained_kwargs: ModelOptions?
    let metadata: Metadata?

    struct ActivationOptions: Decodable {
        let k: Int?
    }

    struct ModelOptions: Decodable {
        let center_writing_weights: Bool?
    }

    struct Metadata: Decodable {
        let hook_name: String?
        let hook_head_index: Int?
        let model_from_pretrained_kwargs: ModelOptions?
    }

    enum NameOrFlag: Decodable {
        case name(String)
        case flag(Bool)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let flag = try? container.decode(Bool.self) {
                self = .flag(flag)
            } else {
                self = .name(try container.decode(String.self))
            }
        }
    }
}

/// The bytes of a file that must not be longer than `limit`.
func readSmallFile(_ url: URL, atMost limit: Int) throws -> Data {
    let data: Data?
    do {
        let file = try FileHandle(forReadingFrom: url)
        defer { try? file.close() }
        data = try file.read(upToCount: limit + 1)
    } catch {
        throw UserError("\(url.path): cannot be read; give a readable file.")
    }
    guard let data, data.count <= limit else {
        throw UserError(
            "\(url.path): is \(data == nil ? "empty" : "longer than \(limit) bytes"); give the file "
                + "that SAELens wrote.")
    }
    return data
}
