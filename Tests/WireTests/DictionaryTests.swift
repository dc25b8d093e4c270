import Bytes
import Domain
import Foundation
import Testing
import Wire

@Suite struct DictionaryTests {
    /// A payload of some 180 bytes as a splitter makes thousands of them.
    static func payload(_ index: Int) -> [UInt8] {
        let ratios = (0..<12).map { Double($0 + 12 * (index / 32)) * -2.1e-18 }
        let band = Double(index % 32) * 8
        return LittleEndian.bytes(of: ratios + [band, band + 8, 524_288, 0.05])
            + LittleEndian.bytes(of: [20, 8_388_608, Int64(index)]) + Array("{\"epoch\":\"mean\",\"top\":20}".utf8)
    }

    @Test func smallPayloadsShrinkByAThird() throws {
        let dictionary = try DictionaryTrainer.train(samples: (0..<500).map(Self.payload), bytesMax: 4096)
        #expect(dictionary.count <= 4096)
        #expect(DictionaryTrainer.number(of: dictionary) != 0)
        // Others than those it was trained with.
        var (plain, trained) = (0, 0)
        for index in 500..<1000 {
            let bytes = Self.payload(index)
            plain += try SectionCodec.pack(name: "p", kind: .elementBytes, bytes: bytes).data.count
            let section = try SectionCodec.pack(name: "p", kind: .elementBytes, bytes: bytes, dictionary: dictionary)
            trained += section.data.count
            #expect(try SectionCodec.unpack(section, limit: 200, dictionary: dictionary) == bytes)
        }
        #expect(trained * 3 < plain * 2, "\(trained) bytes with, \(plain) without a dictionary")
    }

    @Test func otherDictionariesAreRefused() throws {
        let one = try DictionaryTrainer.train(samples: (0..<300).map(Self.payload), bytesMax: 2048)
        let two = try DictionaryTrainer.train(samples: (300..<900).map(Self.payload), bytesMax: 2048)
        try #require(one != two)
        let section = try SectionCodec.pack(
            name: "p", kind: .elementBytes, bytes: Self.payload(5), dictionary: one)
        for wrong in [nil, two, []] as [[UInt8]?] {
            #expect(throws: WireError.wrongDictionary(section: "p")) {
                try SectionCodec.unpack(section, limit: 200, dictionary: wrong)
            }
        }
    }

    @Test func theHashBindsDictionaryAndUnit() throws {
        let dictionary = try DictionaryTrainer.train(samples: (0..<300).map(Self.payload), bytesMax: 2048)
        var body = try Samples.unitBody()
        body.dictionarySha256 = Data(SHA256Hash.digest(of: dictionary).bytes)
        try UnitContainer.checkDictionary(dictionary, for: body)
        var wrong = dictionary
        wrong[wrong.count - 1] ^= 1
        #expect(throws: WireError.hashMismatch) { try UnitContainer.checkDictionary(wrong, for: body) }
        let large = [UInt8](repeating: 0, count: Limits.dictionaryBytesMax + 1)
        #expect(throws: WireError.tooLarge(field: "dictionary", limit: Limits.dictionaryBytesMax)) {
            try UnitContainer.checkDictionary(large, for: body)
        }
    }

    @Test func tooLittleTrainsNothing() {
        #expect(throws: WireError.self) { try DictionaryTrainer.train(samples: []) }
        #expect(throws: WireError.self) { try DictionaryTrainer.train(samples: [[1, 2, 3]]) }
    }

    @Test func trainingIsRepeatable() throws {
        let samples = (0..<200).map(Self.payload)
        #expect(try DictionaryTrainer.train(samples: samples) == DictionaryTrainer.train(samples: samples))
    }
}
