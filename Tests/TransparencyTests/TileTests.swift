import Bytes
import Domain
import Testing
import Transparency

/// Examples of c2sp.org/tlog-tiles.
@Suite struct TileTests {
    @Test func paths() {
        let cases: [(TilePath, String)] = [
            (TilePath(.hashes(level: 0), index: 1_234_067), "tile/0/x001/x234/067"),
            (TilePath(.entries, index: 1_234_067, width: 5), "tile/entries/x001/x234/067.p/5"),
            (TilePath(.hashes(level: 2), index: 0, width: 1), "tile/2/000.p/1"),
            (TilePath(.hashes(level: 7), index: 999, width: 255), "tile/7/999.p/255"),
            (TilePath(.entries, index: 1000), "tile/entries/x001/000"),
            (TilePath(.entries, index: 0), "tile/entries/000"),
        ]
        for (path, text) in cases {
            #expect(path.text == text)
            #expect(TilePath(text) == path)
        }
    }

    @Test func otherSpellingsAreRefused() {
        for bad in [
            "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/8/000",
            "tile/-1/000", "tile/0/x000/001", "tile/0/001/001", "tile/0/x001", "tile/0/x001/x001", "tile/0/000.p",
            "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/1/2", "tile/0/000.q/1",
            "/tile/0/000", "tile/0/000/", "tile/entry/000", "tile/0/../000", "tile/0/x001/../000", "checkpoint",
            "tile/0/" + String(repeating: "x999/", count: 20) + "999", "tile/0/0a0", "tile/0/\u{0661}00",
        ] {
            #expect(TilePath(bad) == nil, "\(bad)")
        }
    }

    /// A log of 70,000 leaves, and one of 256.
    @Test func shapesOfTheSpecification() {
        let size: Int64 = 70_000
        #expect(TileShape.levels(size: size) == 3)
        #expect(TileShape.hashes(at: 0, size: size) / 256 == 273 && TileShape.partialWidth(at: 0, size: size) == 112)
        #expect(TileShape.hashes(at: 1, size: size) / 256 == 1 && TileShape.partialWidth(at: 1, size: size) == 17)
        #expect(TileShape.hashes(at: 2, size: size) / 256 == 0 && TileShape.partialWidth(at: 2, size: size) == 1)
        #expect(TileShape.partialWidth(at: 0, size: 256) == 0 && TileShape.partialWidth(at: 1, size: 256) == 1)
        #expect(TileShape.levels(size: 0) == 0 && TileShape.levels(size: 1) == 1)
        #expect(TileShape.levels(size: LogLimits.sizeMax) == 8)
        #expect(TileShape.tile(.entries, index: 273, size: size)?.text == "tile/entries/273.p/112")
        #expect(TileShape.tile(.entries, index: 274, size: size) == nil)
        #expect(TileShape.tile(.hashes(level: 1), index: 0, size: size)?.text == "tile/1/000")
        #expect(TilePath(.hashes(level: 1), index: 1, width: 17).leaves == 65_536..<69_888)
    }

    @Test func bundles() throws {
        let entries: [[UInt8]] = [[], [7], [UInt8](repeating: 3, count: 300), [UInt8](repeating: 1, count: 65_535)]
        let bytes = try EntryBundle.bytes(of: entries)
        #expect(bytes.prefix(7) == [0, 0, 0, 1, 7, 1, 44])
        let reading = EntryBundle.read(bytes, width: 4)
        #expect(reading.entries.map { Array($0) } == entries && reading.rest == 0)
        #expect(EntryBundle.read(bytes, width: 2).entries.count == 2)
        for count in 0..<310 {
            let cut = EntryBundle.read(Array(bytes.prefix(count)), width: 4)
            #expect(cut.entries.count <= 3 && (cut.rest > 0 || [0, 2, 5, 307].contains(count)))
        }
        #expect(throws: Fault.self) { try EntryBundle.bytes(of: [[UInt8](repeating: 0, count: 65_536)]) }
    }
}
