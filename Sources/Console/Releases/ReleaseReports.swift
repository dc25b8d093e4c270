import Bytes
import ClientSystem
import Domain
import Releases
import Wire
import WorkerHost

/// `millrace release show`: what is published, by which keys, until when, and what waits for signatures.
public struct ReleaseShowCommand: Sendable {
    private let folder: ReleaseFolder
    private let now: Timestamp

    public init(folder: String, now: Timestamp) {
        self.folder = ReleaseFolder(folder)
        self.now = now
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let repository = try folder.repository()
        guard let root = repository.newestRoot else { return FaultKind.negative.rawValue }
        var rows: [(role: ReleaseRole, header: ReleaseHeader?)] = []
        rows.append((.root, repository.root?.body.header))
        rows.append((.targets, repository.targets?.body.header))
        rows.append((.snapshot, repository.snapshot?.body.header))
        rows.append((.timestamp, repository.timestamp?.body.header))
        var table = TextTable([
            .init("role"), .init("version", .right), .init("valid until"), .init("keys", flexible: true),
        ])
        for (role, header) in rows {
            let keys = root[role].keys.map { String(Hex.encode($0.rawRepresentation).prefix(16)) }.sorted()
            let isLate = header.map { $0.expires <= now } ?? false
            table.add([
                role.rawValue, header.map { "\($0.version)" } ?? "-",
                (header.map { ReleaseMoment.text($0.expires) } ?? "-") + (isLate ? " (past)" : ""),
                "\(root[role].threshold) of \(keys.joined(separator: ", "))",
            ])
        }
        let list = repository.newestTargets
        var text = "releases of \(root.header.name)\n" + table.text(width: context.screen.width)
        for app in list?.apps ?? [] {
            text += "\(app.name) \(app.version): \(app.files.map(\.platform).joined(separator: ", "))"
            text += app.layers.isEmpty ? "\n" : "; needs \(app.layers.joined(separator: ", "))\n"
        }
        if let client = list?.newestClient { text += "newest client: \(client)\n" }
        let drafts = [repository.rootDraft?.file.name, repository.targetsDraft?.file.name].compactMap { $0 }
        if !drafts.isEmpty { text += "to be signed: \(drafts.joined(separator: ", "))\n" }
        context.answer(json(rows, root, list, drafts), text: text)
        return 0
    }

    private func json(
        _ rows: [(role: ReleaseRole, header: ReleaseHeader?)], _ root: RootBody, _ list: TargetsBody?,
        _ drafts: [String]
    ) -> JSONValue {
        let roles: [JSONValue] = rows.map { role, header in
            let keys = root[role].keys.map { Hex.encode($0.rawRepresentation) }.sorted()
            return .members([
                ("role", .text(role.rawValue)), ("version", header.map { .integer($0.version) } ?? .null),
                ("expires", header.map { .text(ReleaseMoment.text($0.expires)) } ?? .null),
                ("threshold", .integer(Int64(root[role].threshold))), ("keys", .list(keys.map { .text($0) })),
            ])
        }
        return .members([
            ("name", .text(root.header.name)), ("roles", .list(roles)), ("apps", .list((list?.apps ?? []).map(json))),
            ("newest_client", list?.newestClient.map { .text($0) } ?? .null),
            ("drafts", .list(drafts.map { .text($0) })),
        ])
    }

    private func json(_ app: AppRelease) -> JSONValue {
        let files: [JSONValue] = app.files.map { file in
            .members([
                ("platform", .text(file.platform)), ("sha256", .text(file.digest.hex)), ("size", .integer(file.size)),
                ("interpreter", file.interpreter.map { .text($0) } ?? .null),
            ])
        }
        return .members([
            ("name", .text(app.name)), ("version", .text(app.version)),
            ("needs", .list(app.layers.map { .text($0) })), ("files", .list(files)),
        ])
    }
}

/// `millrace release verify`: looks at a folder, or at what a server serves, as a client does.
public struct ReleaseVerifyCommand: Sendable {
    private let place: String
    private let project: VerifyingKey?
    private let now: Timestamp

    /// - Parameter place: a folder, or the address of a server.
    /// - Parameter project: the project's key, 64 hexadecimal digits: for a server, which signs where newcomers begin.
    /// - Throws: `.usage` for something that is no key.
    public init(place: String, project: String?, now: Timestamp) throws(Fault) {
        self.place = place
        if let project { self.project = try ReleaseKeys.verifying(project) } else { self.project = nil }
        self.now = now
    }

    /// The server's own word, for a first look.
    private static func key(
        of url: String, _ transport: HTTPTransport, _ context: CommandContext
    ) throws(Fault) -> VerifyingKey {
        let info = try ServerLink(transport: transport, serverURL: url).project()
        guard let key = VerifyingKey(rawRepresentation: Array(info.publicKey)) else {
            throw Fault(.protocolError, "\(url) has no project key")
        }
        context.remark("the project's key is the server's own word; --project-key names the one that you know")
        return key
    }

