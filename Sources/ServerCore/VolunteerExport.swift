import Bytes
import Domain
import Engine
import FoundationEssentials
import Storage
import Wire

/// An export request whose fields are in bounds.
public struct ExportCall: Hashable, Sendable {
    public var section: WireExportSection
    /// 0 for the first page.
    public var after: Int64
}

/// All that the server holds of a volunteer, page by page, for the volunteer alone.
extension ProjectServer {
    /// Of the export's content, not of the protocol.
    public static let exportVersion: UInt32 = 1

    public func checkExport(_ request: WireExportRequest) throws(RequestRefusal) -> ExportCall {
        if case .UNRECOGNIZED(let number) = request.section {
            throw RequestRefusal(.badRequest, "section is \(number), expected 0 to 3")
        }
        // A unit's or an entry's number; what is above would overflow as a task's.
        guard request.after < 1 << 57 else {
            throw RequestRefusal(.badRequest, "after is \(request.after), which no page has said")
        }
        return ExportCall(section: request.section, after: Int64(request.after))
    }

    /// One page. A refused request changes nothing; a page changes the host's request number only, and
    /// when it was seen.
    public func export(
        _ call: ExportCall, host id: HostID, sequence: Int64, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Result<WireExportReply, RequestRefusal> {
        guard let host = try tx.host(id), let volunteer = try tx.volunteer(host.volunteer) else {
            return .failure(RequestRefusal(.unknownHost, "there is no host \(id)", advice: "attach again"))
        }
        if let refusal = try removalRefusal(of: host, in: tx) { return .failure(refusal) }
        if let refusal = sequenceRefusal(sequence, of: host) { return .failure(refusal) }
        if let refusal = absenceRefusal(id, try manager(of: volunteer.id, caller: id, in: tx, now: now)) {
            return .failure(refusal)
        }
        try change(id, in: tx) { host in
            host.sequence = sequence
            host.lastSeenAt = max(host.lastSeenAt, now)
        }
        var page = WireExportReply()
        page.schemaVersion = Self.exportVersion
        switch call.section {
        case .exportHosts: try addHosts(of: volunteer.id, after: call.after, &page, in: tx, now: now)
        case .exportTasks: try addTasks(of: volunteer.id, after: call.after, &page, in: tx)
        case .exportCredit: try addCredit(of: volunteer.id, after: call.after, &page, in: tx)
        case .exportAccount, .UNRECOGNIZED: page.account = try exported(volunteer, in: tx, now: now)
        }
        return .success(page)
    }

    /// What an export cannot show, in words.
    static let exportNotes = [
        "addresses: not stored; the network (/24, IPv6: /48) from which a host called last is in memory only",
        "sessions: not stored; a session's key follows from its token and ends after a day",
        "receipts: signed when a result is taken, and kept by the client alone",
        "link codes: only keyed hashes are stored, for 30 days",
        "how far results of a host are believed without a second one: not told, it would help whoever forges",
        "units that are still secret: their verdicts and credit come once they are public",
        "archives of old batches and backups name hosts by their numbers; backups hold names until they are replaced",
    ]

    private func exported(
        _ volunteer: VolunteerRecord, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WireExportedAccount {
        var account = WireExportedAccount()
        account.volunteerID = UInt64(volunteer.id.rawValue)
        account.name = volunteer.name
        account.createdMs = Self.field(volunteer.createdAt)
        account.creditMicrocobblestones = volunteer.credit.microcobblestones
        account.recentAverage = volunteer.recent.perDay(now: now)
        account.showsHosts = volunteer.showsHosts
        account.teams = try memberships(of: volunteer.id, in: tx)
        account.teamsFounded = try tx.teams().filter { $0.founder == volunteer.id }.prefix(1000).map(\.name)
        account.linkCodes = try tx.linkCodes(of: volunteer.id).map { code in
            var row = WireExportedLinkCode()
            row.askedByHost = UInt64(code.host.rawValue)
            row.createdMs = Self.field(code.createdAt)
            row.expiresMs = Self.field(code.expiresAt)
            row.usedByHost = UInt64(code.usedBy?.rawValue ?? 0)
            row.usedMs = code.usedAt.map(Self.field) ?? 0
            return row
        }
        account.notes = Self.exportNotes
        return account
    }

    private static func field(_ moment: Timestamp) -> UInt64 { UInt64(max(0, moment.milliseconds)) }

    // MARK: Hosts

    private func addHosts(
        of volunteer: VolunteerID, after: Int64, _ page: inout WireExportReply, in tx: any StoreTransaction,
        now: Timestamp
    ) throws {
        var days = 0
        for host in try tx.hosts(of: volunteer) where host.id.rawValue > after {
            // At least one host: a long history is one page.
            if page.hosts.count >= 100 || days >= Limits.exportRowsMax {
                page.next = page.hosts.last?.hostID ?? 0
                return
            }
            let row = try exported(host, in: tx, now: now)
            days += row.days.count
            page.hosts.append(row)
        }
    }

    private func exported(
        _ host: HostRecord, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WireExportedHost {
        var row = WireExportedHost()
        row.hostID = UInt64(host.id.rawValue)
        row.publicKey = Data(host.publicKey)
        row.profile = WireHostProfileMessage(host.profile)
        row.createdMs = Self.field(host.createdAt)
        row.lastSeenMs = Self.field(host.lastSeenAt)
        row.removedMs = host.removedAt.map { max(1, Self.field($0)) } ?? 0
        row.sequence = UInt64(max(0, host.sequence))
        row.measuredFlopsPerSecond = host.measuredFlopsPerSecond ?? 0
        row.validTasks = UInt64(host.validCount)
        row.invalidTasks = UInt64(host.invalidCount)
        row.failedTasks = UInt64(host.errorCount)
        row.creditMicrocobblestones = host.credit.microcobblestones
        row.provisionalMicrocobblestones = host.provisionalCredit.microcobblestones
        row.recentAverage = host.recent.perDay(now: now)
        row.days = try tx.creditDays(of: host.id).suffix(Limits.repeatedFieldsMax).map { day in
            var field = WireExportedDay()
            field.day = "\(day.day)"
            field.project = day.project
            field.teamID = UInt64(day.team?.rawValue ?? 0)
            field.microcobblestones = day.amount.microcobblestones
            return field
        }
        return row
    }

    // MARK: Tasks and credit

    private func addTasks(
        of volunteer: VolunteerID, after: Int64, _ page: inout WireExportReply, in tx: any StoreTransaction
    ) throws {
        let after = after > 0 ? WorkUnitID(rawValue: after) : nil
        let found = try tx.tasks(of: volunteer, after: after, look: Limits.exportLookMax)
        page.next = UInt64(found.last?.rawValue ?? 0)
        var names: [BatchID: String] = [:]
        for task in found.rows {
            // Only between units: the next page begins with a whole one.
            if page.tasks.count >= Limits.exportRowsMax, let last = page.tasks.last?.taskID,
                last >> 6 != UInt64(task.id.unit.rawValue)
            {
                page.next = last >> 6
                return
            }
            guard let unit = try tx.workUnit(task.id.unit) else { continue }
            var row = exported(task, of: unit)
            let batch = task.id.unit.batch
            row.project = try names[batch] ?? tx.batch(batch)?.project ?? ""
            names[batch] = row.project
            page.tasks.append(row)
        }
    }

    private func exported(_ task: TaskRecord, of aggregate: WorkUnitAggregate) -> WireExportedTask {
        var row = WireExportedTask()
        row.taskID = keys.number(of: task.id)
        row.label = aggregate.unit.label
        row.state = task.state.word
        if let assignment = task.state.assignment {
            row.hostID = UInt64(assignment.host.rawValue)
            row.sentMs = Self.field(assignment.sentAt)
            row.deadlineMs = Self.field(assignment.deadline)
        }
        if let report = task.state.report {
            row.reportedMs = Self.field(report.reportedAt)
            row.resultSha256 = report.result.field
            row.resultBytes = UInt64(report.resultBytes)
            row.cpuSeconds = report.cpuSeconds
            row.wallSeconds = report.wallSeconds
            row.fingerprint = report.fingerprint
        }
        switch task.state {
        case .decided(_, _, let verdict):
            if aggregate.isPublic {
                row.endedMs = Self.field(verdict.decidedAt)
                row.reason = verdict.reason
            } else {
                row.state = "reported"
            }
        case .failed(_, let error):
            row.endedMs = Self.field(error.at)
            row.reason = error.message.isEmpty ? error.code.text : "\(error.code.text): \(error.message)"
        case .unsent, .sent, .reported, .expired, .aborted, .notNeeded: break
        }
        return row
    }

    private func addCredit(
        of volunteer: VolunteerID, after: Int64, _ page: inout WireExportReply, in tx: any StoreTransaction
    ) throws {
        let found = try tx.ledger(of: volunteer, after: after, look: Limits.exportLookMax)
        page.next = UInt64(found.last ?? 0)
        for entry in found.rows {
            if page.credit.count >= Limits.exportRowsMax, let last = page.credit.last?.number {
                page.next = last
                return
            }
            // Of units that were removed all has been told.
            if let unit = try tx.workUnit(entry.task.unit), !unit.isPublic { continue }
            var row = WireExportedCredit()
            row.number = UInt64(entry.number)
            row.atMs = Self.field(entry.at)
            row.kind = entry.kind.word
            row.hostID = UInt64((entry.credit.host ?? entry.debit.host)?.rawValue ?? 0)
            row.taskID = keys.number(of: entry.task)
            row.project = entry.project
            row.microcobblestones = entry.amount.microcobblestones
            page.credit.append(row)
        }
    }
}
