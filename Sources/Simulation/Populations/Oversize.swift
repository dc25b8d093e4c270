import Domain
import FoundationEssentials
import Wire

/// Sends more than it may: results beyond the unit's bound, more reports than a request may have, results of tasks that
/// are not its own.
struct Oversize: Behaviour {
    private var calls = 0

    func padding(_ unit: UnitFacts) -> Int { unit.truth & 1 == 0 ? SimulatedApp.outputBytesMax : 0 }

    mutating func edit(_ request: inout WireSchedulerRequest, _ workbench: Workbench) {
        calls += 1
        guard let report = request.reports.first(where: { $0.success.resultBytes > 0 }) else { return }
        if calls % 5 == 0 {
            request.reports = Array(repeating: report, count: Limits.reportsPerRequestMax + 1)
        } else if calls % 3 == 0 {
            var foreign = report
            foreign.taskID ^= 1
            request.reports.append(foreign)
        }
    }
}
