import Bytes
import Domain
import Foundation
import SwiftProtobuf
import Wire

/// A file that must be refused, and why. Its name begins with the container it pretends to be.
struct BadSample: Sendable {
    var name: String
    /// `WireError.code`.
    var code: String
    var why: String
    var make: @Sendable () throws -> [UInt8]

    init(_ name: String, _ code: String, _ why: String, _ make: @escaping @Sendable () throws -> [UInt8]) {
        self.name = name
        self.code = code
        self.why = why
        self.make = make
    }

    static let all = frames + units + programs + sections + frameContents + results + inputs

    static let frames = [
        BadSample("unit-empty", "truncated", "no bytes at all") { [] },
        BadSample("unit-html", "wrong_magic", "a web page, as a wrong address gives it") {
            Array("<html><body>404</body></html>".utf8)
        },
        BadSample("unit-newlines", "wrong_magic", "LF became CR LF on the way") {
            let unit = try Samples.unit()
            return unit[..<3] + [0x0D] + unit[3...]
        },
        BadSample("unit-is-result", "wrong_kind", "a result where a work unit is wanted") {
            try ResultContainer.encode(try Samples.resultBody())
        },
        BadSample("unit-newer", "unsupported_version", "format version 2, correctly signed") {
            Samples.signed(Samples.frame(kind: 1, version: 2, body: try Samples.unitBody().serializedBytes()))
        },
        BadSample("unit-version-0", "unsupported_version", "format version 0, correctly signed") {
            Samples.signed(Samples.frame(kind: 1, version: 0, body: try Samples.unitBody().serializedBytes()))
        },
        BadSample("unit-reserved", "reserved_bits", "byte 5 is not zero") {
            Samples.signed(Samples.frame(kind: 1, reserved: 1, body: try Samples.unitBody().serializedBytes()))
        },
        BadSample("unit-header-cut", "truncated", "ends within the header") { Array(try Samples.unit().prefix(9)) },
        BadSample("unit-body-cut", "truncated", "ends within the body") { Array(try Samples.unit().prefix(100)) },
        BadSample("unit-signature-cut", "truncated", "the signature lacks one byte") {
            Array(try Samples.unit().dropLast())
        },
        BadSample("unit-length-huge", "truncated", "says that its body has 2^64 - 1 bytes") {
            let unit = try Samples.unit()
            return unit[..<8] + [UInt8](repeating: 0xFF, count: 8) + unit[16...]
        },
        BadSample("unit-trailing", "trailing_bytes", "one byte follows the signature") { try Samples.unit() + [0] },
        BadSample("unit-changed", "bad_signature", "one bit of the body changed") {
            var unit = try Samples.unit()
            unit[40] ^= 1
            return unit
        },
        BadSample("unit-other-key", "bad_signature", "signed by another key") {
            try UnitContainer.encode(try Samples.unitBody(), key: Samples.otherKey)
        },
        BadSample("unit-other-context", "bad_signature", "signed as if it were receipts") {
            Samples.signed(
                Samples.frame(kind: 1, body: try Samples.unitBody().serializedBytes()),
                context: "millrace-receipts-v1\n")
        },
        BadSample("unit-not-protobuf", "bad_message", "a signed body that is no message") {
            Samples.signed(Samples.frame(kind: 1, body: Array("{\"unit_id\": 7}".utf8)))
        },
    ]

