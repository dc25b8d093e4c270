/// A key, as far as anybody asks for it.
package enum TopKey: Hashable, Sendable {
    case character(Character)
    case up, down, pageUp, pageDown, home, end
    case enter, escape
    /// Ctrl-C, and the end of the input.
    case quit
    /// Ctrl-Z.
    case suspend
    /// Ctrl-L.
    case redraw
}

/// Makes keys of the bytes that a terminal sends; a key may come in several reads.
package struct TopKeyReader: Hashable, Sendable {
    private var pending: [UInt8] = []
    /// No sequence that is meant is longer.
    private static let sequenceMax = 16

    package init() {}

    /// Whether a lone escape waits for more: when nothing comes, it was the key itself.
    package var isWaiting: Bool { !pending.isEmpty }

    /// Nothing more has come for a while.
    package mutating func settle() -> [TopKey] {
        defer { pending = [] }
        return pending == [0x1B] ? [.escape] : []
    }

    package mutating func take(_ bytes: some Sequence<UInt8>) -> [TopKey] {
        bytes.compactMap { take($0) }
    }

    private mutating func take(_ byte: UInt8) -> TopKey? {
        guard pending.isEmpty else { return goOn(byte) }
        switch byte {
        case 0x1B:
            pending = [byte]
            return nil
        case 0x03, 0x04: return .quit
        case 0x1A: return .suspend
        case 0x0C: return .redraw
        case 0x0D, 0x0A: return .enter
        case 0x20..<0x7F: return .character(Character(Unicode.Scalar(byte)))
        // Others mean nothing here; bytes of UTF-8 are dropped one by one.
        default: return nil
        }
    }

    /// In a sequence: ESC [ parameters final, or ESC O final.
    private mutating func goOn(_ byte: UInt8) -> TopKey? {
        if byte == 0x1B {
            pending = [byte]
            return .escape
        }
        pending.append(byte)
        if pending.count == 2 {
            if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") { return nil }
            // Alt and a key.
            pending = []
            return nil
        }
        let isFinal = (0x40...0x7E).contains(byte)
        guard isFinal || pending.count >= Self.sequenceMax else { return nil }
        defer { pending = [] }
        return Self.key(String(decoding: pending.dropFirst(2), as: UTF8.self))
    }

    private static func key(_ sequence: String) -> TopKey? {
        switch sequence {
        case "A": .up
        case "B": .down
        case "H", "1~", "7~": .home
        case "F", "4~", "8~": .end
        case "5~": .pageUp
        case "6~": .pageDown
        default: nil
        }
    }
}
