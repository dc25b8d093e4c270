import Wire

/// What every host has earned, and whether the books balance. The names are those of `credit.mustache`.
struct CreditPage {
    struct Host {
        var volunteer: String
        var host: String
        var credit: String
        var provisional: String
        var recent: String
        var team: String
        var valid: String
        var invalid: String
        var errors: String
        var inProgress: String
        var gflops: String
        var lastSeen: String
        /// `refused` for a host with invalid results.
        var kind: String
    }

    var frame: PageFrame
    var report: WireCreditReport

    var values: [String: Any] {
        let (rows, note) = HostRanking.top(report.hosts)
        let total = PageText.credit(report.ledgerTotalMicrocobblestones)
        let provisional = report.provisionalMicrocobblestones
        let held =
            provisional == 0
            ? "" : " A further \(PageText.credit(provisional)) are provisional: they become final, or are taken back."
        let balance =
            report.balanced
            ? "The ledger balances: \(total) cobblestones issued, and exactly as much on the hosts' accounts." + held
            : "The ledger does not balance: \(total) by the ledger, "
                + "\(PageText.credit(report.hostsTotalMicrocobblestones)) on the hosts' accounts, "
                + "\(PageText.credit(report.issuedMicrocobblestones)) issued. Run millrace-server fsck."
        return frame.values([
            "balance": balance, "balanceKind": report.balanced ? "good" : "bad", "total": total,
            "entries": "\(report.ledgerEntries)", "hosts": rows.map(Host.init),
            "note": note,
        ])
    }
}

/// The hosts that the page shows.
package enum HostRanking {
    package static let rowsMax = 1000

    /// - Returns: by credit, the highest first, and a sentence for those that are left out; empty when all are there.
    package static func top(_ hosts: [WireCreditRow]) -> (rows: [WireCreditRow], note: String) {
        let rows = hosts.sorted { ($1.microcobblestones, $0.hostID) < ($0.microcobblestones, $1.hostID) }
        let note =
            rows.count > rowsMax
            ? "Of \(rows.count) hosts the \(rowsMax) with the most credit are shown." : ""
        return (Array(rows.prefix(rowsMax)), note)
    }
}

extension CreditPage.Host {
    init(_ row: WireCreditRow) {
        volunteer = row.volunteerName
        host = "\(row.hostID)"
        credit = PageText.credit(row.microcobblestones)
        provisional =
            row.provisionalMicrocobblestones == 0
            ? "" : "+ \(PageText.credit(row.provisionalMicrocobblestones)) provisional"
        recent = PageText.cobblestones(row.recentAverage)
        team = row.teamName
        valid = "\(row.valid)"
        invalid = "\(row.invalid)"
        errors = "\(row.errors)"
        inProgress = "\(row.inProgress)"
        gflops = row.measuredGflops > 0 ? PageText.figure(row.measuredGflops) : ""
        lastSeen = PageText.time(row.lastSeenMs)
        kind = row.invalid > 0 ? "refused" : ""
    }
}
