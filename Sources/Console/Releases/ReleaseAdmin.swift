import Bytes
import Domain
import Releases
import WorkerHost

/// What every command of `millrace release` that changes something has: the folder, and the time.
public struct ReleaseAdmin: Sendable {
    let folder: ReleaseFolder
    let terms: ReleaseTerms
    let now: Timestamp

    /// - Parameter now: the present time; ends of validity are counted from it.
    public init(folder: String, terms: ReleaseTerms = ReleaseTerms(), now: Timestamp) {
        self.folder = ReleaseFolder(folder)
        self.terms = terms
        self.now = now
    }

    /// `init`: makes the keys that are not there yet, and a folder without programs, signed by them.
    ///
    /// - Parameter rootKeys: how many, of which `rootThreshold` must sign.
    public func begin(
        name: String, keys: String, rootKeys: Int, rootThreshold: Int, _ context: CommandContext
    ) throws(Fault) -> Int32 {
        guard ReleaseWord.isName(name) else {
            throw Fault(
                .usage, "\(Printable.clean(name)) is no name for releases",
                advice: "Lower-case letters, digits, dots and dashes; for example pulsars.example.org.")
        }
        guard (1...ReleaseLimits.keysPerRoleMax).contains(rootKeys), (1...rootKeys).contains(rootThreshold) else {
            throw Fault(.usage, "\(rootThreshold) of \(rootKeys) root keys can't sign", advice: "For example 2 of 3.")
        }
        guard try Files.names(in: folder.path).isEmpty else {
            throw Fault(.cannotWrite, "\(Printable.clean(folder.path)) is not empty", advice: "Name a new folder.")
        }
        func key(_ name: String) throws(Fault) -> SigningKey {
            let path = "\(ProjectFolder.trimmed(keys))/\(name).key"
            return Files.exists(path) ? try ReleaseKeys.read(path) : try ReleaseKeys.make(path)
        }
        var roots: [SigningKey] = []
        for number in 1...rootKeys { roots.append(try key("root-\(number)")) }
        let (targets, snapshot, timestamp) = (try key("targets"), try key("snapshot"), try key("timestamp"))
        let one = { (key: SigningKey) in RootBody.Keys(threshold: 1, keys: [key.publicKey]) }
        let body = RootBody(
            header: ReleaseHeader(name: name, version: 1, expires: now),
            root: .init(threshold: rootThreshold, keys: Set(roots.map(\.publicKey))), targets: one(targets),
            snapshot: one(snapshot), timestamp: one(timestamp))
        try Files.makeFolder(folder.path, mode: 0o755)
        let repository = ReleaseRepository.begin(body, terms: terms, now: now)
        context.remark("keys are in \(keys): keep copies, and keep those named root and targets offline")
        return try finish(repository, roots + [targets, snapshot, timestamp], context)
    }

    /// `add`: drafts a list with one more release. - Parameter files: `PLATFORM=PATH` each.
    public func add(
        _ app: String, _ version: String, files: [String], layers: [String], interpreter: String?,
        _ context: CommandContext
    ) throws(Fault) -> Int32 {
        let repository = try folder.repository()
        guard let body = repository.newestTargets else { throw Fault(.software, "there is no list of programs") }
        guard body.app(app, version: version) == nil else {
            throw Fault(
                .negative, "\(Printable.clean("\(app) \(version)")) is there already, and a release never changes",
                advice: "Give the new files a new version.")
        }
        var programs: [ProgramFile] = []
        for text in files {
            guard let equals = text.firstIndex(of: "="),
                ProgramFile.platforms.contains(String(text[..<equals]))
            else {
                throw Fault(
                    .usage, "\(Printable.clean(text)) is not PLATFORM=FILE",
                    advice: "The platforms are " + ProgramFile.platforms.joined(separator: ", ") + ".")
            }
            let (digest, size) = try folder.take(String(text[text.index(after: equals)...]))
            let platform = String(text[..<equals])
            programs.append(
                ProgramFile(platform: platform, digest: digest, size: size, interpreter: interpreter))
        }
        let release = AppRelease(name: app, version: version, layers: layers, files: programs)
        if let flaw = release.flaw { throw Fault(.usage, Printable.clean(flaw)) }
        return try change(context) { $0.put(release) }
    }

    /// `withdraw`: drafts a list without a release; clients start it no more.
    public func withdraw(_ app: String, _ version: String, _ context: CommandContext) throws(Fault) -> Int32 {
        guard try folder.repository().newestTargets?.app(app, version: version) != nil else {
            throw Fault(.negative, "there is no release \(Printable.clean("\(app) \(version)"))")
        }
        return try change(context) { $0.withdraw(app, version: version) }
    }

