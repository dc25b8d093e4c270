import Bytes
import Domain
import Engine
import Storage
import Transparency
import Wire

/// Which hosts a volunteer has: codes with which further ones join, a list of them, and the end of their authority.
extension ProjectServer {
    /// The host that speaks for an account.
    struct Manager {
        var host: HostID
        /// Those that have been here longer, and are silent. While there are any, it may be that they do not know of
        /// this one.
        var older: [HostID]
    }

    /// The host whose requests may change an account: the oldest that has called within a month.
    ///
    /// Whoever sees a link code over a shoulder, or guesses one, brings a host that computes for somebody else's
    /// account, and nothing more: it cannot lead the account into another team, read what is kept of the volunteer, or
    /// erase it. After a month of silence of the older hosts it speaks for the account, but can never do what cannot be
    /// taken back: `absenceRefusal`.
    ///
    /// - Parameter caller: a host of the volunteer that calls just now.
    func manager(
        of volunteer: VolunteerID, caller: HostID, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Manager? {
        let away = TimeSpan(seconds: 30.0 * 86_400)
        let hosts = try tx.hosts(of: volunteer).filter { $0.removedAt == nil }
        guard let at = hosts.firstIndex(where: { $0.id == caller || now - $0.lastSeenAt <= away }) else { return nil }
        return Manager(host: hosts[at].id, older: hosts[..<at].map(\.id))
    }

    func managingRefusal(_ host: HostID, _ manager: Manager?) -> RequestRefusal? {
        guard manager?.host != host else { return nil }
        return RequestRefusal(
            .wrongState, "host \(manager?.host ?? host) speaks for this account, not host \(host)",
            advice: "run the command on that computer: it has been here longest")
    }

    /// Why a host may not erase or export the account, nor remove hosts that are older than itself; nil: it may.
    func absenceRefusal(_ host: HostID, _ manager: Manager?) -> RequestRefusal? {
        if let refusal = managingRefusal(host, manager) { return refusal }
        guard let oldest = manager?.older.first else { return nil }
        return RequestRefusal(
            .wrongState, "host \(oldest) has been here longer than host \(host), though it has not called for a month",
            advice: "run the command on that computer; when it is gone for good, ask the project")
    }

    /// Why a host may not call any more; nil: it may.
    func removalRefusal(of host: HostRecord, in tx: any StoreTransaction) throws -> RequestRefusal? {
        guard host.removedAt != nil else { return nil }
        if try tx.volunteer(host.volunteer)?.erasedAt != nil {
            return RequestRefusal(
                .erased, "the volunteer of host \(host.id) was erased at their own wish",
                advice: "detach with --force; attaching anew begins a new account")
        }
        return RequestRefusal(
            .hostRemoved, "host \(host.id) was removed by its volunteer, or has left",
            advice: "detach with --force; to come back, attach anew with a link code")
    }

    /// The key that must have signed a request of this host, or why it may not call.
    public func caller(_ id: HostID, in tx: any StoreTransaction) throws -> Result<[UInt8], RequestRefusal> {
        guard let host = try tx.host(id) else {
            return .failure(RequestRefusal(.unknownHost, "there is no host \(id)", advice: "attach again"))
        }
        if let refusal = try removalRefusal(of: host, in: tx) { return .failure(refusal) }
        return .success(host.publicKey)
    }

    func hostID(_ number: UInt64) throws(RequestRefusal) -> HostID {
        guard let raw = Int64(exactly: number), raw > 0 else {
            throw RequestRefusal(.badRequest, "host_id is \(number), which is no host number")
        }
        return HostID(rawValue: raw)
    }

    // MARK: Link codes

    /// A new code is good, all before it are not: one at a time keeps what there is to guess small.
    func make(
        _ code: LinkCode, for volunteer: VolunteerID, by host: HostID, _ reply: inout WireAccountReply,
        in tx: any StoreTransaction, now: Timestamp
    ) throws -> RequestRefusal? {
        let codes = try tx.linkCodes(of: volunteer)
        let recent = codes.filter { now - $0.createdAt < TimeSpan(seconds: 86_400) }
        guard recent.count < Limits.linkCodesPerDayMax else {
            return RequestRefusal(
                .tooManyRequests, "\(recent.count) link codes in 24 hours", advice: "wait a day")
        }
        let digest = keys.digest(of: code)
        // Once in a million millions; the same code must not be good for two.
        guard try tx.linkCode(digest) == nil else {
            return RequestRefusal(.unavailable, "this code is taken", advice: "ask again")
        }
        try tx.removeLinkCodes(of: volunteer, before: now + TimeSpan(seconds: -Limits.linkCodesKeptSeconds))
        for var old in try tx.linkCodes(of: volunteer) where old.usedBy == nil && old.expiresAt > now {
            old.expiresAt = now
            try tx.updateLinkCode(old)
        }
        let expires = now + TimeSpan(seconds: Limits.linkCodeSeconds)
        try tx.insertLinkCode(
            LinkCodeRecord(digest: digest, volunteer: volunteer, host: host, createdAt: now, expiresAt: expires))
        reply.linkCode = "\(code)"
        reply.linkExpiresMs = UInt64(max(0, expires.milliseconds))
        return nil
    }

    /// The volunteer whom a host joins with a code. Wrong, used and expired codes get one answer.
    func volunteer(
        joinedWith code: LinkCode, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Result<LinkCodeRecord, RequestRefusal> {
        guard let record = try tx.linkCode(keys.digest(of: code)), record.usedBy == nil, record.expiresAt > now,
            record.createdAt <= now, try tx.volunteer(record.volunteer)?.erasedAt == nil
        else {
            return .failure(
                RequestRefusal(
                    .badLinkCode, "the link code is wrong, was used, or has expired",
                    advice: "ask for a new one with `millrace-client link` on a computer that is attached already"))
        }
        return .success(record)
    }

    // MARK: The list, and its end

    func hostEntries(
        of volunteer: VolunteerID, manager: Manager?, in tx: any StoreTransaction
    ) throws -> [WireHostEntry] {
        try tx.hosts(of: volunteer).filter { $0.removedAt == nil }.prefix(Limits.hostsPerListMax).map { host in
            var entry = WireHostEntry()
            entry.hostID = UInt64(host.id.rawValue)
            entry.name = host.profile.name
            entry.createdMs = UInt64(max(0, host.createdAt.milliseconds))
            entry.lastSeenMs = UInt64(max(0, host.lastSeenAt.milliseconds))
            entry.creditMicrocobblestones = host.credit.microcobblestones
            entry.tasksOut = UInt32(clamping: try tx.sentTasks(of: host.id).count)
            entry.manages = host.id == manager?.host
            return entry
        }
    }

    /// Ends a host's authority. What it holds goes back to the queue at once; results that it has finished and not
    /// reported are taken no more, and others compute them. Repeated, it changes nothing.
    func remove(
        _ id: HostID, of volunteer: VolunteerID, _ reply: inout WireAccountReply, in tx: any StoreTransaction,
        now: Timestamp
    ) throws -> RequestRefusal? {
        // Whose another host is, is nobody's business.
        guard let host = try tx.host(id), host.volunteer == volunteer else {
            return RequestRefusal(
                .notFound, "this volunteer has no host \(id)", advice: "`millrace-client hosts` lists them")
        }
        guard host.removedAt == nil else { return nil }
        reply.tasksGivenBack = UInt64(try giveBack(of: id, why: "the host was removed", in: tx, now: now))
        try change(id, in: tx) { $0.removedAt = now }
        try log(.adminAct(PublicLog.removal(of: id)), in: tx, now: now)
        return nil
    }

    /// Tasks that are out at a host go back to the queue. - Returns: how many.
    func giveBack(of host: HostID, why: String, in tx: any StoreTransaction, now: Timestamp) throws -> Int {
        let out = try tx.sentTasks(of: host)
        for task in out {
            let error = TaskError(at: now, code: .givenBack, message: why)
            _ = try apply(.taskFailed(task.id, host: host, error), toUnit: task.id.unit, in: tx, now: now)
        }
        return out.count
    }

    func change(_ id: HostID, in tx: any StoreTransaction, _ body: (inout HostRecord) -> Void) throws {
        guard var host = try tx.host(id) else { throw StoreError.missing("host \(id)") }
        body(&host)
        try tx.updateHost(host)
    }
}

extension AccountCall.Action {
    /// What each host may do for itself: look at the account, and leave.
    func isForEveryHost(_ host: HostID) -> Bool {
        switch self {
        case .show: true
        case .removeHost(let other): other == host
        case .foundTeam, .joinTeam, .leaveTeam, .setShowsHosts, .makeLinkCode, .listHosts: false
        }
    }
}

extension PublicLog {
    /// Acts of volunteers. Which host is whose is not public, so an act names the one or the other.
    static let volunteerActor = "volunteer"

    static func removal(of host: HostID) -> LoggedAdminAct {
        LoggedAdminAct(actor: volunteerActor, act: "remove", object: "host \(host)")
    }

    static func erasure(of volunteer: VolunteerID, by actor: String) -> LoggedAdminAct {
        LoggedAdminAct(actor: actor, act: "erase", object: "volunteer \(volunteer)")
    }
}
