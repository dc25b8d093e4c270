/// An archive in the ustar format (POSIX.1-1988, "Extended tar Format"): the same files give the same bytes.
struct TarFile {
    private var bytes: [UInt8] = []
    private static let blockSize = 512

    /// - Parameter folder: ASCII, at most 155 bytes.
    /// - Parameter name: ASCII, at most 100 bytes.
    mutating func add(folder: String, name: String, bytes content: [UInt8]) {
        bytes += Self.header(folder: folder, name: name, size: content.count) + content
        let rest = content.count % Self.blockSize
        if rest > 0 { bytes += [UInt8](repeating: 0, count: Self.blockSize - rest) }
    }

    /// With the end of the archive: two empty blocks.
    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 2 * Self.blockSize) }

    private static func header(folder: String, name: String, size: Int) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: blockSize)
        func put(_ text: String, at offset: Int) {
            precondition(text.utf8.allSatisfy { $0 < 0x80 }, "names in archives are ASCII")
            header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
        }
        func octal(_ number: Int, digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
        }
        precondition(name.utf8.count <= 100 && folder.utf8.count <= 155, "a name is too long for an archive")
        put(name, at: 0)
        put(octal(0o644, digits: 7), at: 100)
        // Owner and group 0, the time 0.
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(folder, at: 345)
        let sum = header.reduce(0) { $0 + Int($1) }
        put(octal(sum, digits: 6), at: 148)
        header[154] = 0
        return header
    }
}