    static let units = [
        BadSample("unit-flops-nan", "out_of_range", "flops is not a number") {
            try Samples.forgedUnit { $0.flops = .nan }
        },
        BadSample("unit-flops-huge", "out_of_range", "flops above 1e21") { try Samples.forgedUnit { $0.flops = 1e22 } },
        BadSample("unit-number-huge", "out_of_range", "unit_id leaves no room for tasks") {
            try Samples.forgedUnit { $0.unitID = 1 << 57 }
        },
        BadSample("unit-output-huge", "out_of_range", "output_bytes_max above 1 GiB") {
            try Samples.forgedUnit { $0.outputBytesMax = 1 << 30 + 1 }
        },
        BadSample("unit-no-app", "out_of_range", "the app's name is empty") { try Samples.forgedUnit { $0.app = "" } },
        BadSample("unit-hash-short", "out_of_range", "an input's hash has 31 bytes") {
            try Samples.forgedUnit { $0.inputs[0].sha256.removeLast() }
        },
        BadSample("unit-packing", "out_of_range", "an input's packing is none of the three") {
            try Samples.forgedUnit { $0.inputs[0].packing = "zip" }
        },
        BadSample("unit-inputs-twice", "out_of_range", "two inputs of one name") {
            try Samples.forgedUnit { $0.inputs.append($0.inputs[0]) }
        },
        BadSample("unit-many-inputs", "too_many", "65 inputs") {
            try Samples.forgedUnit { body in
                let input = body.inputs[0]
                body.inputs = (0..<65).map { number in
                    var other = input
                    other.name = "input\(number)"
                    return other
                }
            }
        },
        BadSample("unit-dictionary-hash", "out_of_range", "the dictionary's hash has 3 bytes") {
            try Samples.forgedUnit { $0.dictionarySha256 = Data([1, 2, 3]) }
        },
    ]

    /// Units whose program makes no sense.
    static let programs = [
        BadSample("unit-program-missing", "out_of_range", "the app executable without a program") {
            try Samples.forgedProgramUnit { $0.clearProgram() }
        },
        BadSample("unit-program-elsewhere", "out_of_range", "an app with a kernel, and a program") {
            try Samples.forgedProgramUnit { $0.app = "gamma-pulsar" }
        },
        BadSample("unit-program-name", "out_of_range", "the program's name is a path") {
            try Samples.forgedProgramUnit { $0.program.name = "../solver" }
        },
        BadSample("unit-program-version", "out_of_range", "the program's version is empty") {
            try Samples.forgedProgramUnit { $0.program.version = "" }
        },
        BadSample("unit-program-arguments", "too_many", "65 arguments") {
            try Samples.forgedProgramUnit { $0.program.arguments = [String](repeating: "a", count: 65) }
        },
        BadSample("unit-program-argument-long", "out_of_range", "an argument of 1,025 bytes") {
            try Samples.forgedProgramUnit { $0.program.arguments = [String(repeating: "a", count: 1025)] }
        },
        BadSample("unit-program-argument-line", "out_of_range", "an argument with a line end") {
            try Samples.forgedProgramUnit { $0.program.arguments[0] = "a\nb" }
        },
        BadSample("unit-program-fuel", "out_of_range", "fuel for a program that is no module") {
            try Samples.forgedProgramUnit { $0.program.fuel = 1 }
        },
        BadSample("unit-program-no-fuel", "out_of_range", "a module without fuel") {
            try Samples.forgedProgramUnit { $0.app = "wasm" }
        },
        BadSample("unit-program-input", "out_of_range", "an input whose name leads out of its folder") {
            try Samples.forgedProgramUnit { $0.inputs[0].name = "../photons" }
        },
        BadSample("unit-program-section", "bad_section_name", "a section whose name is hidden") {
            try Samples.forgedProgramUnit { $0.sections[0].name = ".parameters" }
        },
        BadSample("unit-program-file-twice", "duplicate_section", "a section and an input of one name") {
            try Samples.forgedProgramUnit { $0.sections[0].name = $0.inputs[0].name }
        },
    ]

    private static func section(
        _ name: String, _ code: String, _ why: String, _ change: @escaping @Sendable (inout WireSection) -> Void
    ) -> BadSample {
        BadSample(name, code, why) { try Samples.forgedUnit { change(&$0.sections[1]) } }
    }

