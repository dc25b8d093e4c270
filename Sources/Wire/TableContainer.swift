import Bytes
import Domain

/// An input with packing `table`: columns of doubles, each a transposed and compressed section. Exact.
public enum TableContainer {
    /// - Throws: `.notFinite`, `.tooMany`, `.tooLarge`, `.badSectionName`.
    public static func encode(_ table: Table, effort: PackingEffort = .input) throws(WireError) -> [UInt8] {
        var body = WireTableBody()
        body.rows = UInt64(table.rowCount)
        for (name, column) in zip(table.names, table.columns) {
            guard column.allSatisfy(\.isFinite) else { throw .notFinite(section: name) }
            body.sections.append(
                try SectionCodec.pack(
                    name: name, kind: .elementFloat64, bytes: LittleEndian.bytes(of: column),
                    dictionary: nil, effort: effort))
        }
        try check(body)
        return try ContainerFrame.encode(.table, body: try StrictDecode.bytes(of: body), limit: Limits.tableBytesMax)
    }

    /// Unpacks every column. Every value is finite, every column has as many rows as the body says.
    public static func decode(_ bytes: [UInt8]) throws(WireError) -> Table {
        let limit = Limits.tableBytesMax
        let body = try StrictDecode.message(
            WireTableBody.self, from: try ContainerFrame.decode(.table, bytes, limit: limit), limit: limit,
            repeats: [.init(field: 2, name: "columns", limit: Limits.tableColumnsMax)])
        try check(body)
        var columns: [[Double]] = []
        for section in body.sections {
            let raw = try SectionCodec.unpack(section, limit: limit)
            guard let column = LittleEndian.doubles(from: raw) else { throw .notWholeElements(section: section.name) }
            guard column.allSatisfy(\.isFinite) else { throw .notFinite(section: section.name) }
            columns.append(column)
        }
        guard let table = Table(names: body.sections.map(\.name), columns: columns) else {
            throw .malformed("the columns of the table do not fit together")
        }
        return table
    }

    private static func check(_ body: WireTableBody) throws(WireError) {
        let limit = Limits.tableBytesMax
        if body.sections.isEmpty { throw .outOfRange(field: "sections") }
        guard body.rows <= UInt64(limit / 8) else { throw .tooLarge(field: "table, decompressed", limit: limit) }
        for section in body.sections where section.kind != .elementFloat64 {
            throw .unknownElementKind(section: section.name)
        }
        try SectionRules.check(
            body.sections, countMax: Limits.tableColumnsMax, sectionMax: limit, limit: limit,
            field: "table, decompressed")
        for section in body.sections where section.rawBytes != body.rows * 8 {
            throw .sizeMismatch(section: section.name)
        }
    }
}
