import ClientCore
import Domain
import Wire

/// The volunteer's computers at a project: a code with which a further one joins, a list, and the end of one.
public enum VolunteerHosts {
    /// What is said of a new code.
    ///
    /// - Parameter nowMs: by this host's clock; the span is said, so that a wrong clock says nothing wrong.
    /// - Throws: `.protocolError` when the answer holds no code.
    public static func codeLines(
        _ reply: WireAccountReply, serverURL: String
    ) throws(Fault) -> [String] {
        guard let code = LinkCode(reply.linkCode) else {
            throw CurlFailure.notMillrace(serverURL, "the answer holds no link code")
        }
        let minutes = Int(Limits.linkCodeSeconds / 60)
        return [
            "code  \(code)", "use   millrace-client attach \(serverURL) --link \(code)",
            "note  good once, for \(minutes) minutes; a new code ends the one before",
        ]
    }

    /// A table of the hosts that may call.
    ///
    /// - Parameter own: this host's number.
    /// - Parameter nowMs: milliseconds since 1970.
    public static func lines(_ reply: WireAccountReply, own: HostID, nowMs: Int64) -> [String] {
        let rows = reply.hosts.map { host in
            var marks: [String] = []
            if Int64(clamping: host.hostID) == own.rawValue { marks.append("this computer") }
            if host.manages { marks.append("manages the account") }
            if host.tasksOut > 0 { marks.append("\(host.tasksOut) tasks out") }
            return [
                "\(host.hostID)", host.name, ago(nowMs - Int64(clamping: host.lastSeenMs)),
                VolunteerAccount.decimal(Double(host.creditMicrocobblestones) / 1e6), marks.joined(separator: ", "),
            ]
        }
        let table = [["host", "name", "last contact", "credit", ""]] + rows
        let widths = (0..<5).map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { row in
            let cells = row.enumerated().map { column, cell in
                cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }

    /// What is said once a host was removed.
    public static func removedLines(_ reply: WireAccountReply, _ host: HostID) -> [String] {
        [
            "host \(host) was removed: its calls are refused from now on",
            "\(reply.tasksGivenBack) tasks that it had went back to the queue",
            "results that it has finished and not reported are not taken any more; its credit stays yours",
        ]
    }

    private static func ago(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds) / 1000
        switch seconds {
        case ..<120: return "now"
        case ..<7200: return "\(seconds / 60) minutes ago"
        case ..<172_800: return "\(seconds / 3600) hours ago"
        default: return "\(seconds / 86_400) days ago"
        }
    }
}
