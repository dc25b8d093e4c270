import Domain
import Glibc

/// What systemd's manager of this account gives to programs that it starts now.
///
/// It may start the client with the login, before there is a desktop; and a client that outlives a session has in its
/// own environment what was right for that. Desktops tell the manager where they are
/// (`dbus-update-activation-environment --systemd`).
package struct X11Session {
    /// `DISPLAY`; empty: there is none.
    package let display: String
    /// `XAUTHORITY`; nil: the file that XCB finds.
    package let authority: String?
    package let isWayland: Bool

    private static let manager = "org.freedesktop.systemd1"
    private static let limitSeconds = 1.0

    /// Asks; waits for a few seconds at most.
    ///
    /// - Parameter bus: the socket of the account's own bus.
    /// - Throws: what `BusConnection` throws.
    package init(bus: String) throws(Fault) {
        let connection = try BusConnection(socket: bus, limitSeconds: Self.limitSeconds)
        let call = BusCall(
            Self.manager, "/org/freedesktop/systemd1", "\(BusConnection.bus).Properties", "Get",
            ["\(Self.manager).Manager", "Environment"])
        let variables = try connection.call(call).first?.elements ?? []
        let value = { (name: String) in
            variables.compactMap(\.asString).first { $0.hasPrefix("\(name)=") }?.dropFirst(name.utf8.count + 1) ?? ""
        }
        display = String(value("DISPLAY"))
        let authority = String(value("XAUTHORITY"))
        self.authority = authority.isEmpty ? nil : authority
        isWayland = !value("WAYLAND_DISPLAY").isEmpty
    }
}

/// What a server asks of whoever connects, out of a file that `XAUTHORITY` names. For a file of which this process was
/// not told at its start: XCB looks for it in the environment, which must not be changed while threads run.
package enum X11Cookie {
    package static let kind = "MIT-MAGIC-COOKIE-1"
    private static let fileBytesMax = 1 << 16
    /// Families of addresses: a name of this computer, and any address.
    private static let (local, wild) = (256, 65_535)

    /// - Returns: nil when the file has none for this display.
    package static func read(file path: String, display: String) -> [UInt8]? {
        var host = [CChar](repeating: 0, count: 256)
        _ = gethostname(&host, host.count - 1)
        let number = display.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        return ProbeFile.bytes(path, limit: fileBytesMax).flatMap {
            find(
                in: $0, number: Array(number.prefix { $0 != "." }.utf8),
                host: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
        }
    }

    /// Entries are a family and four texts: address, number of the display, kind, cookie; each text has its length
    /// before it, and numbers are of two bytes, the larger one first.
    package static func find(in bytes: [UInt8], number: [UInt8], host: [UInt8]) -> [UInt8]? {
        var left = bytes[...]
        func half() -> Int? {
            guard left.count >= 2 else { return nil }
            return Int(left.removeFirst()) * 256 + Int(left.removeFirst())
        }
        func text() -> ArraySlice<UInt8>? {
            guard let count = half(), count <= left.count else { return nil }
            defer { left = left.dropFirst(count) }
            return left.prefix(count)
        }
        while let family = half(), let address = text(), let display = text(), let kind = text(), let cookie = text() {
            guard family == wild || family == local && address.elementsEqual(host) else { continue }
            guard display.isEmpty || display.elementsEqual(number), kind.elementsEqual(Self.kind.utf8) else { continue }
            return Array(cookie)
        }
        return nil
    }
}
