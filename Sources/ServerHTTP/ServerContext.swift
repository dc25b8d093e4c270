import Hummingbird
import Logging
import NIOCore

/// What a request brings besides itself.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: (any Channel)?
    /// The address of the other end, without its port; behind a proxy that is trusted, whom the proxy speaks for.
    var peer: String
    /// The prefix of that address; see `NetworkPrefix`.
    var network: UInt64?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        peer = source.channel.remoteAddress?.ipAddress ?? "unknown"
        network = NetworkPrefix.of(peer)
    }
}
