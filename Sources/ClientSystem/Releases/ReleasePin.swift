import Bytes
import CPosix
import Domain
import Releases

/// A project's releases as they are believed at the moment of attaching: from then on, a root follows only from a root.
struct ReleasePin {
    /// nil: the project has published none, or none that can be believed.
    var trusted: TrustedReleases?
    /// Why none is believed, or not the newest; nil: nothing is wrong.
    var trouble: String?

    /// Asks the server, and keeps nothing.
    ///
    /// - Parameter store: what this computer believes already; its folder need not be there.
    static func look(_ store: ReleaseStore, serverURL: String, transport: HTTPTransport) -> ReleasePin {
        let now = Timestamp(milliseconds: millrace_wall_milliseconds())
        let fetcher = ReleaseFetcher(transport: transport, serverURL: serverURL)
        do throws(Fault) {
            let (round, trusted) = try store.round(now: now, fetcher.read)
            return ReleasePin(trusted: trusted, trouble: round.trouble)
        } catch { return ReleasePin(trouble: error.message) }
    }
}
