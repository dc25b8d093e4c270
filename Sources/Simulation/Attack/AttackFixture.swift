import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Wire

/// What all seeds share, since signing it anew would teach nothing: the project's key, the signed units of a batch, and
/// the registrations of hosts, signed and checked.
final class AttackFixture {
    private let key: SigningKey
    let spec: ProjectSpec
    let rule: AdaptiveRule
    let units: Int
    /// Whether tasks leave in order and without a lot: for plays that say themselves who computes what.
    let isInOrder: Bool
    private var split: JobEvent?
    private var names: [RegisterCall] = []

    static let app = "attacked"
    static let apps = ["\(app)/1"]
    static let start = Timestamp(seconds: 1_000_000)

    /// - Parameter acceptance: of the batch; the rule itself where it is adaptive.
    init(
        rule: AdaptiveRule, units: Int, acceptance: AcceptanceRule,
        isInOrder: Bool = false
    ) throws {
        guard let key = SigningKey(rawRepresentation: [UInt8](repeating: 9, count: 32)) else {
            throw StoreError.corrupt("the project's key")
        }
        self.key = key
        self.rule = rule
        self.units = units
        self.isInOrder = isInOrder
        spec = Self.spec(acceptance)
    }

    private static func spec(_ acceptance: AcceptanceRule) -> ProjectSpec {
        ProjectSpec(
            name: "attacked", title: "Attacked", description: "", scienceArea: "none", licence: "CC0-1.0",
            app: app, parameters: [], inputs: [InputFile(name: "table", path: "table", packing: .plain)],
            split: SplitRule(stepsPerUnit: 1),
            replication: ReplicationRule(
                quorum: 2, initial: acceptance.trustsSingle ? 1 : 2, maxTotal: 8, maxErrors: 4,
                deadline: TimeSpan(seconds: 1e6), acceptance: acceptance),
            resources: ResourceRule(
                flopsPerStep: nil, flopsBoundFactor: 10, memoryBytes: 1 << 16, diskBytes: 1 << 16,
                outputBytes: 1 << 10),
            validation: ValidationRule(checkEach: false, relativeTolerance: nil, absoluteTolerance: nil),
            credit: CreditRule(factor: 1))
    }

    /// - Parameter seed: of the server's secrets: with the same ones in every seed, a thousand seeds would measure the
    ///   luck of a few hosts with one set of lots.
    func server(_ blobs: any BlobStore, seed: UInt64) -> ProjectServer {
        var settings = ServerSettings(site: "Attack", resultsPath: "/results")
        settings.splitDrafts = units
        settings.readyUnitsMax = Int64(units) + 1
        // The head of the queue fits every host here.
        (settings.candidatesFirst, settings.candidatesMax) = (8, 4096)
        if isInOrder { settings.placesMax = 0 }
        let spec = spec
        let secret = HMACSHA256.code(
            for: LittleEndian.bytes(of: [Int64(bitPattern: seed)]), key: key.rawRepresentation)
        let keys = ServerKeys(project: key, secret: secret)
        return ProjectServer(settings: settings, keys: keys, blobs: blobs, spec: { _ in spec })
    }

    /// What the split job of the batch brings; the batch is the same in every seed but for its results.
    func split(_ job: ServerJob, by core: ProjectServer, now: Timestamp) throws -> JobEvent {
        if let split { return split }
        var reply = WireWorkerReply()
        reply.split.drafts = (0..<units).map { index in
            var draft = WireUnitDraftMessage()
            draft.label = "number \(index)"
            draft.flops = 4e11
            draft.sections = [
                SectionCodec.stored(
                    name: "number", kind: .elementInt64, bytes: LittleEndian.bytes(of: [Int64(index)]))
            ]
            return draft
        }
        reply.split.cursor = Data([1])
        reply.split.finished = true
        reply.split.appVersion = 1
        let event = try core.event(job, .reply(reply), board: JobBoard(), now: now)
        split = event
        return event
    }

    /// The registration of the volunteer with a number, checked as the server checks it.
    func registration(_ number: Int, by core: ProjectServer) throws -> RegisterCall {
        while names.count <= number {
            var request = WireRegisterRequest()
            var seed = [UInt8](repeating: 1, count: 28)
            seed += (0..<4).map { UInt8(truncatingIfNeeded: names.count >> (8 * $0)) }
            guard let key = SigningKey(rawRepresentation: seed) else { throw StoreError.corrupt("a host's key") }
            request.publicKey = Data(key.publicKey.rawRepresentation)
            request.volunteerName = "volunteer \(names.count)"
            request.profile = Self.profile
            let body = try StrictDecode.bytes(of: request)
            let path = "/v1/register"
            let signed = RequestSignature.message(method: "POST", path: path, sequence: 0, body: body)
            names.append(try core.checkRegister(request, body: body, path: path, signature: key.sign(signed)))
        }
        return names[number]
    }

    static let profile: WireHostProfileMessage = {
        var profile = WireHostProfileMessage()
        profile.name = "host"
        profile.platform = "x86_64-linux"
        profile.cores = 64
        profile.memoryBytes = 64 << 30
        profile.diskFreeBytes = 100 << 30
        profile.benchmarkFlopsPerSecond = 1e10
        profile.clientVersion = "attack"
        return profile
    }()
}
