import Domain

/// One value of a row, whatever the database.
public enum Cell: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case bytes([UInt8])
}

/// A table that all databases have in the same form: its columns, by which of them rows are named and ordered.
public struct TableShape: Sendable {
    public enum Kind: Sendable { case integer, real, text, bytes }

    public let name: String
    public let columns: [(name: String, kind: Kind)]
    /// The columns of the key, which come first.
    public let keys: Int
    /// What follows from other tables, by triggers or by `TableArchive.derive`: it is compared, and not copied.
    public let isDerived: Bool
    /// Rows that matter, as a condition.
    public let condition: String

    /// - Parameter columns: names with a suffix for the kind where it is not an integer: `name:t digest:b cpu:r`.
    init(_ name: String, keys: Int = 1, derivedWhere condition: String? = nil, _ columns: String) {
        self.name = name
        self.keys = keys
        isDerived = condition != nil
        self.condition = condition ?? "1 = 1"
        self.columns = columns.split { $0.isWhitespace }.map { column in
            let parts = column.split(separator: ":")
            let kind: Kind =
                switch parts.count > 1 ? parts[1] : "i" {
                case "t": .text
                case "b": .bytes
                case "r": .real
                default: .integer
                }
            return (String(parts[0]), kind)
        }
    }

    /// All tables that hold anything of a project, each behind those that it refers to.
    public static let all: [TableShape] = [
        TableShape(
            "batch",
            """
            id project:t title:t app:t manifest:b quorum initial_tasks max_total max_errors deadline_ms acceptance
            check_rate:r check_window state failure:t cursor:b split_finished work_unit_count created_ms finished_ms
            """),
        TableShape("batch_input", keys: 2, "batch position name:t digest:b size packing:t"),
        TableShape("volunteer", "id name:t credit recent:r recent_ms shows_hosts created_ms erased_ms"),
        TableShape(
            "host",
            """
            id volunteer public_key:b name:t platform:t cpu_model:t cores memory_bytes disk_free_bytes
            benchmark_flops:r client_version:t sequence measured_flops:r valid_count invalid_count error_count credit
            provisional_credit recent:r recent_ms created_ms last_seen_ms removed_ms
            """),
        TableShape("link_code", "digest:b volunteer host created_ms expires_ms used_by used_ms"),
        TableShape(
            "work_unit",
            """
            id label:t app:t container:b container_bytes flops:r credit memory_bytes disk_bytes output_bytes_max
            flops_bound:r check_each quorum initial_tasks max_total max_errors deadline_ms acceptance check_rate:r
            check_window state canonical failure failure_text:t awaiting revision created_ms updated_ms
            """),
        TableShape(
            "task",
            """
            id state host volunteer sent_ms deadline_ms reported_ms result:b result_bytes cpu_seconds:r
            wall_seconds:r fingerprint:t check_state outcome decided_ms reason:t compared_with element:t distance:r
            tolerance:r error_ms error_code error_message:t
            """),
        TableShape(
            "trust", keys: 2,
            "host app:t last_sequence streak evidence:r evidence_ms passed failed last_failed_ms"),
        TableShape("series", "task host app:t sequence state"),
        TableShape(
            "ledger",
            "number at_ms kind debit_project:t debit_host credit_project:t credit_host amount task project:t"),
        TableShape("team", "id name:t founder credit recent:r recent_ms created_ms"),
        TableShape("membership", "id volunteer team from_ms until_ms"),
        TableShape("credit_day", keys: 4, "host day project:t team amount"),
        TableShape("log_leaf", "position leaf:b"),
        TableShape("log_edge", "id edge:b"),
        TableShape(
            "batch_count",
            derivedWhere: "ready + active + comparing + provisional + validated + assembled + failed + cancelled <> 0",
            """
            batch ready active comparing provisional validated assembled failed cancelled tasks_out tasks_done
            """),
        TableShape("project_balance", derivedWhere: "balance <> 0", "project:t balance"),
        TableShape(
            "host_balance", derivedWhere: "balance <> 0 OR provisional <> 0", "host balance provisional"),
    ]

    /// The columns, for a statement.
    package var list: String { columns.map(\.name).joined(separator: ", ") }

    /// A page of rows in order of the key, behind a row if there is one.
    /// - Parameter mark: how the database writes its n-th parameter. The last one is the number of rows.
    package func page(isFirst: Bool, _ mark: (Int) -> String) -> String {
        let key = columns.prefix(keys).map(\.name).joined(separator: ", ")
        let place = isFirst ? "" : " AND (\(key)) > (\((1...keys).map(mark).joined(separator: ", ")))"
        return "SELECT \(list) FROM \(name) WHERE (\(condition))\(place) ORDER BY \(key) LIMIT "
            + mark(isFirst ? 1 : keys + 1)
    }
}