    static let sections = [
        section("unit-section-name", "bad_section_name", "a section's name holds a line end") { $0.name = "a\nb" },
        section("unit-section-long-name", "bad_section_name", "a section's name of 65 bytes") {
            $0.name = String(repeating: "n", count: 65)
        },
        section("unit-section-twice", "duplicate_section", "two sections of one name") { $0.name = "band" },
        section("unit-kind", "unknown_element_kind", "element kind 6") { $0.kind = .UNRECOGNIZED(6) },
        section("unit-filter", "unknown_filter", "filter 4") { $0.filter = .UNRECOGNIZED(4) },
        section("unit-filter-bytes", "unknown_filter", "single bytes transposed") {
            $0.kind = .elementBytes
            $0.filter = .transpose
        },
        section("unit-filter-decimal", "unknown_filter", "whole numbers with a decimal filter") {
            $0.kind = .elementInt64
            $0.filter = .decimal
        },
        section("unit-filter-decimals", "unknown_filter", "23 decimals") {
            $0.filter = .decimal
            $0.decimals = 23
        },
        section("unit-half-element", "not_whole_elements", "191 bytes of doubles") { $0.rawBytes = 191 },
        section("unit-section-huge", "too_large", "a section that declares 64 MiB and 8 bytes") {
            $0.rawBytes = 64 << 20 + 8
        },
        BadSample("unit-huge-together", "too_large", "five sections that declare 64 MiB each") {
            try Samples.forgedUnit { body in
                body.sections = (0..<5).map {
                    Samples.rawSection("s\($0)", .elementBytes, raw: 64 << 20, frame: Samples.zeros(blocks: 1))
                }
            }
        },
        BadSample("unit-many-sections", "too_many", "33 sections") {
            try Samples.forgedUnit { body in
                body.sections = (0..<33).map { Samples.rawSection("s\($0)", .elementBytes, raw: 1, frame: []) }
            }
        },
    ]

    private static func frame(
        _ name: String, _ code: String, _ why: String, kind: WireElementKind = .elementBytes, raw: UInt64,
        stored: Bool = false, filter: WireFilter = .none, _ frame: [UInt8]
    ) -> BadSample {
        BadSample(name, code, why) {
            try Samples.forgedUnit { body in
                body.sections[0] = Samples.rawSection("x", kind, raw: raw, frame: frame)
                body.sections[0].stored = stored
                body.sections[0].filter = filter
            }
        }
    }

    /// A frame with one raw block; `size` is the content size that it declares.
    private static func rawFrame(_ bytes: [UInt8], size: UInt8? = nil) -> [UInt8] {
        let header = UInt32(bytes.count) << 3 | 1
        return [0x28, 0xB5, 0x2F, 0xFD, 0x20, size ?? UInt8(bytes.count)]
            + [UInt8(truncatingIfNeeded: header), UInt8(truncatingIfNeeded: header >> 8), 0] + bytes
    }

    static let frameContents = [
        frame(
            "unit-bomb", "decompression_bomb", "declares 16 bytes, unfolds to 8 MiB", raw: 16, Samples.zeros(blocks: 64)
        ),
        frame(
            "unit-bomb-honest-frame", "decompression_bomb", "the frame says 5 bytes, the section 4", raw: 4,
            rawFrame([1, 2, 3, 4, 5])),
        frame(
            "unit-short", "size_mismatch", "the frame says 5 bytes, the section 6", raw: 6, rawFrame([1, 2, 3, 4, 5])),
        frame(
            "unit-short-unsaid", "size_mismatch", "declares more than comes out", raw: 131_073, Samples.zeros(blocks: 1)
        ),
        frame("unit-stored-size", "size_mismatch", "stored with another size", raw: 4, stored: true, [1, 2, 3]),
        frame(
            "unit-stored-filter", "unknown_filter", "stored, but transposed", kind: .elementInt32, raw: 4, stored: true,
            filter: .transpose, [1, 2, 3, 4]),
        frame(
            "unit-frame-lies", "bad_frame", "the frame says 9 bytes and holds 5", raw: 9,
            rawFrame([1, 2, 3, 4, 5], size: 9)),
        frame("unit-no-frame", "bad_frame", "no zstd frame", raw: 5, [1, 2, 3, 4, 5]),
        frame(
            "unit-frame-cut", "bad_frame", "a zstd frame without its last byte", raw: 5,
            rawFrame([1, 2, 3, 4, 5]).dropLast()),
        frame(
            "unit-frame-trailing", "bad_frame", "a byte behind the zstd frame", raw: 2, rawFrame([1, 2]) + [0]),
        frame("unit-two-frames", "bad_frame", "two zstd frames", raw: 4, rawFrame([1, 2]) + rawFrame([3, 4])),
        frame(
            "unit-skippable", "bad_frame", "a skippable zstd frame", raw: 0, [0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 9]),
        frame(
            "unit-not-utf8", "not_utf8", "text that is not UTF-8", kind: .elementUtf8, raw: 2, stored: true,
            [0xC3, 0x28]),
        frame(
            "unit-decimal-huge", "not_decimal", "a decimal number of 2^60", kind: .elementFloat64, raw: 8,
            filter: .decimal, rawFrame([0, 0, 0, 0, 0, 0, 0, 0x10])),
        BadSample("unit-wrong-dictionary", "wrong_dictionary", "needs a dictionary that is not given") {
            try GoldenTests.make("unit-dictionary")
        },
    ]

