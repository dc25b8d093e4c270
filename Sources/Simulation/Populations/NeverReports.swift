import Wire

/// Takes work and never says a word of it.
struct NeverReports: Behaviour {
    mutating func edit(_ request: inout WireSchedulerRequest, _ workbench: Workbench) { request.reports = [] }
}
