import Domain
import FoundationEssentials
import Wire

/// Reports honestly, and once the server has answered, reports another result for the same task.
struct EditsReport: Behaviour {
    private var reported: [WireTaskReportMessage] = []

    mutating func edit(_ request: inout WireSchedulerRequest, _ workbench: Workbench) {
        let fresh = request.reports
        for var report in reported {
            let task = TaskID(rawValue: Int64(clamping: report.taskID))
            guard let other = workbench.forge(task, report.taskID &* 3, 0) else { continue }
            report.success.resultSha256 = Data(other.summary.digest.bytes)
            report.success.resultBytes = UInt64(other.bytes.count)
            report.success.resultInline = other.summary.isInline ? Data(other.bytes) : Data()
            request.reports.append(report)
        }
        reported = Array(fresh.filter { $0.success.resultBytes > 0 }.prefix(4))
    }
}
