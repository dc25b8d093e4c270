import ClientCore
import Domain

/// Whether the network costs by the byte, by NetworkManager, of the connection that carries the default route.
package final class NetworkProbe: ProbeSource {
    package let kind = ProbeKind.network
    package let isSlow = true
    private let socket: String
    private static let manager = "org.freedesktop.NetworkManager"
    private static let limitSeconds = 2.0

    package init(roots: ProbeRoots) {
        socket = roots.systemBus
    }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        do throws(Fault) {
            let connection = try BusConnection(socket: socket, limitSeconds: Self.limitSeconds)
            let path = "/org/freedesktop/NetworkManager"
            let answer = try connection.call(
                BusCall(Self.manager, path, "\(BusConnection.bus).Properties", "Get", [Self.manager, "Metered"]))
            switch answer.first?.asUnsigned {
            case 1?, 3?: return .metered(true)
            case 2?, 4?: return .metered(false)
            default: return .unavailable("NetworkManager does not know")
            }
        } catch {
            return .unavailable(error.message)
        }
    }
}
