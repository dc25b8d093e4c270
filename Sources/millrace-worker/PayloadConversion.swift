import Domain
import FoundationEssentials
import Plugins
import Wire

/// Between sections as they travel and sections as apps see them.
enum PayloadConversion {
    /// - Parameter dictionary: the zstd dictionary that the unit names; nil when it names none.
    /// - Parameter limit: bytes that all sections together may have after decompression.
    static func payload(_ sections: [WireSection], limit: Int, dictionary: [UInt8]?) throws(WireError) -> Payload {
        var left = limit
        var unpacked: [PayloadSection] = []
        for section in sections {
            let bytes = try SectionCodec.unpack(section, limit: left, dictionary: dictionary)
            left -= bytes.count
            guard let kind = PayloadSection.Kind(section.kind) else {
                throw .unknownElementKind(section: section.name)
            }
            unpacked.append(PayloadSection(name: section.name, kind: kind, bytes: bytes))
        }
        return Payload(sections: unpacked)
    }

    /// Sections for a result: transposed and compressed.
    static func packed(_ payload: Payload) throws(WireError) -> [WireSection] {
        var sections: [WireSection] = []
        for section in payload.sections {
            sections.append(
                try SectionCodec.pack(name: section.name, kind: section.kind.wire, bytes: section.bytes))
        }
        return sections
    }

    /// Sections for a draft: as they are, because the server compresses them.
    static func stored(_ payload: Payload) -> [WireSection] {
        payload.sections.map { SectionCodec.stored(name: $0.name, kind: $0.kind.wire, bytes: $0.bytes) }
    }
}

extension PayloadSection.Kind {
    init?(_ wire: WireElementKind) {
        switch wire {
        case .elementBytes: self = .bytes
        case .elementFloat32: self = .float32
        case .elementFloat64: self = .float64
        case .elementInt32: self = .int32
        case .elementInt64: self = .int64
        case .elementUtf8: self = .utf8
        case .UNRECOGNIZED: return nil
        }
    }

    var wire: WireElementKind {
        switch self {
        case .bytes: .elementBytes
        case .float32: .elementFloat32
        case .float64: .elementFloat64
        case .int32: .elementInt32
        case .int64: .elementInt64
        case .utf8: .elementUtf8
        }
    }
}
