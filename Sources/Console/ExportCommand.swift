import Domain
import Wire
import WorkerHost

/// `millrace export credit --by KEY [--from DAY] [--to DAY] [--format csv|json] [--out FILE]`.
public struct CreditExportCommand: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        case csv, json
    }

    /// By what credit is summed.
    public enum Key: String, Sendable, CaseIterable {
        case volunteer, host, team, project, day
    }

    private let client: ServerClient
    private let key: Key
    private let from: String?
    private let to: String?
    private let format: Format
    private let path: String?

    /// - Parameters:
    ///   - from: the first day in UTC, `YYYY-MM-DD`; nil: all before.
    ///   - to: the last day.
    ///   - path: a file to write, replaced whole when it is there; nil: standard output.
    public init(client: ServerClient, key: Key, from: String?, to: String?, format: Format, path: String?) {
        self.client = client
        self.key = key
        self.from = from
        self.to = to
        self.format = format
        self.path = path
    }

    /// - Throws: `.usage` for what is no day, or a last day before the first.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        for (name, text) in [("--from", from), ("--to", to)] {
            if let text, UTCDay(text) == nil {
                throw Fault(
                    .usage, "\(name) \(Printable.clean(text)) is not a day", advice: "Days are YYYY-MM-DD, in UTC.")
            }
        }
        if let from, let to, to < from { throw Fault(.usage, "--to \(to) lies before --from \(from)") }
        let export = try client.creditExport(by: key.rawValue, from: from, to: to)
        let text = format == .csv ? Self.csv(export, key) : Self.json(export, key).line + "\n"
        if let path {
            try Files.replace(path, with: Array(text.utf8))
            context.remark("\(Amounts.count(UInt64(export.rows.count), "row")) in \(Printable.clean(path))")
        } else {
            context.screen.write(text)
        }
        return 0
    }

    /// RFC 4180, with line feeds. Amounts are exact.
    static func csv(_ export: WireCreditExport, _ key: Key) -> String {
        var text = columns(of: key).joined(separator: ",") + "\n"
        for row in export.rows {
            let cells: [String] =
                switch key {
                case .volunteer, .team: ["\(row.id)", quoted(row.name)]
                case .host: ["\(row.id)", quoted(row.name), "\(row.volunteerID)"]
                case .project, .day: [quoted(row.name)]
                }
            text += (cells + amounts(row, key)).joined(separator: ",") + "\n"
        }
        return text
    }

    private static func columns(of key: Key) -> [String] {
        let amounts = ["microcobblestones", "cobblestones"]
        switch key {
        case .volunteer: return ["volunteer", "volunteer_name"] + amounts + ["recent_average"]
        case .team: return ["team", "team_name"] + amounts + ["recent_average"]
        case .host: return ["host", "host_name", "volunteer"] + amounts + ["recent_average"]
        case .project: return ["project"] + amounts
        case .day: return ["day"] + amounts
        }
    }

    private static func amounts(_ row: WireCreditExportRow, _ key: Key) -> [String] {
        let micro = row.microcobblestones
        let fraction = "\(1_000_000 + micro.magnitude % 1_000_000)".dropFirst()
        let exact = (micro < 0 ? "-" : "") + "\(micro.magnitude / 1_000_000).\(fraction)"
        return ["\(micro)", exact] + (key == .project || key == .day ? [] : ["\(row.recentAverage)"])
    }

    /// Names come from strangers, and spreadsheets run what begins like a formula: such a name gets an apostrophe in
    /// front. JSON has it as it is.
    static func quoted(_ name: String) -> String {
        var text = Printable.clean(name)
        if let first = text.first, "=+-@".contains(first) { text = "'" + text }
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    static func json(_ export: WireCreditExport, _ key: Key) -> JSONValue {
        let rows = export.rows.map { row in
            var members: [(String, JSONValue)] =
                switch key {
                case .volunteer: [("volunteer", .unsigned(row.id)), ("volunteer_name", .text(row.name))]
                case .team: [("team", row.id == 0 ? .null : .unsigned(row.id)), ("team_name", .optional(row.name))]
                case .host:
                    [
                        ("host", .unsigned(row.id)), ("host_name", .text(row.name)),
                        ("volunteer", .unsigned(row.volunteerID)),
                    ]
                case .project: [("project", .text(row.name))]
                case .day: [("day", .text(row.name))]
                }
            members.append(("microcobblestones", .integer(row.microcobblestones)))
            if key != .project && key != .day { members.append(("recent_average", .real(row.recentAverage))) }
            return JSONValue.members(members)
        }
        return .members([
            ("by", .text(key.rawValue)), ("from", .optional(export.from)), ("to", .optional(export.to)),
            ("rows", .list(rows)), ("total_microcobblestones", .integer(export.totalMicrocobblestones)),
        ])
    }
}
