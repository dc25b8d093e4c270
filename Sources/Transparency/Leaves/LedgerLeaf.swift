import Bytes
import Domain

/// What the log says of one event: the content of one leaf. `work-units/LEDGER.md` describes the bytes.
public struct LedgerLeaf: Hashable, Sendable {
    public var at: Timestamp
    public var event: Event

    public enum Event: Hashable, Sendable {
        case verdict(LoggedVerdict)
        case credit(LoggedCredit)
        case adminAct(LoggedAdminAct)
        case release(LoggedRelease)
        case rows(LoggedRows)
    }

    public init(at: Timestamp, event: Event) {
        self.at = at
        self.event = event
    }

    /// The task that it is about; nil for admin acts, releases and rows.
    public var task: TaskID? {
        switch event {
        case .verdict(let verdict): verdict.task
        case .credit(let credit): credit.task
        case .adminAct, .release, .rows: nil
        }
    }
}

/// A result was judged.
public struct LoggedVerdict: Hashable, Sendable {
    /// Names its work unit and batch as well.
    public var task: TaskID
    public var host: HostID
    public var outcome: Verdict.Outcome
    /// The SHA-256 of the reason's UTF-8 bytes; the reason itself is not public.
    public var reason: Digest
    /// The task of the same unit whose result was accepted; nil when there is none.
    public var canonical: TaskID?
    /// What was judged; nil in leaves of kind 1, as the first versions wrote them.
    public var basis: Basis?

    /// What a verdict rests on.
    public struct Basis: Hashable, Sendable {
        /// The SHA-256 of the result that was judged.
        public var result: Digest
        /// The task of the same unit that it was compared with; nil when its check alone decided.
        public var comparedWith: TaskID?
        /// Binds what else the server keeps of the task; opaque to everybody who has not its key.
        public var seal: Digest

        public init(result: Digest, comparedWith: TaskID?, seal: Digest) {
            self.result = result
            self.comparedWith = comparedWith
            self.seal = seal
        }
    }

    public init(
        task: TaskID, host: HostID, outcome: Verdict.Outcome, reason: Digest, canonical: TaskID?, basis: Basis? = nil
    ) {
        self.task = task
        self.host = host
        self.outcome = outcome
        self.reason = reason
        self.canonical = canonical
        self.basis = basis
    }

    public var unit: WorkUnitID { task.unit }

    /// The digest of a reason.
    public static func digest(ofReason reason: String) -> Digest { SHA256Hash.digest(of: Array(reason.utf8)) }
}

/// Credit moved from one account to another.
public struct LoggedCredit: Hashable, Sendable {
    /// Why it moved. Nothing is ever edited: what was given for the time being becomes final, or void, by an entry.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// Given for the time being.
        case provisional = 1
        /// Given for good.
        case final = 2
        /// Taken back.
        case void = 3
    }

    /// An account of the ledger.
    public enum Account: Hashable, Sendable {
        /// What a project has issued.
        case project(String)
        /// What a host has for good.
        case host(HostID)
        /// What a host has for the time being.
        case provisional(HostID)
    }

    /// The number of the ledger's entry, from 1 without gaps.
    public var number: Int64
    public var kind: Kind
    /// The account that gives.
    public var debit: Account
    /// The account that receives.
    public var credit: Account
    /// More than zero.
    public var amount: Credit
    public var task: TaskID

    public init(number: Int64, kind: Kind, debit: Account, credit: Account, amount: Credit, task: TaskID) {
        self.number = number
        self.kind = kind
        self.debit = debit
        self.credit = credit
        self.amount = amount
        self.task = task
    }
}

/// Somebody who runs the server did something.
public struct LoggedAdminAct: Hashable, Sendable {
    /// Who: the name of a token, for example `admin`. 1 ... 64 bytes.
    public var actor: String
    /// What, in a word: for example `cancel`. 1 ... 64 bytes.
    public var act: String
    /// On what: for example `batch 7`. 1 ... 256 bytes.
    public var object: String

    public init(actor: String, act: String, object: String) {
        self.actor = actor
        self.act = act
        self.object = object
    }
}

/// A project's batch was accepted: from now on its work units are signed with this key.
public struct LoggedRelease: Hashable, Sendable {
    /// 1 ... 64 bytes.
    public var project: String
    /// The SHA-256 of the manifest's bytes.
    public var manifest: Digest
    /// 1 ... 256 bytes.
    public var app: String
    /// 1 or more.
    public var version: Int
    /// The project's Ed25519 public key, 32 bytes.
    public var key: [UInt8]

    public init(project: String, manifest: Digest, app: String, version: Int, key: [UInt8]) {
        self.project = project
        self.manifest = manifest
        self.app = app
        self.version = version
        self.key = key
    }
}

/// What the server has written down and will never change: a seal for each row, so that it cannot be edited in silence.
public struct LoggedRows: Hashable, Sendable {
    public enum Table: UInt8, Hashable, Sendable, CaseIterable {
        case batch = 1
        case workUnit = 2
    }

    public var table: Table
    /// The number of the first row; the others follow it without gaps.
    public var first: Int64
    /// 1 ... `countMax`.
    public var seals: [Digest]

    public static let countMax = 1024

    public init(table: Table, first: Int64, seals: [Digest]) {
        self.table = table
        self.first = first
        self.seals = seals
    }
}

/// Why bytes are no leaf, or a value cannot be one.
public enum LeafRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case version(UInt8)
    case kind(UInt8)
    /// The name of the field.
    case field(String)
    case truncated
    case trailingBytes(Int)

    public var description: String {
        switch self {
        case .version(let version): "version \(version) of the leaf's format, which is not known here"
        case .kind(let kind): "a leaf of kind \(kind), which is not known here"
        case .field(let name): "the leaf's field `\(name)` is out of its range"
        case .truncated: "the leaf ends too early"
        case .trailingBytes(let count): "\(count) bytes follow the leaf"
        }
    }
}
