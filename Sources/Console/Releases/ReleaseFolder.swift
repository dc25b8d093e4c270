import Bytes
import ClientSystem
import Domain
import Glibc
import Releases
import WorkerHost

/// A project's release folder: metadata, drafts that wait for signatures, and programs by their hash. No key is in it.
///
/// `N.root`, `N.targets`, `N.snapshot`, `timestamp`; `drafts/root`, `drafts/targets`; `files/SHA256`. A file is there
/// whole or not at all, and `timestamp` is written last: what it names is there.
struct ReleaseFolder: Sendable {
    let path: String

    init(_ path: String) {
        self.path = ProjectFolder.trimmed(path)
    }

    private static let drafts: [ReleaseRole] = [.root, .targets]

    /// What was published: all roots, and the newest of each other role, in the order in which they are believed.
    func published() throws(Fault) -> [(file: ReleaseFile, bytes: [UInt8])] {
        let files = try Files.names(in: path).compactMap { ReleaseFile(name: $0) }
        var wanted = files.filter { $0.role == .root }.sorted { Self.version($0) < Self.version($1) }
        for role in [ReleaseRole.targets, .snapshot, .timestamp] {
            if let newest = files.filter({ $0.role == role }).max(by: { Self.version($0) < Self.version($1) }) {
                wanted.append(newest)
            }
        }
        var found: [(file: ReleaseFile, bytes: [UInt8])] = []
        for file in wanted { found.append((file, try read(file.name, file))) }
        return found
    }

    private static func version(_ file: ReleaseFile) -> Int64 {
        switch file {
        case .root(let version), .targets(let version), .snapshot(let version): version
        case .timestamp, .anchor: 0
        }
    }

    private func read(_ name: String, _ file: ReleaseFile) throws(Fault) -> [UInt8] {
        try Files.read("\(path)/\(name)", limit: file.role.bytesMax)
    }

    /// - Throws: `.noInput` when this is no release folder, `.badData` for a file that cannot be read.
    func repository() throws(Fault) -> ReleaseRepository {
        var repository = ReleaseRepository()
        for (file, bytes) in try published() {
            try load(bytes, file.name, as: file, isDraft: false, into: &repository)
        }
        for role in Self.drafts where Files.exists(draft(role)) {
            guard let file = ReleaseFile(role, version: 1) else { continue }
            let bytes = try Files.read(draft(role), limit: role.bytesMax)
            try load(bytes, "drafts/\(role.rawValue)", as: file, isDraft: true, into: &repository)
        }
        guard repository.newestRoot != nil else {
            throw Fault(
                .noInput, "\(Printable.clean(path)) is no release folder",
                advice: "`millrace release init` makes one; --folder names it.")
        }
        return repository
    }

    private func load(
        _ bytes: [UInt8], _ name: String, as file: ReleaseFile, isDraft: Bool, into repository: inout ReleaseRepository
    ) throws(Fault) {
        do throws(ReleaseRefusal) { try repository.load(bytes, as: file, isDraft: isDraft) } catch {
            throw Fault(
                .badData, "\(Printable.clean(path))/\(name): \(error.reason)", advice: "Restore the file from a copy.")
        }
    }

    private func draft(_ role: ReleaseRole) -> String { "\(path)/drafts/\(role.rawValue)" }

    /// Writes what signing brought, and the drafts as they are now.
    func save(_ repository: ReleaseRepository, _ outcome: ReleaseRepository.Outcome) throws(Fault) {
        try Files.makeFolder("\(path)/drafts", mode: 0o755)
        for file in outcome.files { try Files.replace("\(path)/\(file.file.name)", with: file.bytes) }
        try save(repository.rootDraft?.bytes, .root)
        try save(repository.targetsDraft?.bytes, .targets)
    }

    private func save(_ bytes: [UInt8]?, _ role: ReleaseRole) throws(Fault) {
        guard let bytes else { return try Files.remove(draft(role)) }
        try Files.replace(draft(role), with: bytes)
    }

    // MARK: Programs

    func program(_ digest: Digest) -> String { "\(path)/files/\(digest.hex)" }

