import Bytes
import ClientCore
import Domain
import FoundationEssentials

/// What `identity.json` holds: the attachment, the public half of the host's key, and a hash over both, so that a bit
/// that changed is noticed and no other project's key is believed.
struct SealedIdentity: Codable {
    var attachment: ClientState.Attachment
    /// In hexadecimal; nil: an earlier client wrote the file, or there was no key.
    var hostPublicKey: String?
    /// Of everything else; nil: an earlier client wrote the file.
    private var sha256: String?

    init(_ attachment: ClientState.Attachment, hostKey: VerifyingKey?) {
        self.attachment = attachment
        hostPublicKey = hostKey.map { Hex.encode($0.rawRepresentation) }
        sha256 = computed
    }

    var isSound: Bool { sha256.map { $0 == computed } ?? true }

    private var computed: String? {
        var plain = self
        plain.sha256 = nil
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return (try? encoder.encode(plain)).map { SHA256Hash.digest(of: [UInt8]($0)).hex }
    }

    private enum Keys: String, CodingKey {
        case hostPublicKey, sha256
    }

    init(from decoder: any Decoder) throws {
        attachment = try ClientState.Attachment(from: decoder)
        let more = try decoder.container(keyedBy: Keys.self)
        hostPublicKey = try more.decodeIfPresent(String.self, forKey: .hostPublicKey)
        sha256 = try more.decodeIfPresent(String.self, forKey: .sha256)
    }

    func encode(to encoder: any Encoder) throws {
        try attachment.encode(to: encoder)
        var more = encoder.container(keyedBy: Keys.self)
        try more.encodeIfPresent(hostPublicKey, forKey: .hostPublicKey)
        try more.encodeIfPresent(sha256, forKey: .sha256)
    }
}
