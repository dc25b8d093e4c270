import Bytes
import Domain
import Releases
import Wire
import WorkerHost

/// What this computer believes of one project's releases, on its disk: the only judge of which program may be started.
///
/// For a program that metadata does not name, or does not name any more, or names in metadata that is too old, there is
/// no answer: it is not started. A damaged file stops the project's programs until a person has decided, since whoever
/// began anew could be shown old things again.
///
/// Any number of threads may ask; one at a time may refresh.
public struct ReleaseStore: Sendable {
    /// Holds the file `trusted`.
    public let folder: String
    public let project: VerifyingKey
    private static let bytesMax = 4 << 20

    /// - Parameter folder: of this project alone; made when it is not there.
    /// - Parameter project: its pinned key.
    public init(folder: String, project: VerifyingKey) {
        self.folder = folder
        self.project = project
    }

    private var file: String { "\(folder)/trusted" }

    /// What is believed; nil: nothing yet.
    ///
    /// - Throws: `.configuration` for a damaged file, or one of another project.
    public func trusted() throws(Fault) -> TrustedReleases? {
        guard Files.exists(file) else { return nil }
        let bytes = try Files.read(file, limit: Self.bytesMax)
        do throws(ReleaseRefusal) { return try TrustedReleases(stored: bytes, project: project) } catch {
            throw Fault(
                .configuration, "\(file) is damaged: \(error.reason)",
                advice: "Programs of this project are not started. Restore the file from a copy; or detach and attach "
                    + "anew, after you compared the fingerprint of the project's root.")
        }
    }

    /// Which file is version `version` of an app on this computer, by believed metadata, or why none is.
    ///
    /// - Parameter platforms: in order of preference; this computer's own and `any` unless given; modules: `["wasm"]`.
    /// - Throws: as `trusted`.
    public func program(
        app: String, version: String, platforms: [String] = [HostInventory.platform, "any"], now: Timestamp
    ) throws(Fault) -> Result<ReleasedProgram, ReleaseDenial> {
        guard let trusted = try trusted() else {
            return .failure(ReleaseDenial(.noReleases, "the project has published no releases of apps"))
        }
        return trusted.program(app: app, version: version, platforms: platforms, now: now)
    }

    /// How a refresh ended.
    public enum Round: Sendable {
        /// All is believed as the server has it now.
        case believed(TrustedReleases)
        /// The project publishes no releases.
        case none
        /// Something was refused; what was believed before still is, until it is too old.
        case refused(ReleaseRefusal)
        /// The server did not answer, or not as it should; the same holds.
        case unreached(Fault)

        /// For people; nil: nothing is wrong.
        public var trouble: String? {
            switch self {
            case .believed, .none: nil
            case .refused(let refusal): "\(refusal)"
            case .unreached(let fault): fault.message
            }
        }
    }

    /// Asks the server for news, believes what may be believed, and keeps it.
    ///
    /// - Parameter read: `ReleaseFetcher.read`, or what a test puts in its place.
    /// - Throws: for this computer's disk only, and as `trusted`.
    public func refresh(
        now: Timestamp, _ read: (ReleaseUpdate.Want) throws(Fault) -> [UInt8]?
    ) throws(Fault) -> Round {
        let before = try trusted()
        let (round, trusted) = try self.round(now: now, read)
        // Also after a refusal: what was accepted before it must never be taken back.
        if let trusted, trusted != before { try keep(trusted) }
        return round
    }

    /// Such a round, of which nothing is kept yet.
    func round(
        now: Timestamp, _ read: (ReleaseUpdate.Want) throws(Fault) -> [UInt8]?
    ) throws(Fault) -> (Round, TrustedReleases?) {
        let before = try trusted()
        var update = ReleaseUpdate(project: project, trusted: before, startedAt: now)
        var round: Round
        do throws(Fault) {
            let refusal = try update.run(read)
            round = refusal.map { .refused($0) } ?? update.trusted.map { .believed($0) } ?? .none
            if refusal?.kind == .missing, update.trusted == nil, refusal?.file == ReleaseFile.anchor.name {
                round = .none
            }
        } catch { round = .unreached(error) }
        return (round, update.trusted)
    }

    func keep(_ trusted: TrustedReleases) throws(Fault) {
        try Files.makeFolder(folder)
        try Files.replace(file, with: trusted.stored, mode: 0o600)
    }
}

/// Fetches release files from a server, no more of each than may be believed.
public struct ReleaseFetcher: Sendable {
    private let transport: HTTPTransport
    private let serverURL: String

    /// - Parameter serverURL: without a final slash.
    public init(transport: HTTPTransport, serverURL: String) {
        self.transport = transport
        self.serverURL = serverURL
    }

    /// - Returns: nil when the server says that there is no such file.
    public func read(_ want: ReleaseUpdate.Want) throws(Fault) -> [UInt8]? {
        let url = "\(serverURL)/v1/releases/\(want.file.name)"
        // A byte more than allowed reaches the verifier, which refuses it; the transport cuts off what has no end.
        let answer = try transport.perform(
            HTTPRequest(
                method: "GET", url: url, responseBytesMax: max(want.bytesMax + 1, Limits.messageBytesMax * 2)))
        if answer.status == 200, !answer.isWebPage { return answer.body }
        if answer.status == 404, answer.errorReply?.code == "not_found" { return nil }
        guard answer.status >= 400 else {
            throw CurlFailure.notMillrace(url, "status \(answer.status) instead of release metadata")
        }
        throw answer.refusal(url: url)
    }
}