    /// Copies a program into the folder, under the name of its hash.
    func take(_ source: String) throws(Fault) -> (digest: Digest, size: Int64) {
        guard let size = Files.size(source), size > 0, Int64(size) <= ReleaseLimits.programBytesMax else {
            throw Fault(
                .badData, "\(Printable.clean(source)) is no file of 1 to \(ReleaseLimits.programBytesMax) bytes",
                advice: "Name a program, as PLATFORM=FILE.")
        }
        let bytes = try Files.read(source, limit: Int(ReleaseLimits.programBytesMax))
        let digest = SHA256Hash.digest(of: bytes)
        try Files.makeFolder("\(path)/files", mode: 0o755)
        if Files.size(program(digest)) != bytes.count { try Files.replace(program(digest), with: bytes, mode: 0o755) }
        return (digest, Int64(bytes.count))
    }

    /// What is wrong with the programs of a list, a line each.
    func flaws(of list: TargetsBody) -> [String] {
        var found: [String] = []
        for app in list.apps {
            for file in app.files {
                let what = "\(app.name) \(app.version) for \(file.platform)"
                if let size = Files.size(program(file.digest)) {
                    let digest = try? BlobDownload.digest(ofFile: program(file.digest))
                    if Int64(size) != file.size || digest != file.digest {
                        found.append("\(what): files/\(file.digest.hex) was changed")
                    }
                } else {
                    found.append("\(what): files/\(file.digest.hex) is missing")
                }
            }
        }
        return found
    }
}

/// Secret keys as files of one line, for their owner only. They are on no server, and need no network.
enum ReleaseKeys {
    private static let title = "millrace-release-key"
    private static let filesMax = 256

    /// Makes a key in a new file.
    static func make(_ path: String) throws(Fault) -> SigningKey {
        let key = SigningKey()
        guard !Files.exists(path) else {
            throw Fault(
                .cannotWrite, "\(Printable.clean(path)) is there already, and is not overwritten",
                advice: "Name another file.")
        }
        try Files.makeFolder(Files.parent(of: path))
        try Files.replace(path, with: Array("\(title) \(Hex.encode(key.rawRepresentation))\n".utf8), mode: 0o600)
        return key
    }

    static func read(_ path: String) throws(Fault) -> SigningKey {
        let shown = Printable.clean(path)
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & 0o077 != 0 {
            throw Fault(.badData, "others may read the secret key \(shown)", advice: "chmod 600 \(shown)")
        }
        let text = String(decoding: try Files.read(path, limit: 4096), as: UTF8.self)
        let words = text.split { $0.isWhitespace }
        guard words.count == 2, words[0] == title,
            let key = Hex.decode(String(words[1])).flatMap(
                { SigningKey(rawRepresentation: $0) })
        else { throw Fault(.badData, "\(shown) holds no release key", advice: "`millrace release keygen` makes one.") }
        return key
    }

    /// The keys of files, or of the files `*.key` in folders.
    static func all(_ paths: [String]) throws(Fault) -> [SigningKey] {
        var keys: [SigningKey] = []
        for path in paths.map(ProjectFolder.trimmed) {
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw Fault(.noInput, "there is no \(Printable.clean(path))", advice: "--keys names files or folders.")
            }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                keys.append(try read(path))
                continue
            }
            for name in try Files.names(in: path).filter({ $0.hasSuffix(".key") }).prefix(filesMax) {
                keys.append(try read("\(path)/\(name)"))
            }
        }
        return keys
    }

    /// A key of a role by its first digits, as `millrace release show` prints them.
    static func find(_ hex: String, in role: RootBody.Keys, _ name: ReleaseRole) throws(Fault) -> VerifyingKey {
        let found = role.keys.filter { Hex.encode($0.rawRepresentation).hasPrefix(hex) }
        guard hex.utf8.count >= 8, found.count == 1, let key = found.first else {
            throw Fault(
                .negative, "\(Printable.clean(hex)) is no key of \(name.rawValue)",
                advice: "Give at least 8 of its digits; `millrace release show` lists the keys.")
        }
        return key
    }

    static func verifying(_ hex: String) throws(Fault) -> VerifyingKey {
        guard let key = Hex.decode(hex).flatMap({ VerifyingKey(rawRepresentation: $0) }) else {
            throw Fault(
                .usage, "\(Printable.clean(hex)) is no public key of 64 hexadecimal digits",
                advice: "`millrace release keygen` and `millrace release show` print them.")
        }
        return key
    }
}
