import Domain
import Engine

/// What a rule of acceptance promises, for the scientist who chooses one.
enum AcceptanceText {
    static func promise(_ rule: ReplicationRule, checkEach: Bool) -> String {
        switch rule.acceptance {
        case .quorum where rule.quorum == 1:
            return checkEach
                ? "one result is enough when its check finds nothing wrong; what it left out goes unnoticed"
                : "any result is believed"
        case .quorum:
            return
                "\(rule.quorum) results of different volunteers must agree; only volunteers who conspire, and meet in "
                + "one work unit, can forge it; every unit is computed \(rule.quorum) times"
        case .check:
            return "one result is enough when the app's check proves it; the work is done once"
        case .adaptive(let adaptive):
            let share = percent(Trust.survivalBound(adaptive))
            let replication = Amounts.number(Trust.expectedReplication(adaptive))
            let replicas = "\(replication) once hosts have proved themselves (\(adaptive.window) checked results each)"
            return
                "at most \(share) of what a best-responding cheat sends to this server for this app survives, as long "
                + "as he does not check himself under another name; expected replication \(replicas), 2 before that; "
                + "where hosts have few results in a batch, most of these are checked at its close"
        }
    }

    static func json(_ rule: ReplicationRule) -> JSONValue {
        switch rule.acceptance {
        case .quorum: return .members([("rule", .text("quorum")), ("quorum", .integer(Int64(rule.quorum)))])
        case .check: return .members([("rule", .text("check"))])
        case .adaptive(let adaptive):
            return .members([
                ("rule", .text("adaptive")), ("check_rate", .real(adaptive.checkRate)),
                ("window", .integer(Int64(adaptive.window))),
                ("survival_bound", .real(Trust.survivalBound(adaptive))),
                ("expected_replication", .real(Trust.expectedReplication(adaptive))),
            ])
        }
    }

    /// Rounded up: a bound that is rounded down is none.
    private static func percent(_ share: Double) -> String {
        let percent = share * 100
        return
            "\(Amounts.number(percent < 10 ? (percent * 100).rounded(.up) / 100 : (percent * 10).rounded(.up) / 10)) %"
    }
}
