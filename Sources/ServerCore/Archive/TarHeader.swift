import Bytes
import Storage

/// The 512 bytes in front of a file in a tar archive (POSIX.1-1988, "ustar"): names of up to 100 bytes, sizes below
/// 8 GiB.
struct TarHeader: Hashable {
    var name: String
    var size: Int64

    static let blockBytes = 512
    private static let sizeMax: Int64 = 1 << 33

    /// Zeros that fill the last block of a file.
    static func padding(_ size: Int64) -> Int {
        (blockBytes - Int(size % Int64(blockBytes))) % blockBytes
    }

    func encoded() throws -> [UInt8] {
        guard 1...99 ~= name.utf8.count, 0..<Self.sizeMax ~= size else {
            throw StoreError.conflict("\(name) with \(size) bytes does not fit into an archive")
        }
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ text: String, at place: Int) {
            block.replaceSubrange(place..<place + text.utf8.count, with: text.utf8)
        }
        put(name, at: 0)
        put("0000444", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(Self.octal(size, digits: 11), at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(Self.octal(Int64(block.reduce(0) { $0 + Int($1) }), digits: 6), at: 148)
        block[154] = 0
        return block
    }

    /// - Returns: nil for a block of zeros, which ends an archive. - Throws: `StoreError.corrupt`.
    init?(_ block: [UInt8]) throws {
        if block.allSatisfy({ $0 == 0 }) { return nil }
        var summed = block
        summed.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
        guard block.count == Self.blockBytes, Self.number(block[148..<156]) == summed.reduce(0, { $0 + Int64($1) }),
            Array(block[257..<262]) == Array("ustar".utf8), block[156] == 0x30,
            let size = Self.number(block[124..<136])
        else { throw StoreError.corrupt("an archive holds a damaged header") }
        name = String(decoding: block[..<100].prefix { $0 != 0 }, as: UTF8.self)
        self.size = size
    }

    init(name: String, size: Int64) {
        self.name = name
        self.size = size
    }

    private static func octal(_ value: Int64, digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
        let digits = field.prefix { 0x30...0x37 ~= $0 }
        return digits.isEmpty ? nil : Int64(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
