import Domain

/// The first report of a task counts: what a host says later changes nothing.
final class FirstReportChecker: Checker {
    let name = "first report"
    private var first: [TaskID: TaskReport] = [:]

    func see(_ observation: Observation, _ world: World) -> String? {
        guard case .unit(let aggregate, _) = observation else { return nil }
        for task in aggregate.tasks {
            guard let report = task.state.report else {
                if first[task.id] != nil { return "the report of task \(task.id) is gone" }
                continue
            }
            if let old = first.updateValue(report, forKey: task.id), old != report {
                return "task \(task.id) has another report than the first"
            }
        }
        return nil
    }
}
