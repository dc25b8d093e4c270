import ClientSystem
import Domain
import FoundationEssentials
import Manifest
import Releases
import Wire
import WorkerHost
import YAMLText

/// A project's own program in the release folder beside its manifest.
struct ProgramRelease {
    let folder: ProjectFolder
    let program: ProjectProgram
    let app: ProgramApp

    private var releases: ReleaseFolder {
        ReleaseFolder(folder.folder == "." ? program.releases : "\(folder.folder)/\(program.releases)")
    }

    /// What is wrong with a key of the section `program`.
    struct Flaw: Error {
        enum Key { case releases, name, version }

        var key: Key
        var message: String
        var expected: String?
        var suggestion: String?
    }

    /// Where the program is listed.
    struct Listing {
        var release: AppRelease
        /// Whether the list that names it is signed.
        var isSigned: Bool
        /// Whether the signed metadata is too old for a client.
        var isExpired: Bool
    }

    /// Looks for the program as it is meant by the newest list, signed or not, and at its files.
    func listing(now: Timestamp) throws(Flaw) -> Listing {
        let repository: ReleaseRepository
        do throws(Fault) { repository = try releases.repository() } catch {
            throw Flaw(
                key: .releases, message: error.message, expected: "a folder that `millrace release init` made")
        }
        let list = repository.newestTargets?.apps ?? []
        let versions = list.filter { $0.name == program.name }
        guard !versions.isEmpty else {
            let names = Set(list.map(\.name)).sorted()
            throw Flaw(
                key: .name, message: "no program `\(program.name)` is in \(Printable.clean(releases.path))",
                expected: names.isEmpty
                    ? "`millrace release add \(program.name) \(program.version) PLATFORM=FILE`"
                    : "one of " + names.prefix(8).joined(separator: ", "),
                suggestion: Nearest.word(to: program.name, in: names))
        }
        guard let release = versions.first(where: { $0.version == program.version }) else {
            let words = versions.map(\.version)
            throw Flaw(
                key: .version, message: "`\(program.name)` has no version `\(program.version)`",
                expected: "one of " + words.suffix(8).joined(separator: ", "),
                suggestion: Nearest.word(to: program.version, in: words))
        }
        try check(release)
        let signed = repository.targets?.body.app(release.name, version: release.version)
        let ends = [
            repository.root?.expires, repository.targets?.expires, repository.snapshot?.expires,
            repository.timestamp?.expires,
        ]
        return Listing(
            release: release, isSigned: signed == release && repository.timestamp != nil,
            isExpired: ends.contains { $0.map { $0 <= now } ?? false })
    }

    private func check(_ release: AppRelease) throws(Flaw) {
        guard release.files.contains(where: { app.takes(platform: $0.platform) }) else {
            let known = release.files.map(\.platform).joined(separator: ", ")
            throw Flaw(
                key: .name,
                message: "\(program.title) is released for \(known); the app \(app.rawValue) needs "
                    + (app == .wasm ? "a module" : "a binary or a script"),
                expected: app == .wasm
                    ? "a release with `\(ProgramApp.wasmPlatform)=FILE`, or `app: executable`"
                    : "a release for a platform or `any`, or `app: wasm`")
        }
        let list = TargetsBody(
            header: ReleaseHeader(name: "check", version: 1, expires: Timestamp(seconds: 0)), apps: [release])
        if let flaw = releases.flaws(of: list).first {
            throw Flaw(key: .version, message: flaw, expected: "the folder as `millrace release add` left it")
        }
    }

    /// The file for this computer, as a client gives it to its worker.
    ///
    /// - Throws: `.negative` when there is none.
    func local(_ release: AppRelease) throws(Fault) -> WireLocalProgram {
        let platforms = app == .wasm ? [ProgramApp.wasmPlatform] : [HostInventory.platform, "any"]
        guard
            let file = platforms.lazy.compactMap({ name in release.files.first { $0.platform == name } }).first
        else {
            let known = release.files.map(\.platform).joined(separator: ", ")
            throw Fault(
                .negative, "\(program.title) is released for \(known), and this computer is \(HostInventory.platform)",
                advice: "Try it on such a computer.")
        }
        var local = WireLocalProgram()
        local.path = releases.program(file.digest)
        local.sha256 = Data(file.digest.bytes)
        local.platform = file.platform
        local.interpreter = file.interpreter ?? ""
        local.needs = release.layers
        return local
    }
}

extension Linter {
    /// What is wrong with the program of the manifest in the release folder, and what will be at submission.
    func check(
        program: ManifestReading.Program, now: Timestamp
    ) -> (faults: [ManifestFault], warnings: [ManifestFault]) {
        func fault(
            _ place: ManifestReading.Key, _ message: String, _ expected: String?, _ suggestion: String? = nil
        ) -> ManifestFault {
            ManifestFault(
                file: folder.manifestPath, line: place.line, column: place.column,
                message: "`program.\(place.name)`: \(Printable.clean(message))", expected: expected,
                suggestion: suggestion)
        }
        let release = ProgramRelease(folder: folder, program: program.program, app: program.app)
        do throws(ProgramRelease.Flaw) {
            let listing = try release.listing(now: now)
            var warnings: [ManifestFault] = []
            if !listing.isSigned {
                warnings.append(
                    fault(
                        program.version, "\(program.program.title) is not signed yet",
                        "`millrace release sign` and `publish` before `submit`"))
            } else if listing.isExpired {
                warnings.append(
                    fault(
                        program.releases, "the signed list is too old: no client would start the program",
                        "`millrace release refresh` and `publish`"))
            }
            return ([], warnings)
        } catch {
            let place =
                switch error.key {
                case .releases: program.releases
                case .name: program.name
                case .version: program.version
                }
            return ([fault(place, error.message, error.expected, error.suggestion)], [])
        }
    }
}
