import Domain
import Engine
import Storage
import Wire

extension ProjectServer {
    /// What every host has earned, and whether the books balance: what the projects issued, the ledger's sum, the sum
    /// over hosts and the sum over volunteers must be one number; what is provisional is issued and in no sum yet.
    /// - Parameter voided: what was taken back; it is in no sum either.
    public func creditReport(
        in tx: any StoreTransaction, voided: VoidTally = VoidTally(), now: Timestamp
    ) throws -> WireCreditReport {
        var report = WireCreditReport()
        let inProgress = try tx.inProgressCounts()
        // Two lists, however many there are.
        let names = Dictionary(uniqueKeysWithValues: try tx.volunteers().map { ($0.id, $0.name) })
        let teams = try teamsNow(in: tx)
        for host in try tx.hosts() {
            var row = WireCreditRow()
            row.hostID = UInt64(host.id.rawValue)
            row.hostName = host.profile.name
            row.volunteerID = UInt64(host.volunteer.rawValue)
            row.volunteerName = names[host.volunteer] ?? ""
            row.microcobblestones = host.credit.microcobblestones
            row.provisionalMicrocobblestones = host.provisionalCredit.microcobblestones
            row.voidMicrocobblestones = voided.byHost[host.id, default: .zero].microcobblestones
            row.valid = UInt64(host.validCount)
            row.invalid = UInt64(host.invalidCount)
            row.errors = UInt64(host.errorCount)
            row.inProgress = UInt64(inProgress[host.id] ?? 0)
            row.measuredGflops = (host.measuredFlopsPerSecond ?? 0) / 1e9
            row.recentAverage = host.recent.perDay(now: now)
            row.teamName = teams[host.volunteer]?.name ?? ""
            row.lastSeenMs = UInt64(max(0, host.lastSeenAt.milliseconds))
            report.hosts.append(row)
        }
        let summary = try tx.ledgerSummary()
        var issued: Int64 = 0
        var projects: Set<String> = []
        for batch in try tx.batches() where projects.insert(batch.project).inserted {
            issued -= try tx.balance(of: .project(batch.project)).microcobblestones
        }
        report.ledgerTotalMicrocobblestones = summary.granted.microcobblestones
        report.hostsTotalMicrocobblestones = summary.hostsTotal.microcobblestones
        report.issuedMicrocobblestones = issued
        report.provisionalMicrocobblestones = summary.provisional.microcobblestones
        report.voidMicrocobblestones = report.hosts.reduce(0) { $0 + $1.voidMicrocobblestones }
        report.ledgerEntries = UInt64(summary.entries)
        report.balanced =
            summary.granted == summary.hostsTotal && summary.granted == summary.volunteersTotal
            && summary.provisional == summary.hostsProvisional
            && issued == (summary.granted + summary.provisional).microcobblestones
        return report
    }

    /// The team that each volunteer is in.
    func teamsNow(in tx: any StoreTransaction) throws -> [VolunteerID: TeamRecord] {
        let memberships = try tx.lastingMemberships()
        if memberships.isEmpty { return [:] }
        let byID = Dictionary(uniqueKeysWithValues: try tx.teams().map { ($0.id, $0) })
        return memberships.reduce(into: [:]) { $0[$1.volunteer] = byID[$1.team] }
    }
}
