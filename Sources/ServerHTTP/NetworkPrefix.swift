import Bytes
import Domain
import Glibc
import Synchronization

/// Which network an address belongs to, as far as a stranger can tell: the first 24 bits of an IPv4 address, the first
/// 48 of an IPv6 address, which is what one site is usually given (RFC 6177).
package enum NetworkPrefix {
    /// - Parameter address: as text, IPv4 or IPv6.
    /// - Returns: nil for addresses of this machine: a proxy on it speaks for everybody.
    package static func of(_ address: String) -> UInt64? {
        var v4 = in_addr()
        if inet_pton(AF_INET, address, &v4) == 1 { return withUnsafeBytes(of: v4) { prefix(v4: Array($0)) } }
        var v6 = in6_addr()
        let bare = address.split(separator: "%").first.map(String.init) ?? ""
        guard inet_pton(AF_INET6, bare, &v6) == 1 else { return nil }
        return withUnsafeBytes(of: v6) { prefix(v6: Array($0)) }
    }

    /// Under which name an address is limited: an IPv4 address is itself; of IPv6 the first 64 bits count, for whoever
    /// has one such address has all that begin alike (RFC 4291).
    package static func holder(_ address: String) -> String {
        guard address.contains(":") else { return address }
        var v6 = in6_addr()
        let bare = address.split(separator: "%").first.map(String.init) ?? ""
        guard inet_pton(AF_INET6, bare, &v6) == 1 else { return address }
        let bytes = withUnsafeBytes(of: v6) { Array($0) }
        if bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255] {
            return bytes[12...].map { String($0) }.joined(separator: ".")
        }
        return Hex.encode(Array(bytes.prefix(8))) + "/64"
    }

    package static func isAddress(_ text: String) -> Bool {
        var v4 = in_addr()
        var v6 = in6_addr()
        return inet_pton(AF_INET, text, &v4) == 1 || inet_pton(AF_INET6, text, &v6) == 1
    }

    /// - Parameter bytes: 4, in network order.
    package static func prefix(v4 bytes: [UInt8]) -> UInt64? {
        guard bytes.count == 4, bytes[0] != 127 else { return nil }
        return bytes.prefix(3).reduce(4) { $0 << 8 | UInt64($1) }
    }

    /// - Parameter bytes: 16, in network order.
    package static func prefix(v6 bytes: [UInt8]) -> UInt64? {
        guard bytes.count == 16 else { return nil }
        if bytes.prefix(10).allSatisfy({ $0 == 0 }) {
            // ::1 is this machine; ::ffff:a.b.c.d is IPv4 on an IPv6 socket.
            return bytes[10] == 255 && bytes[11] == 255 ? prefix(v4: Array(bytes[12...])) : nil
        }
        return bytes.prefix(6).reduce(6) { $0 << 8 | UInt64($1) }
    }
}

/// From where each host called last. In memory only: addresses are nobody's business for longer than that.
final class NetworkBook: Sendable {
    private static let hostsMax = 1_000_000
    private let known = Mutex<[HostID: UInt64]>([:])

    func note(_ host: HostID, _ network: UInt64?) {
        known.withLock { known in
            if known.count >= Self.hostsMax, known[host] == nil { known.removeAll() }
            known[host] = network
        }
    }

    func network(of host: HostID) -> UInt64? { known.withLock { $0[host] } }
}
