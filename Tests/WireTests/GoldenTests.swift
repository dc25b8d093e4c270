import Bytes
import Domain
import Foundation
import Testing
import Wire

/// The samples in `work-units/golden` decode to what their `.json` says, today as on the day they were made. They are
/// not encoded again byte for byte: signatures may be randomised, and another zstd may compress otherwise.
@Suite struct GoldenTests {
    static let names = ["unit", "unit-dictionary", "unit-program", "result", "table", "plain"]

    static func make(_ name: String) throws -> [UInt8] {
        switch name {
        case "unit": return try Samples.unit()
        case "unit-dictionary":
            let dictionary = try Samples.dictionary()
            var body = try Samples.unitBody()
            body.dictionarySha256 = Data(SHA256Hash.digest(of: dictionary).bytes)
            body.sections = [
                try SectionCodec.pack(
                    name: "payload", kind: .elementBytes, bytes: DictionaryTests.payload(77), dictionary: dictionary)
            ]
            return try UnitContainer.encode(body, key: Samples.key)
        case "unit-program": return try UnitContainer.encode(try Samples.programBody(), key: Samples.key)
        case "result": return try ResultContainer.encode(try Samples.resultBody())
        case "table": return try TableContainer.encode(Samples.table(rows: 40))
        default: return try PlainContainer.encode(Samples.plain)
        }
    }

    static func text(_ name: String, _ bytes: [UInt8]) throws -> String {
        switch name {
        case "unit", "unit-program": try GoldenText.unit(bytes)
        case "unit-dictionary":
            try GoldenText.unit(
                bytes, dictionary: try SampleFolder.bytes(SampleFolder.golden, "dictionary.zdict"))
        case "result": try GoldenText.result(bytes)
        case "table": try GoldenText.table(bytes)
        default: try GoldenText.plain(bytes)
        }
    }

    @Test(.enabled(if: SampleFolder.isWriting)) func write() throws {
        let folder = SampleFolder.golden
        try SampleFolder.write(
            Array("\(Hex.encode(Samples.key.publicKey.rawRepresentation))\n".utf8), folder, "public-key.txt")
        try SampleFolder.write(try Samples.dictionary(), folder, "dictionary.zdict")
        for name in Self.names {
            let bytes = try Self.make(name)
            try SampleFolder.write(bytes, folder, name + ".bin")
            try SampleFolder.write(Array(try Self.text(name, bytes).utf8), folder, name + ".json")
        }
    }

    @Test(.disabled(if: SampleFolder.isWriting), arguments: names)
    func decodesToItsText(name: String) throws {
        let bytes = try SampleFolder.bytes(SampleFolder.golden, name + ".bin")
        let text = String(decoding: try SampleFolder.bytes(SampleFolder.golden, name + ".json"), as: UTF8.self)
        #expect(try Self.text(name, bytes) == text)
    }

    @Test(.disabled(if: SampleFolder.isWriting))
    func holdWhatTheSamplesSay() throws {
        let folder = SampleFolder.golden
        let unit = try UnitContainer.decode(
            try SampleFolder.bytes(folder, "unit.bin"), key: Samples.key.publicKey)
        #expect(unit.label == "200-208 Hz, ratios 0-23")
        #expect(unit.flops == 2.4e11)
        let ratios = try SectionCodec.unpack(unit.sections[1], limit: 1000)
        #expect(LittleEndian.doubles(from: ratios) == Samples.ratios)
        #expect(
            try TableContainer.decode(try SampleFolder.bytes(folder, "table.bin")) == Samples.table(rows: 40))
        #expect(
            try PlainContainer.decode(try SampleFolder.bytes(folder, "plain.bin"), limit: 100) == Samples.plain)
    }

    /// No file without a test, no key but the one that is printed there.
    @Test(.disabled(if: SampleFolder.isWriting))
    func theFolderIsComplete() throws {
        #expect(try SampleFolder.names(SampleFolder.golden, ending: ".bin") == Self.names.map { $0 + ".bin" }.sorted())
        let key = String(decoding: try SampleFolder.bytes(SampleFolder.golden, "public-key.txt"), as: UTF8.self)
        #expect(key == Hex.encode(Samples.key.publicKey.rawRepresentation) + "\n")
    }
}
