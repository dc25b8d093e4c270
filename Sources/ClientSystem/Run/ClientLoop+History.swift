import CPosix
import ClientCore
import Domain

/// What the running client hands to those who keep its history.
extension ClientLoop {
    func noteHistory(_ status: ClientStatus) {
        let looks = status.projects.filter { $0.state == "working" }.map { Chronicle.Look($0) }
        chronicle.note(looks, day: localDay, mayAsk: status.allowance?.mayUseNetwork ?? true)
        for words in chronicle.takeWords() { say(words) }
    }

    /// The last word on those that this client worked for.
    func settleHistory(_ status: ClientStatus) {
        let looks = status.projects.filter { $0.state == "stopped" }.map { Chronicle.Look($0) }
        chronicle.settle(looks, day: localDay, seconds: 5)
    }

    private var localDay: Int64 { NetworkUsage.day(of: Self.now, utcOffsetSeconds: utcOffsetSeconds) }
}
