import Bytes
import Domain
import Foundation
import SwiftProtobuf
import Wire

/// The `.json` beside a golden sample: what a decoder must find in it.
enum GoldenText {
    static func unit(_ bytes: [UInt8], dictionary: [UInt8]? = nil) throws -> String {
        let body = try UnitContainer.decode(bytes, key: Samples.key.publicKey)
        var bare = body
        bare.sections = []
        return try text(
            bytes, body: bare, sections: body.sections, dictionary: dictionary,
            more: [("signature", "\"\(Hex.encode(Array(bytes.suffix(64))))\"")])
    }

    static func result(_ bytes: [UInt8]) throws -> String {
        let body = try ResultContainer.decode(bytes, limit: 1 << 20)
        var bare = body
        bare.sections = []
        return try text(bytes, body: bare, sections: body.sections)
    }

    static func table(_ bytes: [UInt8]) throws -> String {
        let table = try TableContainer.decode(bytes)
        let columns = zip(table.names, table.columns).map { name, column in
            "    \"\(name)\": [\(column.map { "\($0)" }.joined(separator: ", "))]"
        }
        return """
            {
              "sha256": "\(SHA256Hash.digest(of: bytes).hex)",
              "rows": \(table.rowCount),
              "columns": {
            \(columns.joined(separator: ",\n"))
              }
            }

            """
    }

    static func plain(_ bytes: [UInt8]) throws -> String {
        """
        {
          "sha256": "\(SHA256Hash.digest(of: bytes).hex)",
          "data_hex": "\(Hex.encode(try PlainContainer.decode(bytes, limit: 1 << 20)))"
        }

        """
    }

    private static func text(
        _ bytes: [UInt8], body: some Message, sections: [WireSection], dictionary: [UInt8]? = nil,
        more: [(String, String)] = []
    ) throws -> String {
        var lines = ["\"sha256\": \"\(SHA256Hash.digest(of: bytes).hex)\""]
        lines += more.map { "\"\($0.0)\": \($0.1)" }
        lines.append("\"body\": \(try body.jsonString())")
        for section in sections {
            let raw = try SectionCodec.unpack(section, limit: Limits.sectionBytesMax, dictionary: dictionary)
            lines.append("\"section \(section.name)\": \(values(of: raw, section.kind))")
        }
        return "{\n" + lines.map { "  \($0)" }.joined(separator: ",\n") + "\n}\n"
    }

    private static func values(of raw: [UInt8], _ kind: WireElementKind) -> String {
        func list<T>(_ values: [T]?) -> String { "[" + (values ?? []).map { "\($0)" }.joined(separator: ", ") + "]" }
        return switch kind {
        case .elementFloat32: list(LittleEndian.floats(from: raw))
        case .elementFloat64: list(LittleEndian.doubles(from: raw))
        case .elementInt32: list(LittleEndian.int32s(from: raw))
        case .elementInt64: list(LittleEndian.int64s(from: raw))
        case .elementUtf8: "\"\(String(decoding: raw, as: UTF8.self))\""
        case .elementBytes, .UNRECOGNIZED: "\"\(Hex.encode(raw))\""
        }
    }
}
