import Bytes
import ClientCore
import Domain
import FoundationEssentials
import Glibc
import Releases
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
        /// SHA-256 of the root of its releases in groups of four digits; nil: it has published no programs.
        public var releaseRoot: String?
        /// Why its releases are not believed; nil: nothing is wrong with them.
        public var releaseTrouble: String?

        /// SHA-256 of the key in groups of four digits: short enough to compare with what the project publishes.
        public var fingerprint: String {
            let hex = Array(SHA256Hash.digest(of: key.rawRepresentation).hex.prefix(32))
            return stride(from: 0, to: hex.count, by: 4).map { String(hex[$0..<$0 + 4]) }.joined(separator: " ")
        }
    }

    /// Asks the server who it is, checks that against the pin, registers this host, and saves the identity. Works
    /// beside a running client, which takes the project up within seconds.
    ///
    /// - Parameter volunteer: 1 ... 64 bytes, no control characters.
    /// - Parameter linkCode: whose volunteer the host joins; then `volunteer` is not looked at.
    /// - Parameter data: the client's folder.
    /// - Parameter say: told what was found damaged or old.
    /// - Parameter show: told what the server says, before anything is saved.
    /// - Throws: `.usage` for a bad address or name, `.refused` when the project's key is not the pinned one,
    ///   `.configuration` when another command is at work; what the transport throws.
    public static func attach(
        url: String, volunteer: String, linkCode: LinkCode? = nil, data: String, say: (String) -> Void = { _ in },
        show: (Introduction) -> Void
    ) throws(Fault) -> ClientState.Attachment {
        guard !volunteer.isEmpty, volunteer.utf8.count <= Limits.volunteerNameBytesMax,
            volunteer.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw Fault(.usage, "a volunteer's name has 1 to \(Limits.volunteerNameBytesMax) bytes, all printable")
        }
        let address = try ServerLink.normalised(url)
        let name = ProjectNames.name(for: address)
        let transport = HTTPTransport(userAgent: "millrace-client/\(HostInventory.clientVersion)")
        let link = ServerLink(transport: transport, serverURL: address)
        let info = try link.project()
        guard let key = VerifyingKey(rawRepresentation: Array(info.publicKey)) else {
            throw Fault(.protocolError, "\(address) has no project key")
        }
        let folder = "\(ProjectNames.path(name, in: data))/releases"
        let pin = ReleasePin.look(
            ReleaseStore(folder: folder, project: key), serverURL: address, transport: transport)
        let introduction = Introduction(
            serverURL: address, site: printable(info.site),
            projects: info.projects.prefix(50).map { printable("\($0.name): \($0.title)") }, key: key,
            releaseRoot: pin.trusted?.rootFingerprint, releaseTrouble: pin.trouble.map(printable))
        show(introduction)
        // Not before the address has proven to be a server's: an old folder may go by it.
        let data = try DataDirectory.prepare(data, fallback: name, say: say)
        let place = try Place.open(ProjectNames.path(name, in: data), say: say)
        if let old = place.identity, old.projectKey != key.rawRepresentation {
            throw Fault(
                .refused, "the project's key is not the one that was pinned when this host attached",
                advice: "Ask the project why. To accept the new key, detach and attach anew.")
        }
        let reply = try link.register(
            volunteer: volunteer, linkCode: linkCode, profile: HostInventory.profile(folder: data), key: place.key)
        let identity = ClientState.Attachment(
            serverURL: address, site: introduction.site, projectKey: key.rawRepresentation,
            host: HostID(rawValue: Int64(reply.hostID)),
            volunteerName: reply.volunteerName.isEmpty ? volunteer : printable(reply.volunteerName))
        try ProjectDirectory.save(identity, in: place.path)
        // A running client keeps its own, which may be newer by now.
        if let directory = place.directory, let trusted = pin.trusted {
            try directory.releases(of: key).keep(trusted)
        }
        // Its lock until here.
        withExtendedLifetime(place) {}
        return identity
    }

    /// Where an attachment goes: its folder, with what is there of it already.
    private struct Place {
        var path: String
        var key: SigningKey
        /// nil: this host is attached there for the first time, or the file was damaged.
        var identity: ClientState.Attachment?
        /// nil: a running client has the folder.
        var directory: ProjectDirectory?

        /// - Parameter say: told that a folder whose key is lost was set aside.
        static func open(_ path: String, say: (String) -> Void) throws(Fault) -> Place {
            if ProjectDirectory.isInUse(path) {
                let (identity, key) = try ProjectDirectory.credentials(in: path)
                return Place(path: path, key: key, identity: identity)
            }
            if Files.exists(path), !Files.isFolder(path) { say(try asideWords(path, "it is no folder")) }
            let directory = try ProjectDirectory(path: path)
            try directory.repairIdentity(say: say)
            var identity: ClientState.Attachment?
            // A damaged one is written anew.
            do throws(Fault) { identity = try directory.identity() } catch { say("\(error.message)") }
            do throws(Fault) {
                let key = try directory.hostKey(makingOne: !directory.holdsWork)
                return Place(path: path, key: key, identity: identity, directory: directory)
            } catch {
                guard error.kind == .configuration else { throw error }
                directory.release()
                say(try asideWords(path, error.message))
            }
            // The server knew that host by the lost key: this is another one to it.
            let fresh = try ProjectDirectory(path: path)
            return Place(path: path, key: try fresh.hostKey(makingOne: true), directory: fresh)
        }

        private static func asideWords(_ path: String, _ why: String) throws(Fault) -> String {
            "\(why); what was there is kept as \(try ProjectNames.setAside(path))"
        }
    }

    private static func printable(_ text: String) -> String {
        PrintableText.clean(String(String.UnicodeScalarView(text.unicodeScalars.prefix(300))))
    }
}

extension Attachment {
    /// The projects that this host is attached to, in order of their names; `attachment` is nil where the folder does
    /// not say it.
    ///
    /// - Parameter data: the client's folder.
    public static func list(
        in data: String
    ) throws(Fault) -> [(name: String, attachment: ClientState.Attachment?)] {
        var all: [(name: String, attachment: ClientState.Attachment?)] = []
        for name in try ProjectNames.attached(in: data) {
            let path = ProjectNames.path(name, in: data)
            all.append((name, (try? ProjectDirectory.recoveredIdentity(in: path)) ?? nil))
        }
        return all
    }

    /// The folder of a project that a person names; works beside a running client.
    ///
    /// - Parameter which: as `ProjectNames.find`.
    /// - Parameter data: the client's folder.
    public static func folder(of which: String?, in data: String) throws(Fault) -> String {
        guard DataDirectory.exists(data) else {
            throw Fault(
                .configuration, "this host is not attached to a project",
                advice: "Run `millrace-client attach URL` first, or check --data.")
        }
        let data = try DataDirectory.prepare(data, say: { _ in })
        return ProjectNames.path(try ProjectNames.find(which, in: data), in: data)
    }
}
