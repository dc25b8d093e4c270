import Domain

/// An input with packing `plain`: a file's bytes in one section called `data`.
public enum PlainContainer {
    static let sectionName = "data"
    /// Header, name and the like around the data of a section.
    private static let overheadBytes = 64

    public static func encode(_ bytes: [UInt8], effort: PackingEffort = .input) throws(WireError) -> [UInt8] {
        let limit = Limits.plainInputBytesMax
        if bytes.count > limit { throw .tooLarge(field: "input", limit: limit) }
        let section = try SectionCodec.pack(
            name: sectionName, kind: .elementBytes, bytes: bytes, dictionary: nil, effort: effort)
        return try ContainerFrame.encode(
            .plain, body: try StrictDecode.bytes(of: section), limit: limit + overheadBytes)
    }

    /// - Parameter limit: bytes the file may have.
    public static func decode(_ bytes: [UInt8], limit: Int) throws(WireError) -> [UInt8] {
        let limit = min(limit, Limits.plainInputBytesMax)
        // The container may be longer than the file by its header, never by more.
        let whole = limit + overheadBytes
        let section = try StrictDecode.message(
            WireSection.self, from: try ContainerFrame.decode(.plain, bytes, limit: whole), limit: whole)
        guard section.name == sectionName else { throw .badSectionName(section.name) }
        guard section.kind == .elementBytes else { throw .unknownElementKind(section: section.name) }
        return try SectionCodec.unpack(section, limit: limit)
    }
}
