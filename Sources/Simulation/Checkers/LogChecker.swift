import ServerCore
import Storage

/// The public log tells of every verdict and every movement of credit, as they are.
final class LogChecker: Checker {
    let name = "log"

    func see(_ observation: Observation, _ world: World) throws -> String? {
        switch observation {
        case .serverDied, .end: try world.read { try LogAudit.differences(in: $0) }.first
        default: nil
        }
    }
}
