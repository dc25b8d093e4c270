import Domain
import FoundationEssentials

/// Turns the named arrays of a container into compressed sections and back.
public enum SectionCodec {
    /// Beyond this an input gets the faster level, too: level 19 runs at 3 MB/s.
    private static let slowBytesMax = 4 << 20
    private static let smallestFrameBytes = 10

    /// Filters, compresses, and stores what does not get smaller.
    /// - Parameter dictionary: a trained zstd dictionary.
    /// - Throws: `.notWholeElements`, `.unknownElementKind`, `.badSectionName`, `.wrongDictionary`.
    public static func pack(
        name: String, kind: WireElementKind, bytes: [UInt8], dictionary: [UInt8]? = nil
    ) throws(WireError) -> WireSection {
        try pack(name: name, kind: kind, bytes: bytes, dictionary: dictionary, effort: .unit)
    }

    static func pack(
        name: String, kind: WireElementKind, bytes: [UInt8], dictionary: [UInt8]?, effort: PackingEffort
    ) throws(WireError) -> WireSection {
        try SectionRules.checkName(name)
        guard let width = kind.width else { throw .unknownElementKind(section: name) }
        guard bytes.count % width == 0 else { throw .notWholeElements(section: name) }
        if let dictionary, DictionaryTrainer.number(of: dictionary) == 0 { throw .wrongDictionary(section: name) }
        let effort = bytes.count > slowBytesMax ? min(effort, .unit) : effort
        var section = stored(name: name, kind: kind, bytes: bytes)
        var best: SectionFilter.Candidate?
        // Head and block of a frame take nine bytes, and something must be in it.
        if bytes.count < smallestFrameBytes { return section }
        // The way is chosen at a fast level; only the best is packed slowly.
        for candidate in SectionFilter.candidates(kind: kind, bytes: bytes) {
            let level = min(effort, .unit).rawValue
            let frame = try compress(candidate.bytes, level: level, dictionary: dictionary, name: name)
            guard frame.count < section.data.count else { continue }
            section.data = Data(frame)
            section.filter = candidate.filter
            section.decimals = UInt32(candidate.decimals)
            section.stored = false
            best = candidate
        }
        if effort > .unit, let best {
            let frame = try compress(best.bytes, level: effort.rawValue, dictionary: dictionary, name: name)
            if frame.count < section.data.count { section.data = Data(frame) }
        }
        return section
    }

    /// A section as it is, without compression: for messages between processes of one machine.
    public static func stored(name: String, kind: WireElementKind, bytes: [UInt8]) -> WireSection {
        var section = WireSection()
        section.name = name
        section.kind = kind
        section.rawBytes = UInt64(bytes.count)
        section.data = Data(bytes)
        section.stored = true
        return section
    }

    /// - Parameter limit: bytes the section may have when unpacked.
    /// - Parameter dictionary: what the unit's `dictionary_sha256` names; its hash was checked by the caller
    ///   (`UnitContainer.checkDictionary`).
    public static func unpack(
        _ section: WireSection, limit: Int, dictionary: [UInt8]? = nil
    ) throws(WireError) -> [UInt8] {
        try SectionRules.check(section, limit: limit)
        let name = section.name
        let bytes = section.stored ? Array(section.data) : try decompress(section, dictionary: dictionary)
        if section.kind == .elementUtf8, String(validating: bytes, as: UTF8.self) == nil {
            throw .notUTF8(section: name)
        }
        return try SectionFilter.undo(section, bytes)
    }

    private static func decompress(_ section: WireSection, dictionary: [UInt8]?) throws(WireError) -> [UInt8] {
        let name = section.name
        let outcome: Result<[UInt8], ZstdFrame.Failure> = section.data.withUnsafeBytes { frame in
            do throws(ZstdFrame.Failure) {
                return .success(
                    try ZstdFrame.decompress(frame, rawBytes: Int(section.rawBytes), dictionary: dictionary))
            } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .success(let bytes): return bytes
        case .failure(.notOneFrame): throw .badFrame(section: name)
        case .failure(.outputTooLarge): throw .decompressionBomb(section: name)
        case .failure(.outputTooSmall): throw .sizeMismatch(section: name)
        case .failure(.wrongDictionary): throw .wrongDictionary(section: name)
        case .failure(.outOfMemory): throw .malformed("no memory to unpack section \"\(name)\"")
        }
    }

    private static func compress(
        _ bytes: [UInt8], level: Int32, dictionary: [UInt8]?, name: String
    ) throws(WireError) -> [UInt8] {
        do {
            return try ZstdFrame.compress(bytes, level: level, dictionary: dictionary)
        } catch .wrongDictionary {
            throw .wrongDictionary(section: name)
        } catch {
            throw .malformed("no memory to pack section \"\(name)\"")
        }
    }
}

extension WireElementKind {
    /// Bytes per element; nil for a kind that this program does not know.
    public var width: Int? {
        switch self {
        case .elementBytes, .elementUtf8: 1
        case .elementFloat32, .elementInt32: 4
        case .elementFloat64, .elementInt64: 8
        case .UNRECOGNIZED: nil
        }
    }
}
