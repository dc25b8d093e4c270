import Bytes
import Domain
import Foundation
import Testing
import Wire

/// Files that people compressed: frames written out here byte for byte, and the one of a project.
@Suite struct ZstdFileTests {
    /// A frame of one raw block with a size of one byte (RFC 8878, section 3.1.1).
    private func frame(_ content: [UInt8], declared: UInt8? = nil) -> [UInt8] {
        let size = UInt32(content.count) << 3 | 1
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, declared ?? UInt8(content.count)]
        frame.append(UInt8(size & 255))
        frame.append(UInt8(size >> 8 & 255))
        frame.append(UInt8(size >> 16))
        return frame + content
    }

    @Test func oneFrameIsUnpacked() throws {
        let text = Array("as it was".utf8)
        #expect(try ZstdFile.unpack(frame(text), limit: 9) == text)
        #expect(try ZstdFile.unpack(frame([]), limit: 0) == [])
    }

    @Test func anythingElseIsRefused() {
        let good = frame([1, 2, 3])
        #expect(throws: WireError.tooLarge(field: "file", limit: 2)) { try ZstdFile.unpack(good, limit: 2) }
        let bads: [[UInt8]] = [
            [], [1, 2, 3], Array(good.dropLast()), good + [0], good + good, frame([1, 2], declared: 3),
        ]
        for bad in bads {
            #expect(throws: WireError.badFrame(section: "file")) { try ZstdFile.unpack(bad, limit: 100) }
        }
        // No single segment, a window of 1 KiB, no size: as from a pipe.
        let unsized: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x19, 0x00, 0x00, 1, 2, 3]
        #expect(throws: WireError.outOfRange(field: "size of the zstd frame")) {
            try ZstdFile.unpack(unsized, limit: 100)
        }
    }

    @Test func theDigitsAreTheOnesOfTheirReadme() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let packed = try Data(contentsOf: root.appending(path: "projects/gram-matrix/input/digits.npy.zst"))
        let file = try ZstdFile.unpack(Array(packed), limit: 4 << 20)
        #expect(file.count == 5000 * 784 + 128)
        let readme = try String(contentsOf: root.appending(path: "projects/gram-matrix/README.md"), encoding: .utf8)
        #expect(readme.contains(SHA256Hash.digest(of: file).hex))
    }
}
