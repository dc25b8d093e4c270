import Domain
import FoundationEssentials
import Wire

/// Sends more than it may: results beyond the unit's bound, more reports than a request may have, results of tasks that
/// are not its own.
struct Oversize: Behaviour {
    private var calls = 0

    mutating func edit(_ request: inout WireSchedulerRequest, _ workbench: Workbench) {
        guard let at = request.reports.firstIndex(where: { $0.success.resultBytes > 0 }) else { return }
        calls += 1
        let report = request.reports[at]
        switch calls % 4 {
        case 0: request.reports = Array(repeating: report, count: Limits.reportsPerRequestMax + 1)
        case 1:
            var foreign = report
            foreign.taskID ^= 1
            request.reports.append(foreign)
        case 2:
            let task = TaskID(rawValue: Int64(clamping: report.taskID))
            guard let large = workbench.forge(task, report.taskID, SimulatedApp.overheadBytes) else { return }
            request.reports[at].success.resultSha256 = Data(large.summary.digest.bytes)
            request.reports[at].success.resultBytes = UInt64(large.bytes.count)
            request.reports[at].success.resultInline = large.summary.isInline ? Data(large.bytes) : Data()
        default: break
        }
    }
}