    /// - Returns: 1 when something is refused or missing.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let isServer = place.hasPrefix("http://") || place.hasPrefix("https://")
        var update: ReleaseUpdate
        let refusal: ReleaseRefusal?
        var flaws: [String] = []
        if isServer {
            let transport = HTTPTransport(userAgent: "millrace")
            let url = try ServerLink.normalised(place)
            let key: VerifyingKey
            if let project { key = project } else { key = try Self.key(of: url, transport, context) }
            update = ReleaseUpdate(project: key, trusted: nil, startedAt: now)
            refusal = try update.run(ReleaseFetcher(transport: transport, serverURL: url).read)
        } else {
            (update, refusal) = try readFolder()
            if let list = update.trusted?.believed?.targets.body { flaws = ReleaseFolder(place).flaws(of: list) }
        }
        return answer(update.trusted, refusal, flaws, context)
    }

    private func readFolder() throws(Fault) -> (ReleaseUpdate, ReleaseRefusal?) {
        let folder = ReleaseFolder(place)
        let first = "\(folder.path)/\(ReleaseFile.root(1).name)"
        guard Files.exists(first) else {
            throw Fault(.noInput, "\(Printable.clean(place)) has no file 1.root", advice: "Is it a release folder?")
        }
        let root = try Files.read(first, limit: ReleaseLimits.rootBytesMax)
        // The folder's first root is believed for its own sake; no project's key is needed.
        let key = project ?? SigningKey().publicKey
        let trusted: TrustedReleases
        do throws(ReleaseRefusal) { trusted = try TrustedReleases(project: key, root: root, version: 1) } catch {
            return (ReleaseUpdate(project: key, trusted: nil, startedAt: now), error)
        }
        var update = ReleaseUpdate(project: key, trusted: trusted, startedAt: now)
        let refusal = try update.run { (want) throws(Fault) -> [UInt8]? in
            let path = "\(folder.path)/\(want.file.name)"
            return Files.exists(path) ? try Files.read(path, limit: want.bytesMax + 1) : nil
        }
        return (update, refusal)
    }

    private func answer(
        _ trusted: TrustedReleases?, _ refusal: ReleaseRefusal?, _ flaws: [String], _ context: CommandContext
    ) -> Int32 {
        let isSound = refusal == nil && flaws.isEmpty
        var text = ""
        if let trusted { text += "root \(trusted.root.version) of \(trusted.name): \(trusted.rootFingerprint)\n" }
        if let refusal { text += Printable.clean("\(refusal)") + "\n" }
        for flaw in flaws { text += Printable.clean(flaw) + "\n" }
        let apps = trusted?.believed?.targets.body.apps.count ?? 0
        if isSound { text += "A client believes it: \(Amounts.count(UInt64(apps), "app release")).\n" }
        context.answer(
            .members([
                ("ok", .flag(isSound)), ("name", trusted.map { .text($0.name) } ?? .null),
                ("root_version", trusted.map { .integer($0.root.version) } ?? .null),
                ("root_fingerprint", trusted.map { .text($0.rootFingerprint) } ?? .null),
                ("refusal", refusal.map { .text("\($0)") } ?? .null),
                ("flaws", .list(flaws.map { .text($0) })), ("apps", .integer(Int64(apps))),
            ]), text: text)
        return isSound ? 0 : FaultKind.negative.rawValue
    }
}

/// `millrace release publish`: uploads the programs that the server does not have, then all metadata at once.
public struct ReleasePublishCommand: Sendable {
    private let folder: ReleaseFolder
    private let client: ServerClient

    public init(folder: String, client: ServerClient) {
        self.folder = ReleaseFolder(folder)
        self.client = client
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let repository = try folder.repository()
        guard let list = repository.targets?.body, repository.timestamp != nil else {
            throw Fault(
                .negative, "nothing is signed in \(Printable.clean(folder.path)) yet",
                advice: "`millrace release sign` signs it, `millrace release show` says what is missing.")
        }
        if let flaw = folder.flaws(of: list).first {
            throw Fault(.badData, Printable.clean(flaw), advice: "Restore it from a copy: releases never change.")
        }
        if client.isExposed {
            context.remark("warning: the token travels unencrypted to \(client.url); use https")
        }
        var uploaded: Set<Digest> = []
        for app in list.apps {
            for file in app.files where uploaded.insert(file.digest).inserted {
                let name = "\(app.name) \(app.version) for \(file.platform)"
                let reference = InputReference(name: name, digest: file.digest, size: file.size, packing: .raw)
                try client.upload(reference, from: folder.program(file.digest)) { _ in }
            }
        }
        var bundle = ReleaseBundle()
        for (file, bytes) in try folder.published() { bundle.add(file.name, bytes) }
        try client.publishReleases(bundle)
        let version = repository.timestamp?.version ?? 0
        let count = Amounts.count(UInt64(list.apps.count), "release")
        context.answer(
            .members([
                ("server", .text(client.url)), ("timestamp", .integer(version)),
                ("programs", .integer(Int64(uploaded.count))),
            ]), text: "published to \(client.url): \(count), timestamp \(version)\n")
        return 0
    }
}
