import CPosix
import ClientCore
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// Leaving a project.
extension Attachment {
    /// What leaving loses, a line for each task.
    public struct Losses: Hashable, Sendable {
        /// Finished results that the server does not have yet.
        public var unreported: [String] = []
        /// Tasks without a result.
        public var open: [String] = []
        /// Why the server could not be told of those; nil: it was, or there are none.
        public var untold: String?
        /// The server's word, where the volunteer was erased.
        public var erasure: Erasure?
    }

    /// How a host parts with its project.
    public enum Parting: Hashable, Sendable {
        /// The account stays, with the other hosts and the credit.
        case leave
        /// The account is erased, on all hosts.
        case erase
    }

    /// What leaving would lose. Without an identity that can be read the folders of tasks alone are asked.
    ///
    /// - Parameter say: told what is damaged in the folder.
    public static func losses(in directory: ProjectDirectory, say: (String) -> Void = { _ in }) throws(Fault) -> Losses
    {
        let finished = Set(try directory.findings(say: say).filter { $0.result != nil }.map(\.task))
        let isAttached = ((try? directory.identity()) ?? nil) != nil
        return losses(of: isAttached ? try directory.loadState(say: say).tasks : [], finished: finished)
    }

    private static func losses(of tasks: [HeldTask], finished: Set<TaskID>) -> Losses {
        var unreported: [String] = []
        var open: [String] = []
        for task in tasks {
            let name = "task \(task.id) \(task.unit?.label ?? "")"
            switch task.stage {
            case .finished: unreported.append("\(name): its result is not reported yet")
            case .offered, .ready:
                if finished.contains(task.id) {
                    unreported.append("\(name): its result is not reported yet")
                } else {
                    open.append("\(name): unfinished, \(Int(task.used.cpuSeconds)) CPU seconds spent")
                }
            case .failed: open.append("\(name): failed, not reported yet")
            }
        }
        let known = Set(tasks.map(\.id))
        unreported += finished.subtracting(known).sorted().map { "task \($0): its result is not reported yet" }
        return Losses(unreported: unreported, open: open)
    }

    /// Leaves one project. A running client is asked to let it go first: its workers write checkpoints and end.
    ///
    /// - Parameter which: as `ProjectNames.find`.
    /// - Parameter data: the client's folder; it goes, too, when nothing is left in it.
    /// - Parameter patienceSeconds: so long a running client may take.
    /// - Returns: the project's folder name, and what was lost.
    /// - Throws: `.noInput` when this host is not attached there, `.usage` when it could be several, `.negative` when
    ///   results would be lost and `force` is false, `.interrupted` when a running client does not let go; all before
    ///   anything is removed.
    public static func detach(
        _ which: String?, data: String, force: Bool, parting: Parting = .leave, patienceSeconds: Double = 60,
        say: (String) -> Void = { _ in }
    ) throws(Fault) -> (name: String, losses: Losses) {
        let data = try DataDirectory.prepare(data, fallback: ProjectNames.unknown, say: say)
        let name = try ProjectNames.find(which, in: data)
        let path = ProjectNames.path(name, in: data)
        let wish = try LeaveWish(project: path)
        let losses: Losses
        do throws(Fault) {
            if ProjectDirectory.isInUse(path) {
                // Nobody's work is interrupted for a refusal.
                if !force { try refuse(peek(path), path) }
                say("the running client is asked to let \(name) go")
            }
            let directory = try take(path, patienceSeconds: patienceSeconds)
            defer { directory.release() }
            try? directory.repairIdentity(say: say)
            losses = try detach(directory, force: force, parting: parting)
        } catch {
            wish.end()
            throw error
        }
        wish.end()
        tidy(data)
        return (name, losses)
    }

    /// What leaving would lose, looked at beside a running client.
    private static func peek(_ path: String) -> Losses {
        let finished = ((try? Files.names(in: "\(path)/slots")) ?? []).filter {
            Files.exists("\(path)/slots/\($0)/\(RunFolder.result)")
        }
        let state = try? StateFile.decode(try Files.read("\(path)/state", limit: StateFile.bytesMax))
        return losses(of: state?.tasks ?? [], finished: Set(finished.compactMap { Int64($0).map(TaskID.init) }))
    }

    private static func take(_ path: String, patienceSeconds: Double) throws(Fault) -> ProjectDirectory {
        let end = millrace_monotonic_seconds() + patienceSeconds
        while ProjectDirectory.isInUse(path) {
            guard millrace_monotonic_seconds() < end else {
                throw Fault(
                    .interrupted, "the running client does not let \(ProjectNames.last(path)) go",
                    advice: "Stop that client, and run the command again.")
            }
            usleep(50_000)
        }
        return try ProjectDirectory(path: path)
    }

    private static func refuse(_ losses: Losses, _ path: String) throws(Fault) {
        guard !losses.unreported.isEmpty else { return }
        throw Fault(
            .negative,
            "\(losses.unreported.count) finished results would be lost:\n  "
                + losses.unreported.joined(separator: "\n  "),
            advice: Files.exists("\(path)/identity.json")
                ? "Let `millrace-client run` report them first, or use --force."
                : "identity.json is missing: attach to the same project again and let `millrace-client run` report "
                    + "them, or use --force.")
    }

