import Domain

/// What must hold of sections before any of them is unpacked.
enum SectionRules {
    /// - Parameter sectionMax: bytes one section may have when unpacked.
    /// - Parameter limit: bytes all sections together may have when unpacked.
    static func check(
        _ sections: [WireSection], countMax: Int, sectionMax: Int, limit: Int, field: String
    ) throws(WireError) {
        if sections.count > countMax { throw .tooMany(field: "sections", limit: countMax) }
        var names: Set<String> = []
        var total = 0
        for section in sections {
            try check(section, limit: sectionMax)
            guard names.insert(section.name).inserted else { throw .duplicateSection(section.name) }
            // Each is at most `sectionMax`, which fits many times into 64 bits.
            total += Int(section.rawBytes)
            if total > limit { throw .tooLarge(field: field, limit: limit) }
        }
    }

    /// One section: name, kind, filter and declared size; nothing is decompressed.
    static func check(_ section: WireSection, limit: Int) throws(WireError) {
        let name = section.name
        try checkName(name)
        guard let width = section.kind.width else { throw .unknownElementKind(section: name) }
        switch section.filter {
        case .none: break
        case .transpose where width > 1: break
        case .decimal, .decimalDelta:
            guard section.kind == .elementFloat64, section.decimals <= UInt32(DecimalColumn.decimalsMax) else {
                throw .unknownFilter(section: name)
            }
        case .transpose, .UNRECOGNIZED: throw .unknownFilter(section: name)
        }
        guard section.rawBytes <= UInt64(limit) else { throw .tooLarge(field: "section \"\(name)\"", limit: limit) }
        guard section.rawBytes % UInt64(width) == 0 else { throw .notWholeElements(section: name) }
        guard section.stored else { return }
        guard section.filter == .none else { throw .unknownFilter(section: name) }
        guard UInt64(section.data.count) == section.rawBytes else { throw .sizeMismatch(section: name) }
    }

    /// 1 ... `Limits.sectionNameBytesMax` bytes without control characters.
    static func checkName(_ name: String) throws(WireError) {
        let bytes = name.utf8
        guard !bytes.isEmpty, bytes.count <= Limits.sectionNameBytesMax,
            bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { throw .badSectionName(String(decoding: bytes.prefix(Limits.sectionNameBytesMax), as: UTF8.self)) }
    }
}
