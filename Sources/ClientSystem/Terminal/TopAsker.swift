import ClientCore
import Domain
import Synchronization
import WorkerHost

/// Asks the client on a thread of its own: one that answers slowly must not keep keys waiting.
final class TopAsker: Sendable {
    enum Answer: Sendable {
        case status(Result<ClientStatus, TopTrouble>)
        case done(String)
        case refused(String)
    }

    private enum Order: Sendable {
        case ask(ControlRequest)
        case end
    }

    private let folder: String
    private let orders = Mailbox<Order>()
    private let answers = Mutex<[Answer]>([])
    private let wake: WakePipe
    private static let everySeconds = 1.0

    init(folder: String, wake: WakePipe) {
        self.folder = folder
        self.wake = wake
        BlockingThread.start("ask") { [self] in serve() }
    }

    func post(_ request: ControlRequest) { orders.post(.ask(request)) }

    func end() { orders.post(.end) }

    func takeAnswers() -> [Answer] {
        answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
    }

    static func status(_ folder: String) -> Result<ClientStatus, TopTrouble> {
        do throws(Fault) {
            guard let status = try ControlClient.ask(ControlRequest(.status), folder: folder).status else {
                return .failure(TopTrouble("the client in \(folder) does not say what it does"))
            }
            return .success(status)
        } catch {
            // A folder that is not there yet is no other case: no client runs there.
            return .failure(TopTrouble(error.kind == .noInput ? "no client runs in \(folder)" : error.message))
        }
    }

    private func serve() {
        while true {
            tell(.status(Self.status(folder)))
            for order in orders.take(waitSeconds: Self.everySeconds) {
                guard case .ask(let request) = order else { return }
                do throws(Fault) { tell(.done(try ControlClient.ask(request, folder: folder).done ?? "done")) } catch {
                    tell(.refused("\(error)"))
                }
            }
        }
    }

    private func tell(_ answer: Answer) {
        answers.withLock { $0.append(answer) }
        wake.post(.answer)
    }
}
