import Bytes
import Domain
import ServerCore
import Storage
import Testing
import Wire

@Suite("A dictionary for small payloads")
struct DictionaryTests {
    private static func recipe(_ index: Int) -> String {
        "{\"ligand\": \"ZINC\(100_000 + index * 7919)\", \"receptor\": \"1pgp\", \"box\": {\"centre\": [12.5, 3.25, "
            + "-7.125], \"size\": [20, 20, 20]}, \"exhaustiveness\": 8, \"modes\": 9, \"seed\": \(index * 31 + 7), "
            + "\"scoring\": \"vina\", \"cpu\": 1}"
    }

    @Test("Many small units that are alike share a dictionary, and unpack to what the splitter made")
    func shared() throws {
        let site = try TestSite(units: 240) { $0.splitDrafts = 240 }
        site.unitText = Self.recipe
        let batch = try site.submit()
        try site.work()
        let input = try #require(try inputs(site, batch).first { $0.name == UnitDictionary.inputName })
        let dictionary = try site.blobs.read(input.digest, limit: Limits.dictionaryBytesMax)
        var bytes = 0
        var packed = 0
        for (index, container) in try containers(site, batch).enumerated() {
            let body = try UnitContainer.decodeUnverified(container)
            #expect(Digest(bytes: body.dictionarySha256) == input.digest)
            #expect(!body.inputs.contains { $0.name == UnitDictionary.inputName })
            let section = try #require(body.sections.first { $0.name == "text" })
            let raw = try SectionCodec.unpack(section, limit: 4096, dictionary: dictionary)
            #expect(String(decoding: raw, as: UTF8.self) == Self.recipe(index))
            bytes += raw.count
            packed += section.data.count
        }
        #expect(packed * 3 < bytes, "\(packed) of \(bytes) bytes")
    }

    @Test("Few units, and units that have nothing in common, get none")
    func refused() throws {
        for (count, text) in [(20, Self.recipe), (200, Self.noise)] as [(Int, (Int) -> String)] {
            let site = try TestSite(units: count) { $0.splitDrafts = 240 }
            site.unitText = text
            let batch = try site.submit()
            try site.work()
            #expect(try inputs(site, batch).allSatisfy { $0.name != UnitDictionary.inputName })
            for container in try containers(site, batch) {
                #expect(try UnitContainer.decodeUnverified(container).dictionarySha256.isEmpty)
            }
        }
    }

    /// Hexadecimal digits without any pattern.
    private static func noise(_ index: Int) -> String {
        var generator = SeededGenerator(seed: UInt64(index))
        return Hex.encode((0..<40).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } })
    }

    private func inputs(_ site: TestSite, _ batch: BatchID) throws -> [InputReference] {
        try #require(try site.store.transaction { try $0.batch(batch) }).inputs
    }

    private func containers(_ site: TestSite, _ batch: BatchID) throws -> [[UInt8]] {
        let units = try site.store.transaction { try $0.workUnits(of: batch, fromIndex: 0, limit: 1000) }
        return try units.map { try site.blobs.read($0.unit.container, limit: Limits.workUnitBytesMax) }
    }
}
