import Domain
import Storage

/// The columns of `work_unit` and `task`, written and read in one order.
enum WorkUnitColumns {
    static let unit = """
        id, label, app, container, container_bytes, flops, credit, memory_bytes, disk_bytes, output_bytes_max,
        flops_bound, check_each, quorum, initial_tasks, max_total, max_errors, deadline_ms, acceptance, check_rate,
        check_window, state, canonical, failure, failure_text, awaiting, revision, created_ms, updated_ms
        """
    static let unitCount = 28
    static let task = """
        id, state, host, volunteer, sent_ms, deadline_ms, reported_ms, result, result_bytes, cpu_seconds,
        wall_seconds, fingerprint, check_state, outcome, decided_ms, reason, compared_with, element, distance,
        tolerance, error_ms, error_code, error_message
        """
    static let taskCount = 23

    static func marks(_ count: Int) -> String {
        (1...count).map { "?\($0)" }.joined(separator: ", ")
    }

    /// `name = ?2, …` for all columns but the first, which is the key.
    /// - Parameter skipped: places of columns, from 0, that are left out; their values are bound and not looked at.
    static func assignments(_ columns: String, skipping skipped: Range<Int> = 0..<0) -> String {
        columns.split { $0 == "," || $0.isWhitespace }.enumerated().dropFirst()
            .filter { !skipped.contains($0.offset) }
            .map { "\($0.element) = ?\($0.offset + 1)" }.joined(separator: ", ")
    }
}

extension Binder {
    mutating func unit(_ unit: WorkUnitRecord, awaiting: Bool) {
        integer(unit.id.rawValue)
        text(unit.label)
        text(unit.app)
        digest(unit.container)
        integer(unit.containerBytes)
        real(unit.flops)
        integer(unit.credit.microcobblestones)
        integer(unit.memoryBytes)
        integer(unit.diskBytes)
        integer(unit.outputBytesMax)
        real(unit.flopsBound)
        boolean(unit.checkEach)
        replication(unit.replication)
        state(unit.state)
        boolean(awaiting)
        integer(unit.revision)
        time(unit.createdAt)
        time(unit.updatedAt)
    }

    /// For an update of `parts`.
    mutating func unit(_ aggregate: WorkUnitAggregate, _ parts: UnitParts) {
        let unit = aggregate.unit
        integer(unit.id.rawValue)
        integer(unit.state.code)
        boolean(aggregate.awaitsValidation)
        integer(unit.revision)
        time(unit.updatedAt)
        if parts.contains(.canonical) { integer(unit.state.namedTask?.rawValue) }
        if parts.contains(.failure) { failure(unit.state.failure) }
    }

    /// state, canonical, failure, failure_text
    mutating func state(_ state: WorkUnitState) {
        integer(state.code)
        integer(state.namedTask?.rawValue)
        failure(state.failure)
    }

    private mutating func failure(_ failure: FailureReason?) {
        switch failure {
        case .tooManyErrors:
            integer(1)
            null()
        case .noAgreement:
            integer(2)
            null()
        case .unusable(let reason):
            integer(3)
            text(reason)
        case nil: nulls(2)
        }
    }

    mutating func task(_ task: TaskRecord) {
        self.task(task, [.assignment, .report, .check, .verdict, .difference, .error])
    }

    /// For an update of `parts`.
    mutating func task(_ task: TaskRecord, _ parts: TaskParts) {
        let state = task.state
        integer(task.id.rawValue)
        integer(state.code)
        if parts.contains(.assignment) { assignment(state.assignment) }
        if parts.contains(.report) { report(state.report) }
        if parts.contains(.check) { check(state.check) }
        if parts.contains(.verdict) { verdict(state.verdict) }
        if parts.contains(.difference) { difference(state.verdict?.difference) }
        if parts.contains(.error) { error(state.error) }
    }

    private mutating func assignment(_ assignment: Assignment?) {
        guard let assignment else { return nulls(4) }
        integer(assignment.host.rawValue)
        integer(assignment.volunteer.rawValue)
        time(assignment.sentAt)
        time(assignment.deadline)
    }

    private mutating func check(_ check: CheckState?) {
        switch check {
        case .pending: integer(0)
        case .plausible: integer(1)
        case .proven: integer(2)
        case nil: null()
        }
    }

    private mutating func error(_ error: TaskError?) {
        guard let error else { return nulls(3) }
        time(error.at)
        integer(error.code.rawValue)
        text(error.message)
    }

    private mutating func nulls(_ count: Int) {
        for _ in 0..<count { null() }
    }

    private mutating func report(_ report: TaskReport?) {
        guard let report else { return nulls(6) }
        time(report.reportedAt)
        digest(report.result)
        integer(report.resultBytes)
        real(report.cpuSeconds)
        real(report.wallSeconds)
        text(report.fingerprint)
    }

    private mutating func verdict(_ verdict: Verdict?) {
        guard let verdict else { return nulls(4) }
        integer(verdict.outcome.rawValue)
        time(verdict.decidedAt)
        text(verdict.reason)
        integer(verdict.comparedWith?.rawValue)
    }

