import Domain

/// A program that a client may start, by believed metadata.
public struct ReleasedProgram: Hashable, Sendable {
    public var app: String
    public var version: String
    public var file: ProgramFile
    /// Layers of the sandbox without which it must not be started.
    public var layers: [String]
}

/// Why there is no such program, as data.
public struct ReleaseDenial: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Nothing complete is believed of this project.
        case noReleases
        /// What was believed is too old.
        case expired
        case unknownApp
        /// The app has no such version, or has it no more.
        case unknownVersion
        case notForPlatform
    }

    public var kind: Kind
    /// One line in words.
    public var reason: String

    public init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    public var description: String { reason }
}

extension TrustedReleases {
    /// The last complete set, if none of its files is too old.
    public func present(now: Timestamp) -> Result<TargetsBody, ReleaseDenial> {
        guard let believed else {
            return .failure(ReleaseDenial(.noReleases, "no complete release metadata of \(name) is believed"))
        }
        let ages: [(ReleaseRole, Timestamp)] = [
            (.root, root.expires), (.timestamp, believed.timestamp.expires), (.snapshot, believed.snapshot.expires),
            (.targets, believed.targets.expires),
        ]
        for (role, expires) in ages where expires <= now {
            return .failure(
                ReleaseDenial(
                    .expired,
                    "the release metadata of \(name) is too old: \(role.rawValue) was valid until "
                        + ReleaseMoment.text(expires)))
        }
        return .success(believed.targets.body)
    }

    /// Which file is version `version` of an app, on this computer?
    ///
    /// - Parameter platforms: in order of preference, for example `["x86_64-linux", "any"]`.
    public func program(
        app: String, version: String, platforms: [String], now: Timestamp
    ) -> Result<ReleasedProgram, ReleaseDenial> {
        let targets: TargetsBody
        switch present(now: now) {
        case .failure(let denial): return .failure(denial)
        case .success(let body): targets = body
        }
        let asked = PrintableText.clean("\(app) \(version)")
        let versions = targets.apps.filter { $0.name == app }.map(\.version)
        guard !versions.isEmpty else {
            return .failure(ReleaseDenial(.unknownApp, "\(name) has released no app \(PrintableText.clean(app))"))
        }
        guard let release = targets.app(app, version: version) else {
            let known = versions.suffix(8).joined(separator: ", ")
            return .failure(
                ReleaseDenial(.unknownVersion, "\(asked) is not released by \(name), or no more; there is \(known)"))
        }
        for platform in platforms {
            guard let file = release.files.first(where: { $0.platform == platform }) else { continue }
            return .success(
                ReleasedProgram(app: app, version: version, file: file, layers: release.layers))
        }
        let known = release.files.map(\.platform).joined(separator: ", ")
        return .failure(
            ReleaseDenial(
                .notForPlatform,
                "\(asked) is not released for \(platforms.joined(separator: " or ")); there is \(known)"))
    }

    /// The newest version of the client that the project knows of, when it is newer than this one.
    public func newerClient(than version: String, now: Timestamp) -> String? {
        guard case .success(let targets) = present(now: now), let newest = targets.newestClient,
            VersionOrder.precedes(version, newest)
        else { return nil }
        return newest
    }
}

/// Versions by their numbers: 0.9 before 0.10, and 1.0 before 1.0.1.
public enum VersionOrder {
    public static func precedes(_ a: String, _ b: String) -> Bool {
        numbers(a).lexicographicallyPrecedes(numbers(b))
    }

    private static func numbers(_ text: String) -> [Int64] {
        text.split { !$0.isASCII || !$0.isNumber }.map { Int64($0) ?? .max }
    }
}
