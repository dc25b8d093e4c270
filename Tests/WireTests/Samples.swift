import Bytes
import Domain
import Foundation
import SwiftProtobuf
import Wire

/// Values with fixed content, for all tests and for the files in `work-units/golden` and `work-units/bad`.
enum Samples {
    /// The secret key of the samples: 32 bytes, 1 to 32. Good for nothing else.
    static let key = SigningKey(rawRepresentation: (1...32).map { UInt8($0) })!
    static let otherKey = SigningKey(rawRepresentation: [UInt8](repeating: 7, count: 32))!
    static let band: [Double] = [200, 208]
    static let ratios: [Double] = (0..<24).map { Double($0) * -2.1e-18 }
    static let counts: [Int32] = [20, 8_388_608, -1]
    static let note = "Grüße: a label in UTF-8"

    static func section(_ name: String, _ kind: WireElementKind, _ bytes: [UInt8]) throws -> WireSection {
        try SectionCodec.pack(name: name, kind: kind, bytes: bytes)
    }

    static func unitBody() throws -> WireWorkUnitBody {
        var body = WireWorkUnitBody()
        body.unitID = UInt64(WorkUnitID(batch: BatchID(rawValue: 1), index: 25).rawValue)
        body.project = "gamma-pulsar"
        body.label = "200-208 Hz, ratios 0-23"
        body.app = "gamma-pulsar"
        body.appVersion = 1
        body.flops = 2.4e11
        body.flopsBound = 2.4e13
        body.memoryBytes = 256 << 20
        body.diskBytes = 64 << 20
        body.outputBytesMax = 1 << 20
        var input = WireInputRef()
        input.name = "photons"
        input.sha256 = Data(SHA256Hash.digest(of: try TableContainer.encode(table())).bytes)
        input.size = UInt64(try TableContainer.encode(table()).count)
        input.packing = "table"
        body.inputs = [input]
        body.sections = [
            try section("band", .elementFloat64, LittleEndian.bytes(of: band)),
            try section("ratios", .elementFloat64, LittleEndian.bytes(of: ratios)),
            try section("counts", .elementInt32, LittleEndian.bytes(of: counts)),
            try section("note", .elementUtf8, Array(note.utf8)),
        ]
        return body
    }

    /// A unit of a project's own program.
    static func programBody() throws -> WireWorkUnitBody {
        var body = try unitBody()
        body.label = "steps-0400-0499"
        body.app = "executable"
        body.program.name = "solver"
        body.program.version = "1.0"
        body.program.arguments = ["--order", "4"]
        body.sections = [
            try section(
                "parameters.json", .elementUtf8,
                Array("{\"label\": \"steps-0400-0499\", \"first\": 400, \"count\": 100}\n".utf8))
        ]
        return body
    }

    static func forgedProgramUnit(_ change: (inout WireWorkUnitBody) throws -> Void) throws -> [UInt8] {
        try forgedUnit { body in
            body = try programBody()
            try change(&body)
        }
    }

    static func unit() throws -> [UInt8] { try UnitContainer.encode(unitBody(), key: key) }

    static func resultBody() throws -> WireResultBody {
        let unit = try unitBody()
        var random = SeededGenerator(seed: 42)
        let powers = (0..<200).map { _ in Float(random.nextUnit()) }
        var body = WireResultBody()
        body.unitID = unit.unitID
        body.unitSha256 = Data([UInt8](repeating: 0x5A, count: 32))
        body.app = unit.app
        body.appVersion = unit.appVersion
        body.sections = [
            try section("frequency_hz", .elementFloat64, LittleEndian.bytes(of: [205.530_699_1, 201.25, 207.999])),
            try section("power", .elementFloat32, LittleEndian.bytes(of: powers)),
            try section("index", .elementInt64, LittleEndian.bytes(of: [Int64](0..<100))),
            try section("empty", .elementBytes, []),
        ]
        return body
    }

    /// Three columns like those of the photon table.
    static func table(rows: Int = 300) -> Table {
        var random = SeededGenerator(seed: 7)
        let times = (0..<rows).map { Double($0) * 31_000 + Double(random.nextIndex(below: 300_000_000)) / 1e7 }
        let weights = (0..<rows).map { _ in Double(random.nextIndex(below: 1_000_000)) / 1e6 }
        let noise = (0..<rows).map { _ in random.nextUnit() }
        return Table(names: ["time_s", "weight", "noise"], columns: [times, weights, noise])!
    }

    static func dictionary() throws -> [UInt8] {
        try DictionaryTrainer.train(samples: (0..<500).map(DictionaryTests.payload), bytesMax: 2048)
    }

    static let plain = Array("Any file at all, for example this text, this text, this text.\n".utf8)

    // MARK: Containers that the encoders would refuse to make

    static func frame(kind: UInt8, version: UInt16 = 1, reserved: UInt8 = 0, body: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.put(bytes: [0x89, 0x4D, 0x4C, 0x0A])
        writer.put(u8: kind)
        writer.put(u8: reserved)
        writer.put(u16: version)
        writer.put(u64: UInt64(body.count))
        writer.put(bytes: body)
        return writer.bytes
    }

    static func signed(_ bytes: [UInt8], context: String = "millrace-workunit-v1\n") -> [UInt8] {
        bytes + key.sign(Array(context.utf8) + bytes)
    }

    /// A unit with a correct signature, whatever its body says.
    static func forgedUnit(_ change: (inout WireWorkUnitBody) throws -> Void) throws -> [UInt8] {
        var body = try unitBody()
        try change(&body)
        return signed(frame(kind: 1, body: try body.serializedBytes()))
    }

    /// A zstd frame of `blocks` blocks of 128 KiB zeros, 4 bytes each, that does not say how large its content is.
    static func zeros(blocks: Int) -> [UInt8] {
        let head: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58]
        return head
            + (0..<blocks).flatMap { index -> [UInt8] in [index + 1 == blocks ? 0x03 : 0x02, 0x00, 0x10, 0x00] }
    }

    static func rawSection(_ name: String, _ kind: WireElementKind, raw: UInt64, frame: [UInt8]) -> WireSection {
        var section = WireSection()
        section.name = name
        section.kind = kind
        section.rawBytes = raw
        section.data = Data(frame)
        return section
    }
}