    /// The client's own files, when no project is left and no client runs; receipts of projects that were left stay.
    private static func tidy(_ data: String) {
        guard ((try? ProjectNames.attached(in: data)) ?? [""]).isEmpty, let lock = try? FolderLock.take("\(data)/lock")
        else { return }
        defer { FolderLock.release(lock) }
        for name in ["status.json", "shares.json", "transfers"] { try? Files.remove("\(data)/\(name)") }
        rmdir("\(data)/\(ProjectNames.folder)")
        guard !Files.exists("\(data)/\(ProjectNames.folder)") else { return }
        for name in ["version", "lock"] { try? Files.remove("\(data)/\(name)") }
        rmdir(data)
    }

    /// Gives open tasks back to the server, where it can be reached, and removes the host's identity and everything
    /// that belongs to it; the folder itself when it is empty then, since receipts stay.
    ///
    /// - Returns: what was lost by it, as far as it could be found out.
    /// - Throws: `.noInput` when the folder holds nothing of a project, `.negative` when results would be lost and
    ///   `force` is false; both before anything is removed.
    @discardableResult
    package static func detach(
        _ directory: ProjectDirectory, force: Bool, parting: Parting = .leave
    ) throws(Fault) -> Losses {
        guard directory.holdsWork else {
            throw Fault(
                .noInput, "not attached: \(directory.path) holds nothing of a project",
                advice: "Check --data; `millrace-client attach URL` joins a project.")
        }
        var losses = try lossesOrWhy(directory, force: force)
        if !force { try refuse(losses, directory.path) }
        switch parting {
        case .erase: losses.erasure = try Erasure.ask(directory)
        // Nothing finished is left to lose but with `force`: then those tasks go back, too.
        case .leave where losses.untold == nil && (!losses.open.isEmpty || !losses.unreported.isEmpty):
            do throws(Fault) {
                try giveBack(directory)
                sayFarewell(directory)
            } catch { losses.untold = error.message }
        case .leave: sayFarewell(directory)
        }
        // The identity last: what is left of an act that was cut short can still be named, and left again.
        let names = [
            "slots", "blobs", "cache", "releases", "history", "about.json", "state", "host.key", "identity.json",
        ]
        for name in names {
            try Files.remove("\(directory.path)/\(name)")
        }
        directory.removeTemporaries()
        for name in try Files.names(in: directory.path)
        where ["state", "history", "identity.json"].contains(where: { name.hasPrefix($0 + ProjectNames.damagedMark) }) {
            try Files.remove("\(directory.path)/\(name)")
        }
        try Files.remove("\(directory.path)/lock")
        rmdir(directory.path)
        return losses
    }

    /// With `force` a damaged folder keeps nobody from leaving; it cannot say which tasks are out, and the server is
    /// not told.
    private static func lossesOrWhy(_ directory: ProjectDirectory, force: Bool) throws(Fault) -> Losses {
        var losses = Losses()
        var words: [String] = []
        do throws(Fault) { losses = try Self.losses(in: directory) { words.append($0) } } catch {
            guard force else { throw error }
            words.append(error.message)
        }
        if ((try? directory.identity()) ?? nil) == nil {
            words.append("\(directory.path) does not say where it is attached")
        }
        if !words.isEmpty { losses.untold = words.joined(separator: "; ") }
        return losses
    }

    /// The server need not list this host any more, and another one may manage the account at once. Where it cannot be
    /// told, it finds out in a month.
    private static func sayFarewell(_ directory: ProjectDirectory) {
        guard let identity = (try? directory.identity()) ?? nil else { return }
        _ = try? VolunteerAccount.perform(.removeHost(identity.host), folder: directory.path)
    }

    private static func giveBack(_ directory: ProjectDirectory) throws(Fault) {
        let state = try directory.loadState(say: { _ in })
        try GivingBack.tell(state, key: try directory.hostKey(), folder: directory.path)
    }
}

/// A detach's wish that a running client let a project go, for as long as the command lives: the file `NAME.leave`
/// beside the project's folder, locked by the command. One that is not locked is of a command that was killed.
package struct LeaveWish {
    private let path: String
    private let lock: Int32

    /// - Parameter project: the project's folder.
    /// - Throws: `.configuration` when another command wishes the same.
    package init(project: String) throws(Fault) {
        path = project + ProjectNames.leaveMark
        guard let lock = try FolderLock.take(path) else {
            throw Fault(.configuration, "another detach of \(ProjectNames.last(project)) is at work")
        }
        self.lock = lock
    }

    package func end() {
        unlink(path)
        FolderLock.release(lock)
    }

    /// Whether somebody wishes that now; what a killed command left is removed.
    package static func isThere(for project: String) -> Bool {
        let path = project + ProjectNames.leaveMark
        guard Files.exists(path) else { return false }
        if FolderLock.isTaken(path) { return true }
        unlink(path)
        return false
    }
}