    static let results = [
        BadSample("result-cut", "truncated", "the last byte is missing") {
            Array(try ResultContainer.encode(try Samples.resultBody()).dropLast())
        },
        BadSample("result-no-unit", "out_of_range", "does not say which unit it answers") {
            var body = try Samples.resultBody()
            body.unitSha256 = Data()
            return Samples.frame(kind: 2, body: try body.serializedBytes())
        },
        BadSample("result-over-bound", "too_large", "declares 2 MiB where the unit allows 1 MiB") {
            var body = try Samples.resultBody()
            body.sections = [Samples.rawSection("x", .elementBytes, raw: 2 << 20, frame: Samples.zeros(blocks: 16))]
            return Samples.frame(kind: 2, body: try body.serializedBytes())
        },
        BadSample("result-over-bound-together", "too_large", "two sections declare 768 KiB each") {
            var body = try Samples.resultBody()
            body.sections = ["x", "y"].map {
                Samples.rawSection($0, .elementBytes, raw: 6 << 17, frame: Samples.zeros(blocks: 6))
            }
            return Samples.frame(kind: 2, body: try body.serializedBytes())
        },
    ]

    private static func table(
        _ name: String, _ code: String, _ why: String, rows: UInt64, _ columns: [(String, WireElementKind, [Double])]
    ) -> BadSample {
        BadSample(name, code, why) {
            var body = WireTableBody()
            body.rows = rows
            for (name, kind, values) in columns {
                body.sections.append(SectionCodec.stored(name: name, kind: kind, bytes: LittleEndian.bytes(of: values)))
            }
            return Samples.frame(kind: 3, body: try body.serializedBytes())
        }
    }

    static let inputs = [
        table("table-nan", "not_finite", "a column holds NaN", rows: 2, [("a", .elementFloat64, [1, .nan])]),
        table(
            "table-infinity", "not_finite", "a column holds infinity", rows: 1, [("a", .elementFloat64, [.infinity])]),
        table(
            "table-ragged", "size_mismatch", "columns of different length", rows: 2,
            [("a", .elementFloat64, [1, 2]), ("b", .elementFloat64, [1])]),
        table(
            "table-rows", "size_mismatch", "another number of rows than it says", rows: 3,
            [("a", .elementFloat64, [1, 2])]),
        table(
            "table-rows-huge", "too_large", "says that it has 2^60 rows", rows: 1 << 60, [("a", .elementFloat64, [1])]),
        table(
            "table-integers", "unknown_element_kind", "a column of integers", rows: 1, [("a", .elementInt64, [1])]),
        table(
            "table-names", "duplicate_section", "two columns of one name", rows: 1,
            [("a", .elementFloat64, [1]), ("a", .elementFloat64, [2])]),
        table("table-empty", "out_of_range", "no columns", rows: 0, []),
        BadSample("plain-name", "bad_section_name", "its section is not called data") {
            Samples.frame(
                kind: 4, body: try SectionCodec.stored(name: "file", kind: .elementBytes, bytes: [1]).serializedBytes())
        },
        BadSample("plain-doubles", "unknown_element_kind", "its section does not hold bytes") {
            Samples.frame(
                kind: 4,
                body: try SectionCodec.stored(name: "data", kind: .elementInt32, bytes: [1, 2, 3, 4]).serializedBytes())
        },
        BadSample("plain-bomb", "decompression_bomb", "declares 100 bytes, unfolds to 2 MiB") {
            Samples.frame(
                kind: 4,
                body: try Samples.rawSection("data", .elementBytes, raw: 100, frame: Samples.zeros(blocks: 16))
                    .serializedBytes())
        },
        BadSample("plain-too-large", "too_large", "declares more than the 1 MiB that is allowed here") {
            Samples.frame(
                kind: 4,
                body: try Samples.rawSection("data", .elementBytes, raw: 2 << 20, frame: Samples.zeros(blocks: 16))
                    .serializedBytes())
        },
    ]
}
