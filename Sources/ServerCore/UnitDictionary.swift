import Bytes
import Domain
import Storage
import Wire

/// The zstd dictionary of a batch whose units are many and small: what they have in common travels once per host.
public struct UnitDictionary: Hashable, Sendable {
    public let bytes: [UInt8]
    public let digest: Digest

    /// The name under which it stands among a batch's inputs and a worker's local files.
    public static let inputName = InputFile.dictionary
    /// Sections beyond this size compress well enough alone.
    static let sampleBytesMax = 8192
    static let samplesMin = 64
    static let bytesMax = 4096
    /// A dictionary must pay for itself when it is sent to so many hosts.
    static let hosts = 4
    /// A batch whose first split is not its last is taken to be so many times as large.
    static let growth = 4

    public init(bytes: [UInt8]) {
        self.bytes = bytes
        digest = SHA256Hash.digest(of: bytes)
    }

    /// Trains on the first drafts of a batch. Deterministic, so that a repeated split gives the same.
    ///
    /// - Parameter isWhole: these are all drafts of the batch.
    /// - Returns: nil when the sections are few, large, or gain less than the dictionary costs.
    public static func trained(
        on drafts: [WireUnitDraftMessage], isWhole: Bool
    ) throws(WireError) -> UnitDictionary? {
        var samples: [[UInt8]] = []
        var small: [(WireSection, [UInt8])] = []
        for draft in drafts {
            for section in draft.sections where section.rawBytes <= UInt64(sampleBytesMax) {
                let raw = try SectionCodec.unpack(section, limit: sampleBytesMax)
                small.append((section, raw))
                if raw.count >= 16 { samples.append(raw) }
            }
        }
        guard samples.count >= samplesMin else { return nil }
        let bytes: [UInt8]
        do throws(WireError) {
            bytes = try DictionaryTrainer.train(samples: samples, bytesMax: bytesMax)
        } catch {
            // Too alike or too short to learn from: there is nothing to gain either.
            return nil
        }
        var without = 0
        var with = 0
        for (section, raw) in small {
            without += try SectionCodec.pack(name: section.name, kind: section.kind, bytes: raw).data.count
            with += try SectionCodec.pack(name: section.name, kind: section.kind, bytes: raw, dictionary: bytes)
                .data.count
        }
        let gain = (without - with) * (isWhole ? 1 : growth)
        return gain > hosts * bytes.count ? UnitDictionary(bytes: bytes) : nil
    }
}

extension ProjectServer {
    /// The batch's dictionary, trained on the drafts of its first split. Blob first: the reference is written with the
    /// units, and a split that is repeated after a crash trains the same dictionary again.
    func dictionary(
        of batch: BatchRecord, _ split: WireSplitReply
    ) throws -> UnitDictionary? {
        if let known = batch.inputs.first(where: { $0.name == UnitDictionary.inputName }) {
            return UnitDictionary(bytes: try blobs.read(known.digest, limit: Limits.dictionaryBytesMax))
        }
        guard batch.workUnitCount == 0, batch.inputs.count < Limits.inputsPerProjectMax,
            let dictionary = try UnitDictionary.trained(on: split.drafts, isWhole: split.finished)
        else { return nil }
        _ = try blobs.put(dictionary.bytes)
        return dictionary
    }
}
