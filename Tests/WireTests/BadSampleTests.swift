import Bytes
import Domain
import Foundation
import Testing
import Wire

/// Every file in `work-units/bad` is refused for the reason that stands beside its name in `reasons.txt`.
@Suite struct BadSampleTests {
    struct Line: Sendable, CustomStringConvertible {
        var file: String
        var code: String
        var description: String { file }
    }

    static let lines: [Line] = {
        let text = (try? SampleFolder.bytes(SampleFolder.bad, "reasons.txt")) ?? []
        return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", omittingEmptySubsequences: true)
            guard parts.count > 2, !line.hasPrefix("#") else { return nil }
            return Line(file: String(parts[0]), code: String(parts[1]))
        }
    }()

    @Test(.enabled(if: SampleFolder.isWriting)) func write() throws {
        var text = """
            # Files that must be refused, the reason's code (FORMAT.md, section 9), and what is wrong.
            # Units are checked with golden/public-key.txt, results and plain inputs with a limit of 1 MiB.

            """
        for sample in BadSample.all {
            try SampleFolder.write(try sample.make(), SampleFolder.bad, sample.name + ".bin")
            let file = (sample.name + ".bin").padding(toLength: 32, withPad: " ", startingAt: 0)
            let code = sample.code.padding(toLength: 22, withPad: " ", startingAt: 0)
            text += "\(file) \(code) \(sample.why)\n"
        }
        try SampleFolder.write(Array(text.utf8), SampleFolder.bad, "reasons.txt")
    }

    @Test(.disabled(if: SampleFolder.isWriting), arguments: lines)
    func isRefusedForItsOwnReason(line: Line) throws {
        let bytes = try SampleFolder.bytes(SampleFolder.bad, line.file)
        let error = #expect(throws: WireError.self) { try Self.decode(line.file, bytes) }
        #expect(error?.code == line.code)
    }

    @Test(.disabled(if: SampleFolder.isWriting))
    func everyFileHasAReasonAndEveryReasonAFile() throws {
        let files = try SampleFolder.names(SampleFolder.bad, ending: ".bin")
        #expect(files == Self.lines.map(\.file).sorted())
        #expect(files == BadSample.all.map { $0.name + ".bin" }.sorted())
        #expect(Set(Self.lines.map(\.code)).count >= 20)
    }

    /// As a client, a worker or a validator would.
    private static func decode(_ file: String, _ bytes: [UInt8]) throws {
        let limit = 1 << 20
        switch file.prefix(while: { $0 != "-" }) {
        case "unit":
            let body = try UnitContainer.decode(bytes, key: Samples.key.publicKey)
            for section in body.sections { _ = try SectionCodec.unpack(section, limit: Limits.sectionBytesMax) }
        case "result":
            let body = try ResultContainer.decode(bytes, limit: limit)
            for section in body.sections { _ = try SectionCodec.unpack(section, limit: limit) }
        case "table": _ = try TableContainer.decode(bytes)
        default: _ = try PlainContainer.decode(bytes, limit: limit)
        }
    }
}
