import Bytes
import ClientCore
import Domain
import Wire

/// What a volunteer settles with a project: the team, which hosts there are, and whether they are named in public.
public enum VolunteerAccount {
    public enum Act: Hashable, Sendable {
        case show
        case foundTeam(String)
        case joinTeam(String)
        case leaveTeam
        case setShowsHosts(Bool)
        case makeLinkCode
        case listHosts
        case removeHost(HostID)
    }

    /// Asks the server that this folder's host is attached to; works beside a running client.
    ///
    /// - Parameter path: the project's folder.
    /// - Throws: `.configuration` when the host is attached nowhere; `.negative` when the server says no, `.noInput`
    ///   when there is no such team; what the transport throws.
    public static func perform(_ act: Act, folder path: String) throws(Fault) -> WireAccountReply {
        let (identity, key) = try ProjectDirectory.credentials(in: path)
        let transport = HTTPTransport(userAgent: "millrace-client/\(HostInventory.clientVersion)")
        let link = ServerLink(transport: transport, serverURL: identity.serverURL)
        let reply = try link.account(message(act), host: identity.host, key: key)
        guard reply.volunteerID > 0 else {
            throw CurlFailure.notMillrace(identity.serverURL, "the answer names no volunteer")
        }
        return reply
    }

    private static func message(_ act: Act) -> WireAccountRequest {
        var message = WireAccountRequest()
        switch act {
        case .show: message.action = .accountShow
        case .foundTeam(let name):
            message.action = .accountFoundTeam
            message.teamName = name
        case .joinTeam(let name):
            message.action = .accountJoinTeam
            message.teamName = name
        case .leaveTeam: message.action = .accountLeaveTeam
        case .setShowsHosts(let shows): message.action = shows ? .accountShowHosts : .accountHideHosts
        case .makeLinkCode: message.action = .accountLinkCode
        case .listHosts: message.action = .accountListHosts
        case .removeHost(let host):
            message.action = .accountRemoveHost
            message.hostID = UInt64(host.rawValue)
        }
        return message
    }

    /// For a terminal; names are a server's words.
    public static func lines(_ reply: WireAccountReply) -> [String] {
        let team = reply.teams.last { $0.untilMs == 0 }?.teamName
        var lines = [
            "volunteer  \(reply.volunteerName), number \(reply.volunteerID)",
            "credit     \(decimal(Double(reply.creditMicrocobblestones) / 1e6)) cobblestones",
            "recent     \(decimal(reply.recentAverage)) cobblestones per day",
            "team       \(team ?? "none")",
            "hosts      \(reply.showsHosts ? "named" : "not named") in the statistics files",
        ]
        if !reply.mayChange { lines.append("note       an older host of this account changes team and privacy") }
        lines += reply.teams.map { row in
            let end = row.untilMs == 0 ? "" : day(row.untilMs)
            return "  \(day(row.fromMs)) to \(end.isEmpty ? "now       " : end)  \(row.teamName)"
        }
        return lines
    }

    private static func day(_ ms: UInt64) -> String {
        UTCDay(Timestamp(milliseconds: Int64(clamping: ms))).description
    }

    static func decimal(_ value: Double) -> String {
        let milli = Int64((min(max(value.isFinite ? value : 0, 0), 9e15) * 1000).rounded())
        return "\(milli / 1000).\("\(1000 + milli % 1000)".dropFirst())"
    }
}
