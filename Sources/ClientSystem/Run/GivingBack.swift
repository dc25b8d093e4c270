import Bytes
import CPosix
import ClientCore
import Domain
import Wire

/// What a host that leaves tells its server: who computes its open tasks now need not wait for their deadlines.
enum GivingBack {
    /// Reports every task without a result as given back, and failures as what they are.
    /// A result that the volunteer leaves behind is none, so those tasks go back as well.
    ///
    /// - Throws: why the server was not told; nothing is lost by it but time.
    static func tell(_ state: ClientState, key: SigningKey, folder: String) throws(Fault) {
        let open = state.tasks.map(report)
        if open.isEmpty { return }
        let link = ServerLink(
            transport: HTTPTransport(userAgent: "millrace-client/\(HostInventory.clientVersion)"),
            serverURL: state.attachment.serverURL)
        var sequence = max(state.sequence + 1, millrace_wall_milliseconds())
        for start in stride(from: 0, to: open.count, by: Limits.reportsPerRequestMax) {
            var request = WireSchedulerRequest()
            request.profile = WireHostProfileMessage(HostInventory.profile(folder: folder))
            request.reports = Array(open[start..<min(start + Limits.reportsPerRequestMax, open.count)])
            request.availability = state.availability
            try call(link, request, state.attachment.host, &sequence, key)
        }
    }

    private static func report(_ task: HeldTask) -> WireTaskReportMessage {
        var report = WireTaskReportMessage()
        report.taskID = UInt64(task.id.rawValue)
        switch task.stage {
        case .offered, .ready, .finished:
            report.failure.code = UInt32(TaskErrorCode.givenBack.rawValue)
            report.failure.message = "the host left the project"
        case .failed(let code, let message):
            report.failure.code = UInt32(code.rawValue)
            report.failure.message = message
        }
        return report
    }

    private static func call(
        _ link: ServerLink, _ request: WireSchedulerRequest, _ host: HostID, _ sequence: inout Int64,
        _ key: SigningKey
    ) throws(Fault) {
        for _ in 0..<3 {
            let outcome = link.call(request, host: host, sequence: sequence, key: key)
            sequence += 1
            guard case .failure(let reason) = outcome else { return }
            switch reason.failure {
            case .stale(let last) where last < Limits.sequenceMax: sequence = max(sequence, last + 1)
            case .stale: throw Fault(.refused, "the server does not take this host's request numbers")
            case .refused(let why), .busy(let why, _), .failed(let why): throw Fault(.refused, why)
            }
        }
        throw Fault(.refused, "this host's other calls come in between")
    }
}
