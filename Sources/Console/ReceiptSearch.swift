import Domain
import Transparency
import Wire
import WorkerHost

/// What one receipt says: this server has this result of this host.
struct ReceiptClaim: Sendable {
    /// By the number that the host knows; the ledger has another place for it among the replicas of its unit.
    var task: TaskID
    var host: HostID
    var result: Digest
    var at: Timestamp
    var source: SignedReceipts

    /// A host has one task of a unit at most, so unit and host say which.
    var place: Place { Place(unit: task.unit, host: host) }

    struct Place: Hashable, Sendable {
        var unit: WorkUnitID
        var host: HostID
    }

    /// Those of a file that are for results, each task once. - Throws: `.badData` when one is not signed.
    static func read(_ path: String, limit: Int) throws(Fault) -> [ReceiptClaim] {
        var claims: [ReceiptClaim] = []
        var seen: Set<TaskID> = []
        for source in try SignedReceipts.read(file: try Files.read(path, limit: limit)) {
            let message = try source.verified()
            for receipt in message.receipts where receipt.isForResult {
                let task = TaskID(rawValue: Int64(clamping: receipt.taskID))
                guard let result = Digest(bytes: receipt.resultSha256), seen.insert(task).inserted else { continue }
                claims.append(
                    ReceiptClaim(
                        task: task, host: HostID(rawValue: Int64(clamping: message.hostID)), result: result,
                        at: Timestamp(milliseconds: Int64(clamping: receipt.atMs)), source: source))
            }
        }
        return claims
    }
}

/// What the ledger says of a receipt.
enum ReceiptStanding: Hashable, Sendable {
    /// The verdict on just this result stands there.
    case included(leaf: Int64)
    /// There is none yet, and it may still come.
    case pending(daysLeft: Double)
    /// It ought to be there.
    case missing(days: Double)
    /// There is a verdict on another result of the task.
    case contradicted(leaf: Int64, String)
    /// No release of the ledger has the key that signed the receipt.
    case foreign

    static let words = ["included", "pending", "missing", "contradicted", "foreign"]

    var word: String {
        switch self {
        case .included: "included"
        case .pending: "pending"
        case .missing: "missing"
        case .contradicted: "contradicted"
        case .foreign: "foreign"
        }
    }

    /// Whether it speaks against the ledger, or is no receipt of it.
    var isBad: Bool {
        switch self {
        case .included, .pending: false
        case .missing, .contradicted, .foreign: true
        }
    }

    var leaf: Int64? {
        switch self {
        case .included(let leaf), .contradicted(let leaf, _): leaf
        case .pending, .missing, .foreign: nil
        }
    }

    var text: String {
        switch self {
        case .included(let leaf): "included, leaf \(leaf)"
        case .pending(let left): "not yet; \(Self.days(left)) are left"
        case .missing(let days): "missing, \(Self.days(days)) after its receipt"
        case .contradicted(let leaf, let what): "contradicted: leaf \(leaf) tells of \(what)"
        case .foreign: "foreign: no project of this ledger has the key that signed it"
        }
    }

    private static func days(_ days: Double) -> String { "\(Amounts.fixed(days, decimals: 1)) days" }
}

/// Gathers from the ledger's leaves what tells of some tasks.
struct ReceiptSearch {
    /// The verdict on a task, and its leaf.
    struct Found {
        var index: Int64
        var bytes: [UInt8]
        var verdict: LoggedVerdict
    }

    private let wanted: Set<ReceiptClaim.Place>
    private(set) var found: [ReceiptClaim.Place: Found] = [:]
    private var keys: Set<[UInt8]> = []
    private var newest = Timestamp(milliseconds: 0)

    init(_ wanted: Set<ReceiptClaim.Place>) {
        self.wanted = wanted
    }

    mutating func look(at bytes: ArraySlice<UInt8>, _ index: Int64) {
        guard let leaf = try? LedgerLeaf(Array(bytes)) else { return }
        newest = max(newest, leaf.at)
        switch leaf.event {
        case .release(let release): keys.insert(release.key)
        case .verdict(let verdict):
            let place = ReceiptClaim.Place(unit: verdict.unit, host: verdict.host)
            if wanted.contains(place), found[place] == nil {
                found[place] = Found(index: index, bytes: Array(bytes), verdict: verdict)
            }
        default: break
        }
    }

    func standing(of claim: ReceiptClaim, days: Double) -> ReceiptStanding {
        guard keys.contains(claim.source.key) else { return .foreign }
        guard let found = found[claim.place] else {
            let age = (newest - claim.at).seconds / 86_400
            return age > days ? .missing(days: age) : .pending(daysLeft: days - age)
        }
        // Older leaves do not say which result was judged.
        if let basis = found.verdict.basis, basis.result != claim.result {
            return .contradicted(leaf: found.index, "the result \(basis.result.hex.prefix(16))")
        }
        return .included(leaf: found.index)
    }
}
