import Bytes
import ClientCore
import Domain
import FoundationEssentials
import Glibc
import Wire
import WorkerHost

/// Joining a project and leaving it.
public enum Attachment {
    /// What a volunteer sees of the project before its key is pinned.
    public struct Introduction: Sendable {
        public var serverURL: String
        public var site: String
        /// `name: title`, a line each.
        public var projects: [String]
        public var key: VerifyingKey

        /// SHA-256 of the key in groups of four digits: short enough to compare with what the project publishes.
        public var fingerprint: String {
            let hex = Array(SHA256Hash.digest(of: key.rawRepresentation).hex.prefix(32))
            return stride(from: 0, to: hex.count, by: 4).map { String(hex[$0..<$0 + 4]) }.joined(separator: " ")
        }
    }

    /// Asks the server who it is, checks that against the pin, registers this host, and saves the identity.
    ///
    /// - Parameter volunteer: 1 ... 64 bytes, no control characters.
    /// - Parameter show: told what the server says, before anything is saved.
    /// - Throws: `.usage` for a bad address or name, `.configuration` when the host is attached elsewhere, `.refused`
    ///   when the project's key is not the pinned one; what the transport throws.
    public static func attach(
        url: String, volunteer: String, directory: DataDirectory, show: (Introduction) -> Void
    ) throws(Fault) -> ClientState.Attachment {
        guard !volunteer.isEmpty, volunteer.utf8.count <= Limits.volunteerNameBytesMax,
            volunteer.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw Fault(.usage, "a volunteer's name has 1 to \(Limits.volunteerNameBytesMax) bytes, all printable")
        }
        let address = try ServerLink.normalised(url)
        let old = try directory.identity()
        if let old, old.serverURL != address {
            throw Fault(
                .configuration, "\(directory.path) is attached to \(old.serverURL)",
                advice: "Detach first, or use another folder with --data.")
        }
        let transport = HTTPTransport(userAgent: "millrace-client/\(HostInventory.clientVersion)")
        let link = ServerLink(transport: transport, serverURL: address)
        let info = try link.project()
        guard let key = VerifyingKey(rawRepresentation: Array(info.publicKey)) else {
            throw Fault(.protocolError, "\(address) has no project key")
        }
        let introduction = Introduction(
            serverURL: address, site: printable(info.site),
            projects: info.projects.prefix(50).map { printable("\($0.name): \($0.title)") }, key: key)
        show(introduction)
        if let old, old.projectKey != key.rawRepresentation {
            throw Fault(
                .refused, "the project's key is not the one that was pinned when this host attached",
                advice: "Ask the project why. To accept the new key, detach and attach anew.")
        }
        let reply = try link.register(
            volunteer: volunteer, profile: HostInventory.profile(folder: directory.path),
            key: try directory.hostKey(makingOne: true))
        let identity = ClientState.Attachment(
            serverURL: address, site: introduction.site, projectKey: key.rawRepresentation,
            host: HostID(rawValue: Int64(reply.hostID)),
            volunteerName: reply.volunteerName.isEmpty ? volunteer : printable(reply.volunteerName))
        try directory.save(identity)
        return identity
    }

    /// What leaving loses, a line for each task.
    public struct Losses: Hashable, Sendable {
        /// Finished results that the server does not have yet.
        public var unreported: [String] = []
        /// Tasks without a result.
        public var open: [String] = []
        /// Why the server could not be told of those; nil: it was, or there are none.
        public var untold: String?
    }

    /// What leaving would lose. Without an identity that can be read the folders of tasks alone are asked.
    ///
    /// - Parameter say: told what is damaged in the folder.
    public static func losses(in directory: DataDirectory, say: (String) -> Void = { _ in }) throws(Fault) -> Losses {
        let finished = Set(try directory.findings(say: say).filter { $0.result != nil }.map(\.task))
        var unreported: [String] = []
        var open: [String] = []
        let isAttached = ((try? directory.identity()) ?? nil) != nil
        let tasks = isAttached ? try directory.loadState(say: say).tasks : []
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

    /// Gives open tasks back to the server, where it can be reached, and removes the host's identity and everything
    /// that belongs to it; the folder itself when it is empty then.
    ///
    /// - Returns: what was lost by it, as far as it could be found out.
    /// - Throws: `.noInput` when the folder holds nothing of a project, `.negative` when results would be lost and
    ///   `force` is false; both before anything is removed.
    @discardableResult
    public static func detach(_ directory: DataDirectory, force: Bool) throws(Fault) -> Losses {
        guard ["identity.json", "state", "slots"].contains(where: { Files.exists("\(directory.path)/\($0)") }) else {
            throw Fault(
                .noInput, "not attached: \(directory.path) holds nothing of a project",
                advice: "Check --data; `millrace-client attach URL` joins a project.")
        }
        var losses = try lossesOrWhy(directory, force: force)
        guard force || losses.unreported.isEmpty else {
            throw Fault(
                .negative,
                "\(losses.unreported.count) finished results would be lost:\n  "
                    + losses.unreported.joined(separator: "\n  "),
                advice: Files.exists("\(directory.path)/identity.json")
                    ? "Let `millrace-client run` report them first, or use --force."
                    : "identity.json is missing: attach to the same project again and let `millrace-client run` report "
                        + "them, or use --force.")
        }
        // Nothing finished is left to lose but with `force`: then those tasks go back, too.
        if losses.untold == nil, !losses.open.isEmpty || !losses.unreported.isEmpty {
            do throws(Fault) { try giveBack(directory) } catch { losses.untold = error.message }
        }
        for name in [
            "host.key", "identity.json", "state", "status.json", "slots", "blobs", "cache", "releases", "version",
        ] {
            try Files.remove("\(directory.path)/\(name)")
        }
        directory.removeTemporaries()
        for name in try Files.names(in: directory.path) where name.hasPrefix("state.damaged-") {
            try Files.remove("\(directory.path)/\(name)")
        }
        try Files.remove("\(directory.path)/lock")
        rmdir(directory.path)
        return losses
    }

    /// With `force` a damaged folder keeps nobody from leaving; it cannot say which tasks are out, and the server is
    /// not told.
    private static func lossesOrWhy(_ directory: DataDirectory, force: Bool) throws(Fault) -> Losses {
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

    private static func giveBack(_ directory: DataDirectory) throws(Fault) {
        let state = try directory.loadState(say: { _ in })
        try GivingBack.tell(state, key: try directory.hostKey(), folder: directory.path)
    }

    private static func printable(_ text: String) -> String {
        PrintableText.clean(String(String.UnicodeScalarView(text.unicodeScalars.prefix(300))))
    }
}
