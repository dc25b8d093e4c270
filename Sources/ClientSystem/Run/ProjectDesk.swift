import ClientCore
import Domain
import Preferences
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
    /// With the key of the host as which each worked: another one under the same name is somebody new.
    private var rested: [String: [UInt8]] = [:]
    private var aside: [String: Aside] = [:]
    /// The last word of sessions that have ended, while their folders are there.
    private var stopped: [String: ClientStatus.Project] = [:]
    private var numbers = 0
    private var hasWorked = false
    private var isAttached = true
    private var asideIsNew = true
    /// CPU seconds of workers of sessions that have ended.
    private var goneCPUSeconds = 0.0
    /// Of those that have ended by themselves: why the last gave up, and whether another did what it was to do.
    private var giveUp: Fault?
    private var hasSucceeded = false

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
        stopped[session.name] = nil
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
    ///
    /// - Parameter shares: who says how much each project is due.
    mutating func takeEnded(shares: Preferences) -> [ProjectSession] {
        var ended: [ProjectSession] = []
        for (number, session) in sessions where session.hasEnded {
            sessions[number] = nil
            goneCPUSeconds += session.park.endedCPUSeconds
            closing.insert(session.name)
            stopped[session.name] = session.status(share: Self.share(session, shares))
            stopped[session.name]?.state = "stopped"
            if !session.isStopping, !session.isAbandoned {
                if let fault = session.giveUp { giveUp = fault } else { hasSucceeded = true }
                rested[session.name] = hostKey(session.name) ?? []
            }
            ended.append(session)
            asideIsNew = true
        }
        return ended
    }

    /// Those that have ended by themselves, and whom the user wants to go on, are taken up again.
    ///
    /// - Parameter name: nil: all of them.
    /// - Returns: whether there was one.
    @discardableResult
    mutating func wake(_ name: String?) -> Bool {
        guard let name else {
            defer { rested = [:] }
            return !rested.isEmpty
        }
        return rested.removeValue(forKey: name) != nil
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
        rested = rested.filter { name, key in
            guard names.contains(name) else { return false }
            return hostKey(name).map { $0 == key } ?? true
        }
        for name in aside.keys where !names.contains(name) {
            aside[name] = nil
            asideIsNew = true
        }
        for name in stopped.keys where !names.contains(name) {
            stopped[name] = nil
            asideIsNew = true
        }
        for session in inOrder where !session.hasEnded {
            if !names.contains(session.name) {
                look.gone.append(session)
            } else if isWantedElsewhere(session.name) {
                look.leaving.append(session)
            }
        }
        let taken = Set(sessions.values.map(\.name)).union(opening).union(closing).union(rested.keys)
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

    /// Attaching anew makes another one.
    private func hostKey(_ name: String) -> [UInt8]? {
        try? Files.read("\(ProjectNames.path(name, in: data))/host.key", limit: 4096)
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

    /// Why no project's round could be computed; nil: one was, or the client was told to end.
    func endFault(isStopping: Bool) -> Fault? { isStopping || hasSucceeded ? nil : giveUp }

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

    /// All projects, in order of their names.
    ///
    /// - Parameter shares: who says how much each project is due.
    func status(shares: Preferences) -> [ClientStatus.Project] {
        let working = sessions.values.map { $0.status(share: Self.share($0, shares)) }
        let others = stopped.values.filter { aside[$0.name] == nil }
        return (working + others + asideStatus(shares)).sorted { $0.name < $1.name }
    }

    static func share(_ session: ProjectSession, _ shares: Preferences) -> Double {
        shares.share(ofProject: session.machine.state.attachment.serverURL)
    }

    private func asideStatus(_ shares: Preferences) -> [ClientStatus.Project] {
        aside.map { name, aside in
            let path = ProjectNames.path(name, in: data)
            let attachment = (try? ProjectDirectory.recoveredIdentity(in: path)) ?? nil
            return ClientStatus.Project(
                name: name, state: "set aside", attachment: attachment,
                share: attachment.map { shares.share(ofProject: $0.serverURL) } ?? ShareRules.standardShare,
                problem: "\(aside.fault)")
        }
    }
}
