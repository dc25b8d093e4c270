import ClientCore
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// Turns a client's folder of version 1, which was one project's, into one of version 2: what belongs to the project
/// moves into `projects/NAME`.
///
/// Nothing is copied, everything is renamed, one thing a step. First the target is written into `taking-over`: as long
/// as that file is there, the next start goes on with what has not moved yet. A client of version 1 refuses the folder
/// from the second step on.
package struct TakeOver {
    private let data: String
    private static let planFile = "taking-over"
    /// What version 1 kept, in the order in which it moves. `status.json` is not among it: it only informs.
    private static let things = [
        "slots", "blobs", "cache", "receipts.old", "receipts", "state", "host.key", "identity.json",
    ]
    private static let version = "2\n"
    /// Receipts of a project that was left long ago, with nothing that says which.
    private static let left = "earlier_00000000"

    /// - Parameter data: the client's folder, whose lock is held.
    package init(data: String) { self.data = data }

    /// Whether something of version 1 lies there.
    package var isDue: Bool {
        if Files.exists("\(data)/\(Self.planFile)") { return true }
        return (try? readVersion()) != Self.version && Self.things.contains { Files.exists("\(data)/\($0)") }
    }

    /// Does all steps.
    ///
    /// - Parameter fallback: the project's folder when the old one does not say whose it is; nil: that is an error.
    /// - Throws: `.configuration` when the old folder does not say whose it is; `.cannotWrite`, `.osError`.
    package func run(fallback: String?, say: (String) -> Void) throws(Fault) {
        while try step(fallback: fallback, say: say) {}
    }

    /// Does the next step.
    ///
    /// - Returns: false when nothing was left to do.
    package func step(fallback: String?, say: (String) -> Void) throws(Fault) -> Bool {
        guard isDue else { return false }
        let plan = "\(data)/\(Self.planFile)"
        guard let name = try readPlan() else {
            let name = try target(fallback)
            try Files.replace(plan, with: Array("\(name)\n".utf8))
            say("the folder of an earlier version becomes \(ProjectNames.folder)/\(name)")
            return true
        }
        guard try readVersion() == Self.version else {
            try Files.replace("\(data)/version", with: Array(Self.version.utf8))
            return true
        }
        let target = ProjectNames.path(name, in: data)
        guard Files.exists(target) else {
            try Files.makeFolder(target)
            Files.syncFolder(of: target)
            return true
        }
        if let thing = try remaining().first {
            try move(thing, to: target, say: say)
            return true
        }
        try Files.remove("\(data)/status.json")
        try Files.remove(plan)
        Files.syncFolder(of: plan)
        return true
    }

    private func remaining() throws(Fault) -> [String] {
        let damaged = try Files.names(in: data).filter { $0.hasPrefix("state\(ProjectNames.damagedMark)") }
        return (damaged + Self.things).filter { Files.exists("\(data)/\($0)") }
    }

    private func move(_ thing: String, to target: String, say: (String) -> Void) throws(Fault) {
        let goal = "\(target)/\(thing)"
        // Somebody put it there by hand: neither is lost.
        if Files.exists(goal) { say("\(goal) was there already; it is now \(try ProjectNames.setAside(goal))") }
        guard rename("\(data)/\(thing)", goal) == 0 else { throw Files.fault("move", "\(data)/\(thing)") }
        Files.syncFolder(of: goal)
        Files.syncFolder(of: "\(data)/\(thing)")
    }

    private func readPlan() throws(Fault) -> String? {
        let plan = "\(data)/\(Self.planFile)"
        guard Files.exists(plan) else { return nil }
        let name = String(decoding: try Files.read(plan, limit: 256), as: UTF8.self).filter { !$0.isNewline }
        guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
            throw Fault(
                .configuration, "\(plan) is damaged: it does not name a project's folder",
                advice: "Remove it, and start the client again.")
        }
        return name
    }

    private func readVersion() throws(Fault) -> String? {
        guard Files.exists("\(data)/version") else { return nil }
        return String(decoding: try Files.read("\(data)/version", limit: 64), as: UTF8.self)
    }

    /// Whose folder it is: by its identity, or the copy of that in its state.
    private func target(_ fallback: String?) throws(Fault) -> String {
        if let url = try ProjectDirectory.recoveredIdentity(in: data)?.serverURL { return ProjectNames.name(for: url) }
        let holdsWork = ["identity.json", "state", "slots", "host.key"].contains { Files.exists("\(data)/\($0)") }
        guard holdsWork else { return Self.left }
        guard let fallback else {
            throw Fault(
                .configuration, "\(data) does not say where this host is attached: identity.json is missing or damaged",
                advice:
                    "Run `millrace-client attach URL` with the same address: host.key tells the server who this is, "
                    + "and tasks and results stay.")
        }
        return fallback
    }
}
