import ClientCore
import Domain
import WorkerHost

/// Which projects the running client works for, which it opens and closes, and which it has set aside.
struct ProjectDesk {
    private let data: String
    private let waits: Bool
    var sessions: [Int: ProjectSession] = [:]
    /// By folder name, as the next three.
    var opening: Set<String> = []
    var closing: Set<String> = []
    /// Had nothing to do for as long as the settings say: not taken up again in this run.
    private var rested: Set<String> = []
    private var aside: [String: Aside] = [:]
    private var numbers = 0
    private var hasWorked = false
    private var isAttached = true
    private var asideIsNew = true
    /// CPU seconds of workers of sessions that have ended.
    private var goneCPUSeconds = 0.0

    /// A project that cannot be worked for. It is tried again, since a person may put it right meanwhile.
    private struct Aside {
        var fault: Fault
        var nextTry: Double?
    }

    private static let retrySeconds = 30.0

    /// - Parameter data: the client's folder.
    /// - Parameter waits: having no project is no reason to end.
    init(data: String, waits: Bool) {
        self.data = data
        self.waits = waits
    }

    // MARK: Sessions

    /// In order of their folders' names.
    var inOrder: [ProjectSession] { sessions.values.sorted { $0.name < $1.name } }

    mutating func nextNumber() -> Int {
        numbers += 1
        return numbers
    }

    mutating func add(_ session: ProjectSession, number: Int) {
        sessions[number] = session
        opening.remove(session.name)
        aside[session.name] = nil
        hasWorked = true
    }

    /// - Returns: whether that is something new.
    mutating func setAside(_ name: String, _ fault: Fault) -> Bool {
        opening.remove(name)
        let isNew = aside[name]?.fault != fault
        aside[name] = Aside(fault: fault, nextTry: nil)
        asideIsNew = asideIsNew || isNew
        return isNew
    }

    /// Takes out what has ended; it must be closed.
    mutating func takeEnded() -> [ProjectSession] {
        var ended: [ProjectSession] = []
        for (number, session) in sessions where session.hasEnded {
            sessions[number] = nil
            goneCPUSeconds += session.park.endedCPUSeconds
            closing.insert(session.name)
            if !session.isStopping { rested.insert(session.name) }
            ended.append(session)
            asideIsNew = true
        }
        return ended
    }

    var hasSeveral: Bool { sessions.count + aside.count + opening.count > 1 }
    var isBusy: Bool { sessions.values.contains { !$0.park.isEmpty } }

    /// CPU seconds of all workers since the client began.
    var workerCPUSeconds: Double {
        sessions.values.reduce(goneCPUSeconds) { $0 + $1.park.endedCPUSeconds + $1.park.liveCPUSeconds }
    }

    // MARK: Folders

    struct Look {
        var gone: [ProjectSession] = []
        var leaving: [ProjectSession] = []
        var new: [String] = []
    }

    /// What has changed among the folders of projects.
    ///
    /// - Parameter now: by the monotonic clock.
    mutating func look(now: Double) -> Look {
        var look = Look()
        // A folder that cannot be listed now says nothing of what is in it.
        guard let names = try? ProjectNames.attached(in: data) else { return look }
        isAttached = !names.isEmpty
        for name in aside.keys where !names.contains(name) {
            aside[name] = nil
            asideIsNew = true
        }
        for session in inOrder where !session.hasEnded {
            if !names.contains(session.name) {
                look.gone.append(session)
            } else if isWantedElsewhere(session.name) {
                look.leaving.append(session)
            }
        }
        let taken = Set(sessions.values.map(\.name)).union(opening).union(closing).union(rested)
        for name in names where !taken.contains(name) && !isWantedElsewhere(name) {
            if let kept = aside[name] {
                let next = kept.nextTry ?? now + Self.retrySeconds
                aside[name]?.nextTry = next
                guard now >= next else { continue }
            }
            look.new.append(name)
        }
        return look
    }

    private func isWantedElsewhere(_ name: String) -> Bool {
        LeaveWish.isThere(for: ProjectNames.path(name, in: data))
    }

    // MARK: The end

    /// Why not one project can be worked for, at the start only; later they are waited for.
    var startFault: Fault? {
        guard !hasWorked, !waits, opening.isEmpty else { return nil }
        return aside.sorted { $0.key < $1.key }.first?.value.fault
    }

    /// Whether the client has nothing to live for.
    func isDone(isStopping: Bool) -> Bool {
        guard sessions.isEmpty, opening.isEmpty, closing.isEmpty else { return false }
        return isStopping || !rested.isEmpty || !isAttached && !waits
    }

    // MARK: Status

    var hasNews: Bool { asideIsNew || sessions.values.contains(where: \.hasNews) }

    mutating func forgetNews() {
        asideIsNew = false
        for session in sessions.values { session.hasNews = false }
    }

    /// - Parameter shares: by the servers' addresses.
    func asideStatus(shares: [String: Double]) -> [ClientStatus.Project] {
        aside.map { name, aside in
            let attachment = try? ProjectDirectory.recoveredIdentity(in: ProjectNames.path(name, in: data))
            return ClientStatus.Project(
                name: name, state: "set aside", attachment: attachment ?? nil,
                share: attachment.flatMap { $0 }.flatMap { shares[$0.serverURL] } ?? ShareRules.standardShare,
                problem: "\(aside.fault)")
        }
    }
}