    private mutating func difference(_ difference: Difference?) {
        guard let difference else { return nulls(3) }
        text(difference.element)
        real(difference.distance)
        real(difference.tolerance)
    }
}

extension WorkUnitState {
    /// The number in the column `state`.
    var code: Int64 {
        switch self {
        case .ready: 0
        case .active: 1
        case .comparing: 2
        case .validated: 3
        case .assembled: 4
        case .purged: 5
        case .failed: 6
        case .cancelled: 7
        case .provisional: 8
        }
    }
}

extension TaskState {
    /// The number in the column `state`.
    var code: Int64 {
        switch self {
        case .unsent: 0
        case .sent: 1
        case .reported: 2
        case .decided: 3
        case .failed: 4
        case .expired: 5
        case .aborted: 6
        case .notNeeded: 7
        }
    }
}

extension Row {
    mutating func unit() throws -> WorkUnitRecord {
        let id = WorkUnitID(rawValue: integer())
        let label = text()
        let app = text()
        let container = try digest()
        let containerBytes = integer()
        let flops = real()
        let credit = Credit(microcobblestones: integer())
        let memoryBytes = integer()
        let diskBytes = integer()
        let outputBytesMax = integer()
        let flopsBound = real()
        let checkEach = boolean()
        let replication = try replication()
        let state = try unitState(of: id)
        skip(1)
        return WorkUnitRecord(
            id: id, label: label, app: app, container: container, containerBytes: containerBytes, flops: flops,
            credit: credit, memoryBytes: memoryBytes, diskBytes: diskBytes, outputBytesMax: outputBytesMax,
            flopsBound: flopsBound, checkEach: checkEach, replication: replication, state: state,
            revision: integer(), createdAt: time(), updatedAt: time()
        )
    }

    private mutating func unitState(of id: WorkUnitID) throws -> WorkUnitState {
        let code = integer()
        let canonical = TaskID(rawValue: integer())
        let failure = integer()
        let reason = text()
        switch (code, failure) {
        case (0, _): return .ready
        case (1, _): return .active
        case (2, _): return .comparing
        case (3, _): return .validated(canonical: canonical)
        case (4, _): return .assembled(canonical: canonical)
        case (5, _): return .purged(canonical: canonical)
        case (6, 1): return .failed(.tooManyErrors)
        case (6, 2): return .failed(.noAgreement)
        case (6, 3): return .failed(.unusable(reason))
        case (7, _): return .cancelled
        case (8, _): return .provisional(canonical)
        default: throw StoreError.corrupt("work unit \(id): unknown state \(code)")
        }
    }

    mutating func task() throws -> TaskRecord {
        let id = TaskID(rawValue: integer())
        let code = integer()
        switch code {
        case 0: return TaskRecord(id: id, state: .unsent)
        case 7: return TaskRecord(id: id, state: .notNeeded)
        default: break
        }
        let assignment = assignment()
        let state: TaskState
        switch code {
        case 1: state = .sent(assignment)
        case 2:
            let report = try report()
            state = .reported(assignment, report, check: try checkState(of: id))
        case 3:
            let report = try report()
            skip(1)
            state = .decided(assignment, report, try verdict(of: id))
        case 4:
            skip(14)
            let at = time()
            guard let error = TaskErrorCode(rawValue: int()) else {
                throw StoreError.corrupt("task \(id): unknown error code")
            }
            state = .failed(assignment, TaskError(at: at, code: error, message: text()))
        case 5: state = .expired(assignment)
        case 6: state = .aborted(assignment)
        default: throw StoreError.corrupt("task \(id): unknown state \(code)")
        }
        return TaskRecord(id: id, state: state)
    }

    mutating func assignment() -> Assignment {
        Assignment(
            host: HostID(rawValue: integer()), volunteer: VolunteerID(rawValue: integer()), sentAt: time(),
            deadline: time()
        )
    }

    private mutating func report() throws -> TaskReport {
        TaskReport(
            reportedAt: time(), result: try digest(), resultBytes: integer(), cpuSeconds: real(),
            wallSeconds: real(), fingerprint: text()
        )
    }

    private mutating func checkState(of id: TaskID) throws -> CheckState {
        switch integer() {
        case 0: return .pending
        case 1: return .plausible
        case 2: return .proven
        default: throw StoreError.corrupt("task \(id): unknown check state")
        }
    }

    private mutating func verdict(of id: TaskID) throws -> Verdict {
        guard let outcome = Verdict.Outcome(rawValue: int()) else {
            throw StoreError.corrupt("task \(id): unknown outcome")
        }
        let decidedAt = time()
        let reason = text()
        let comparedWith = optionalInteger().map(TaskID.init(rawValue:))
        let element = optionalText()
        let distance = optionalReal() ?? .nan
        let tolerance = optionalReal() ?? .nan
        return Verdict(
            outcome: outcome, decidedAt: decidedAt, comparedWith: comparedWith,
            difference: element.map { Difference(element: $0, distance: distance, tolerance: tolerance) },
            reason: reason
        )
    }
}
