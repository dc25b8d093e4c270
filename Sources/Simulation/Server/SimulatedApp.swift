import Bytes
import Domain
import FoundationEssentials
import Wire

/// A result as it lies in a task's folder.
struct ResultBytes {
    var bytes: [UInt8]
    var summary: ResultFacts
}

/// Hash and size of a result.
struct ResultFacts {
    var digest: Digest
    var isInline: Bool
}

/// A synthetic exact app: a unit is a number, its result a hash of that number.
///
/// Real containers are made and read, so that every decoder of the real way runs; only the computing is left out.
struct SimulatedApp {
    static let name = "simulated"
    static let version: UInt32 = 1
    /// Names with version, as clients say them.
    static let apps = ["\(name)/\(version)"]
    /// Floating-point operations a second of a core of nominal speed.
    static let nominalSpeed = 1e9
    /// What a container adds to the padding of a result, at most.
    static let overheadBytes = 400
    static let inputName = "table"

    private var facts: [Digest: UnitFacts] = [:]
    private var results: [ResultKey: ResultBytes] = [:]
    private let seed: UInt64

    private struct ResultKey: Hashable {
        var container: Digest
        var value: UInt64
        var bytes: Int
    }

    init(seed: UInt64) {
        self.seed = seed
    }

    /// The payload of a unit. Short, so that no dictionary is trained: whether one pays depends on the version of zstd,
    /// and the trace must not.
    func payload(of index: Int64) -> UInt64 { scrambled(seed ^ UInt64(bitPattern: index) &* 0x9E37_79B9_7F4A_7C15) }

    /// The value that an honest host computes.
    static func truth(of payload: UInt64) -> UInt64 { scrambled(payload ^ 0x7AB1_E5_0F) }

    func draft(_ index: Int64, flops: Double) -> WireUnitDraftMessage {
        var draft = WireUnitDraftMessage()
        draft.label = "number \(index)"
        draft.flops = flops
        let bytes = LittleEndian.bytes(of: [Int64(bitPattern: payload(of: index))])
        draft.sections = [SectionCodec.stored(name: "number", kind: .elementInt64, bytes: bytes)]
        return draft
    }

    /// What a worker reads from a unit's container; read once for each.
    /// - Throws: what the decoder says of bytes that are no unit.
    mutating func facts(of container: [UInt8], named digest: Digest) throws(WireError) -> UnitFacts {
        if let known = facts[digest] { return known }
        let body = try UnitContainer.decodeUnverified(container)
        guard let section = body.sections.first else { throw .truncated }
        let raw = try SectionCodec.unpack(section, limit: 64)
        var reader = ByteReader(raw)
        guard let payload = try? reader.readU64() else { throw .truncated }
        let found = UnitFacts(
            id: WorkUnitID(rawValue: Int64(clamping: body.unitID)), container: digest,
            truth: SimulatedApp.truth(of: payload))
        facts[digest] = found
        return found
    }

    /// The result container for a value, made once for each.
    /// - Parameter bytes: of padding behind the value.
    mutating func result(_ unit: UnitFacts, value: UInt64, bytes: Int) -> ResultBytes? {
        let key = ResultKey(container: unit.container, value: value, bytes: bytes)
        if let known = results[key] { return known }
        var body = WireResultBody()
        body.unitID = UInt64(unit.id.rawValue)
        body.unitSha256 = Data(unit.container.bytes)
        body.app = SimulatedApp.name
        body.appVersion = SimulatedApp.version
        var generator = SeededGenerator(seed: value)
        let padding = generator.nextBytes(bytes)
        body.sections = [
            SectionCodec.stored(
                name: "value", kind: .elementInt64, bytes: LittleEndian.bytes(of: [Int64(bitPattern: value)])),
            SectionCodec.stored(name: "padding", kind: .elementBytes, bytes: padding),
        ]
        guard let encoded = try? ResultContainer.encode(body) else { return nil }
        let digest = SHA256Hash.digest(of: encoded)
        let made = ResultBytes(
            bytes: encoded,
            summary: ResultFacts(digest: digest, isInline: encoded.count <= Limits.inlineBlobBytesMax))
        results[key] = made
        return made
    }

    /// The value in a result, as the validator reads it.
    /// - Throws: `WireError` for what is no result of this unit.
    static func value(in bytes: [UInt8], of unit: UnitFacts, limit: Int) throws(WireError) -> UInt64 {
        let body = try ResultContainer.decode(bytes, limit: limit)
        guard Array(body.unitSha256) == unit.container.bytes else { throw .hashMismatch }
        guard let section = body.sections.first, section.name == "value" else { throw .truncated }
        let raw = try SectionCodec.unpack(section, limit: 64)
        var reader = ByteReader(raw)
        guard let value = try? reader.readU64() else { throw .truncated }
        return value
    }
}
