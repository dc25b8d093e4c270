import CPosix
import ClientCore
import Domain
import Glibc

/// When somebody last typed into a terminal: the access times of those on which somebody is logged in, by utmp, or, as
/// newer systems keep no utmp, of all pseudo terminals.
///
/// The kernel moves these times in steps of eight seconds. Terminals that programs feed, not people, count like others.
package final class TerminalProbe: ProbeSource {
    package let kind = ProbeKind.terminals
    private let dev: String
    private let utmpPath: String
    private static let utmpBytesMax = 1 << 20
    private static let terminalsMax = 4096

    package init(roots: ProbeRoots) {
        dev = roots.dev
        utmpPath = roots.utmp
    }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        let logins = ProbeFile.bytes(utmpPath, limit: Self.utmpBytesMax).map(Self.lines)
        let names: [String]
        if let logins, !logins.isEmpty {
            names = logins
        } else if let terminals = ProbeFile.names(in: "\(dev)/pts", limit: Self.terminalsMax) {
            // The multiplexer is no terminal.
            names = terminals.filter { Int($0) != nil }.map { "pts/\($0)" }
        } else {
            return .unavailable("there is neither \(utmpPath) nor \(dev)/pts")
        }
        let idle = names.compactMap { AccessTime.idleMilliseconds("\(dev)/\($0)", now: now) }.min()
        return idle.map { .idle(milliseconds: $0) } ?? .unavailable("nobody is logged in on a terminal")
    }

    /// Names under `/dev` of the terminals of those who are logged in. Records of one display (`:0`) name none.
    package static func lines(utmp bytes: [UInt8]) -> [String] {
        let size = MemoryLayout<utmp>.size
        guard let lineAt = MemoryLayout<utmp>.offset(of: \.ut_line),
            let typeAt = MemoryLayout<utmp>.offset(of: \.ut_type)
        else { return [] }
        return stride(from: 0, to: bytes.count - size + 1, by: size).compactMap { start in
            let type = UInt16(bytes[start + typeAt]) | UInt16(bytes[start + typeAt + 1]) << 8
            guard type == UInt16(USER_PROCESS) else { return nil }
            let line = bytes[(start + lineAt)..<(start + lineAt + 32)].prefix { $0 != 0 }
            // utmp may be written by more than root: it must not lead us out of /dev.
            let isName = line.allSatisfy { byte in
                switch UInt8(byte) {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
            return isName && !line.isEmpty ? String(decoding: line, as: UTF8.self) : nil
        }
    }
}

/// What the time of the last access to a device says.
enum AccessTime {
    /// A clock that was set back makes times of the future; by so much it may only be inexact.
    private static let futureMilliseconds: Int64 = 60_000

    /// Milliseconds since the last access; nil when there is no such file, or its time is one of the future.
    static func idleMilliseconds(_ path: String, now: Timestamp) -> Int64? {
        ProbeFile.status(path).flatMap { idleMilliseconds($0, now: now) }
    }

    static func idleMilliseconds(_ status: stat, now: Timestamp) -> Int64? {
        let idle = now.milliseconds - status.st_atim.milliseconds
        return idle < -futureMilliseconds ? nil : max(0, idle)
    }
}