    /// `client`: drafts a list that tells volunteers of a newer client.
    public func announceClient(_ version: String, _ context: CommandContext) throws(Fault) -> Int32 {
        guard ReleaseWord.isWord(version) else { throw Fault(.usage, "\(Printable.clean(version)) is no version") }
        return try change(context) { $0.newestClient = version }
    }

    private func change(_ context: CommandContext, _ change: (inout TargetsBody) -> Void) throws(Fault) -> Int32 {
        var repository = try folder.repository()
        guard var body = repository.newestTargets else { throw Fault(.software, "there is no list of programs") }
        change(&body)
        guard body.apps.count <= ReleaseLimits.appsMax else {
            throw Fault(.negative, "more than \(ReleaseLimits.appsMax) releases", advice: "Withdraw old ones.")
        }
        repository.setTargets(body, terms: terms, now: now)
        return try finish(repository, [], context)
    }

    /// `renew`: drafts the next version of root or targets with the same content and a later end.
    public func renew(_ role: ReleaseRole, _ context: CommandContext) throws(Fault) -> Int32 {
        guard role == .root else { return try change(context) { _ in } }
        return try changeRoot(context) { _ throws(Fault) in }
    }

    /// `keys`: drafts a root with other keys for a role.
    public func changeKeys(
        _ role: ReleaseRole, add: [String], remove: [String], threshold: Int?, _ context: CommandContext
    ) throws(Fault) -> Int32 {
        try changeRoot(context) { (body) throws(Fault) in
            for hex in add { body[role].keys.insert(try ReleaseKeys.verifying(hex)) }
            for hex in remove { body[role].keys.remove(try ReleaseKeys.find(hex, in: body[role], role)) }
            body[role].threshold = threshold ?? body[role].threshold
            guard body[role].isSound else {
                throw Fault(
                    .negative, "\(body[role].threshold) of \(body[role].keys.count) keys can't sign",
                    advice: "--threshold says how many must, at most \(ReleaseLimits.keysPerRoleMax) keys.")
            }
        }
    }

    private func changeRoot(
        _ context: CommandContext, _ change: (inout RootBody) throws(Fault) -> Void
    ) throws(Fault) -> Int32 {
        var repository = try folder.repository()
        guard var body = repository.newestRoot else { throw Fault(.software, "there is no root") }
        try change(&body)
        repository.setRoot(body, terms: terms, now: now)
        return try finish(repository, [], context)
    }

    /// `sign`: signs drafts with the keys that are here, and publishes into the folder what has enough signatures.
    public func sign(keys: [String], _ context: CommandContext) throws(Fault) -> Int32 {
        try finish(try folder.repository(), try ReleaseKeys.all(keys), context)
    }

    /// `refresh`: a new timestamp, so that clients know that there is nothing newer.
    public func refresh(keys: [String], _ context: CommandContext) throws(Fault) -> Int32 {
        var repository = try folder.repository()
        let outcome = repository.refresh(try ReleaseKeys.all(keys), terms: terms, now: now)
        return try finish(repository, outcome, context)
    }

    private func finish(
        _ repository: ReleaseRepository, _ keys: [SigningKey], _ context: CommandContext
    ) throws(Fault) -> Int32 {
        var repository = repository
        let outcome = keys.isEmpty ? ReleaseRepository.Outcome() : repository.sign(keys, terms: terms, now: now)
        return try finish(repository, outcome, context)
    }

    /// - Returns: 0 also when signatures are still missing: others may give them.
    private func finish(
        _ repository: ReleaseRepository, _ outcome: ReleaseRepository.Outcome, _ context: CommandContext
    ) throws(Fault) -> Int32 {
        try folder.save(repository, outcome)
        var drafts: [String] = []
        if let draft = repository.rootDraft { drafts.append(draft.file.name) }
        if let draft = repository.targetsDraft { drafts.append(draft.file.name) }
        let made = outcome.files.map(\.file.name)
        var text = made.isEmpty ? "" : "written: \(made.joined(separator: ", "))\n"
        for line in outcome.lacking { text += line + "\n" }
        if !drafts.isEmpty {
            text += "to be signed: \(drafts.joined(separator: ", ")) (millrace release sign --keys ...)\n"
        }
        context.answer(
            .members([
                ("written", .list(made.map { .text($0) })), ("drafts", .list(drafts.map { .text($0) })),
                ("lacking", .list(outcome.lacking.map { .text($0) })),
            ]), text: text.isEmpty ? "nothing to do\n" : text)
        return 0
    }

    /// `keygen FILE`: a secret key; prints the public one.
    public static func makeKey(_ path: String, _ context: CommandContext) throws(Fault) -> Int32 {
        let key = Hex.encode(try ReleaseKeys.make(path).publicKey.rawRepresentation)
        context.answer(.members([("key", .text(key)), ("path", .text(path))]), text: key + "\n")
        return 0
    }
}
