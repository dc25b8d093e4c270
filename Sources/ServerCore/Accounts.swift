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
    }

    public var action: Action
}

/// What a volunteer settles: the team, and whether hosts are named in the statistics files.
extension ProjectServer {
    public func checkAccount(_ request: WireAccountRequest) throws(RequestRefusal) -> AccountCall {
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
            case .UNRECOGNIZED(let number):
                throw RequestRefusal(.badRequest, "action is \(number), expected 0 to 5")
            }
        return AccountCall(action: action)
    }

    /// One signed request about a host's volunteer. A refused one changes nothing, not even the request number.
    public func account(
        _ call: AccountCall, host id: HostID, sequence: Int64, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Result<WireAccountReply, RequestRefusal> {
        guard var host = try tx.host(id), var volunteer = try tx.volunteer(host.volunteer) else {
            return .failure(RequestRefusal(.unknownHost, "there is no host \(id)", advice: "attach again"))
        }
        if let refusal = sequenceRefusal(sequence, of: host) { return .failure(refusal) }
        let speaker = try speaker(for: volunteer.id, in: tx, now: now)
        if call.action != .show, speaker != id {
            return .failure(
                RequestRefusal(
                    .wrongState, "host \(speaker ?? id) speaks for this account, not host \(id)",
                    advice: "run the command on that computer: it has been here longest"))
        }
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
        }
        host.sequence = sequence
        try tx.updateHost(host)
        return .success(try reply(volunteer, mayChange: speaker == id, in: tx, now: now))
    }

    /// The host whose requests may change an account: the oldest that has called within a month.
    ///
    /// Anybody may register a host under any name, which only adds to that account. A younger host must not be able to
    /// lead the account, and with it the credit to come, into another team.
    private func speaker(for volunteer: VolunteerID, in tx: any StoreTransaction, now: Timestamp) throws -> HostID? {
        let away = TimeSpan(seconds: 30.0 * 86_400)
        let hosts = try tx.hosts(of: volunteer)
        return (hosts.first { now - $0.lastSeenAt <= away } ?? hosts.max { $0.lastSeenAt < $1.lastSeenAt })?.id
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
    private func leave(_ volunteer: VolunteerRecord, in tx: any StoreTransaction, now: Timestamp) throws -> Bool {
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
        // The newest are enough for people; a request can begin ten a day.
        for membership in try tx.memberships(of: volunteer.id).suffix(1000) {
            var row = WireMembershipMessage()
            row.teamID = UInt64(membership.team.rawValue)
            row.teamName = try tx.team(membership.team)?.name ?? ""
            row.fromMs = UInt64(max(0, membership.from.milliseconds))
            row.untilMs = membership.until.map { UInt64(max(1, $0.milliseconds)) } ?? 0
            reply.teams.append(row)
        }
        return reply
    }
}
