import Bytes
import Domain
import Storage
import Wire

/// An account request whose fields are in bounds.
public struct AccountCall: Hashable, Sendable {
    public enum Action: Hashable, Sendable {
        case show
        case foundTeam(String)
        case joinTeam(String)
        case leaveTeam
        case setShowsHosts(Bool)
        /// The code was drawn by the edge.
        case makeLinkCode(LinkCode)
        case listHosts
        case removeHost(HostID)
    }

    public var action: Action
}

/// What a volunteer settles: the team, whether hosts are named in the statistics files, and which hosts there are.
extension ProjectServer {
    /// - Parameter draw: gives a link code that nobody can foresee.
    public func checkAccount(
        _ request: WireAccountRequest, draw: () -> LinkCode
    ) throws(RequestRefusal) -> AccountCall {
        func teamName() throws(RequestRefusal) -> String {
            try FieldCheck.name(request.teamName, field: "team_name", bytesMax: Limits.teamNameBytesMax)
            return request.teamName
        }
        let action: AccountCall.Action =
            switch request.action {
            case .accountShow: .show
            case .accountFoundTeam: .foundTeam(try teamName())
            case .accountJoinTeam: .joinTeam(try teamName())
            case .accountLeaveTeam: .leaveTeam
            case .accountShowHosts: .setShowsHosts(true)
            case .accountHideHosts: .setShowsHosts(false)
            case .accountLinkCode: .makeLinkCode(draw())
            case .accountListHosts: .listHosts
            case .accountRemoveHost: .removeHost(try hostID(request.hostID))
            case .UNRECOGNIZED(let number):
                throw RequestRefusal(.badRequest, "action is \(number), expected 0 to 8")
            }
        return AccountCall(action: action)
    }

    /// One signed request about a host's volunteer. A refused one changes nothing, not even the request number.
    public func account(
        _ call: AccountCall, host id: HostID, sequence: Int64, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Result<WireAccountReply, RequestRefusal> {
        guard let host = try tx.host(id), var volunteer = try tx.volunteer(host.volunteer) else {
            return .failure(RequestRefusal(.unknownHost, "there is no host \(id)", advice: "attach again"))
        }
        if let refusal = try removalRefusal(of: host, in: tx) { return .failure(refusal) }
        if let refusal = sequenceRefusal(sequence, of: host) { return .failure(refusal) }
        let manager = try manager(of: volunteer.id, caller: id, in: tx, now: now)
        if !call.action.isForEveryHost(id), let refusal = managingRefusal(id, manager) { return .failure(refusal) }
        var extra = WireAccountReply()
        switch call.action {
        case .show: break
        case .setShowsHosts(let shows):
            volunteer.showsHosts = shows
            try tx.updateVolunteer(volunteer)
        case .foundTeam(let name):
            if let refusal = try found(name, volunteer, in: tx, now: now) { return .failure(refusal) }
        case .joinTeam(let name):
            if let refusal = try join(name, volunteer, in: tx, now: now) { return .failure(refusal) }
        case .leaveTeam:
            guard try leave(volunteer, in: tx, now: now) else {
                return .failure(RequestRefusal(.wrongState, "this volunteer is in no team"))
            }
        case .makeLinkCode(let code):
            if let refusal = try make(code, for: volunteer.id, by: id, &extra, in: tx, now: now) {
                return .failure(refusal)
            }
        case .listHosts: extra.hosts = try hostEntries(of: volunteer.id, manager: manager, in: tx)
        case .removeHost(let other):
            if let manager, manager.older.contains(other), let refusal = absenceRefusal(id, manager) {
                return .failure(refusal)
            }
            if let refusal = try remove(other, of: volunteer.id, &extra, in: tx, now: now) { return .failure(refusal) }
        }
        // It may have been changed above.
        if var host = try tx.host(id) {
            host.sequence = sequence
            host.lastSeenAt = max(host.lastSeenAt, now)
            try tx.updateHost(host)
        }
        var reply = try reply(volunteer, mayChange: manager?.host == id, in: tx, now: now)
        (reply.linkCode, reply.linkExpiresMs) = (extra.linkCode, extra.linkExpiresMs)
        (reply.hosts, reply.tasksGivenBack) = (extra.hosts, extra.tasksGivenBack)
        return .success(reply)
    }

    private func found(
        _ name: String, _ volunteer: VolunteerRecord, in tx: any StoreTransaction, now: Timestamp
    ) throws -> RequestRefusal? {
        guard volunteer.credit > .zero else {
            return RequestRefusal(
                .wrongState, "only who has earned credit may found a team", advice: "wait for the first valid result")
        }
        guard try tx.team(named: name) == nil else {
            return RequestRefusal(
                .wrongState, "there is a team of this name", advice: "join it, or choose another name")
        }
        let recent = try tx.teams().filter { $0.founder == volunteer.id && isWithinDay($0.createdAt, now) }
        guard recent.count < Limits.teamsFoundedPerDayMax else {
            return RequestRefusal(
                .tooManyRequests, "\(recent.count) teams founded in 24 hours", advice: "wait a day")
        }
        if let refusal = try changeRefusal(volunteer, in: tx, now: now) { return refusal }
        let team = try tx.insertTeam { TeamRecord(id: $0, name: name, founder: volunteer.id, createdAt: now) }
        try enter(team.id, volunteer, in: tx, now: now)
        return nil
    }

    private func join(
        _ name: String, _ volunteer: VolunteerRecord, in tx: any StoreTransaction, now: Timestamp
    ) throws -> RequestRefusal? {
        guard let team = try tx.team(named: name) else {
            return RequestRefusal(.notFound, "there is no team of this name", advice: "found it, or check the spelling")
        }
        // A repeated request, whose reply was lost.
        if let last = try tx.memberships(of: volunteer.id).last, last.until == nil, last.team == team.id { return nil }
        if let refusal = try changeRefusal(volunteer, in: tx, now: now) { return refusal }
        try enter(team.id, volunteer, in: tx, now: now)
        return nil
    }

    private func changeRefusal(
        _ volunteer: VolunteerRecord, in tx: any StoreTransaction, now: Timestamp
    ) throws -> RequestRefusal? {
        let recent = try tx.memberships(of: volunteer.id).filter { isWithinDay($0.from, now) }
        guard recent.count >= Limits.membershipsPerDayMax else { return nil }
        return RequestRefusal(.tooManyRequests, "\(recent.count) teams joined in 24 hours", advice: "wait a day")
    }

    private func isWithinDay(_ moment: Timestamp, _ now: Timestamp) -> Bool {
        now - moment < TimeSpan(seconds: 86_400)
    }

    private func enter(
        _ team: TeamID, _ volunteer: VolunteerRecord, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        _ = try leave(volunteer, in: tx, now: now)
        let last = try tx.memberships(of: volunteer.id).last?.until
        let from = max(afterCredit(of: volunteer, now), last ?? now)
        try tx.insertMembership(Membership(volunteer: volunteer.id, team: team, from: from))
    }

    /// - Returns: whether there was a membership to close.
    func leave(_ volunteer: VolunteerRecord, in tx: any StoreTransaction, now: Timestamp) throws -> Bool {
        guard let last = try tx.memberships(of: volunteer.id).last, last.until == nil else { return false }
        try tx.closeMembership(of: volunteer.id, at: max(afterCredit(of: volunteer, now), last.from))
        return true
    }

    /// Now, or just after the latest credit where a clock was set back: what is counted stays where it is counted.
    private func afterCredit(of volunteer: VolunteerRecord, _ now: Timestamp) -> Timestamp {
        volunteer.credit == .zero ? now : max(now, volunteer.recent.at + TimeSpan(milliseconds: 1))
    }

    private func reply(
        _ volunteer: VolunteerRecord, mayChange: Bool, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WireAccountReply {
        var reply = WireAccountReply()
        reply.volunteerID = UInt64(volunteer.id.rawValue)
        reply.volunteerName = volunteer.name
        reply.creditMicrocobblestones = volunteer.credit.microcobblestones
        reply.recentAverage = volunteer.recent.perDay(now: now)
        reply.showsHosts = volunteer.showsHosts
        reply.mayChange = mayChange
        reply.teams = try memberships(of: volunteer.id, in: tx)
        return reply
    }

    /// The newest are enough for people; a request can begin ten a day.
    func memberships(of volunteer: VolunteerID, in tx: any StoreTransaction) throws -> [WireMembershipMessage] {
        try tx.memberships(of: volunteer).suffix(1000).map { membership in
            var row = WireMembershipMessage()
            row.teamID = UInt64(membership.team.rawValue)
            row.teamName = try tx.team(membership.team)?.name ?? ""
            row.fromMs = UInt64(max(0, membership.from.milliseconds))
            row.untilMs = membership.until.map { UInt64(max(1, $0.milliseconds)) } ?? 0
            return row
        }
    }
}
