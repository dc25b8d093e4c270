import Domain

/// Which programs a project has: the only ones that its clients run.
public struct TargetsBody: ReleaseBody {
    public static let role = ReleaseRole.targets
    public var header: ReleaseHeader
    /// The newest version of Millrace's client that the project knows of; clients only say so.
    public var newestClient: String?
    public private(set) var apps: [AppRelease]

    /// - Parameter apps: in any order; of one name and version the last counts.
    public init(header: ReleaseHeader, newestClient: String? = nil, apps: [AppRelease] = []) {
        self.header = header
        self.newestClient = newestClient
        self.apps = []
        for app in apps { put(app) }
    }

    public func app(_ name: String, version: String) -> AppRelease? {
        apps.first { $0.name == name && $0.version == version }
    }

    /// Adds a release, in place of one of the same name and version.
    public mutating func put(_ app: AppRelease) {
        withdraw(app.name, version: app.version)
        apps.insert(app, at: apps.firstIndex { app.order.lexicographicallyPrecedes($0.order) } ?? apps.endIndex)
    }

    /// - Returns: whether there was one.
    @discardableResult
    public mutating func withdraw(_ name: String, version: String) -> Bool {
        guard let at = apps.firstIndex(where: { $0.name == name && $0.version == version }) else { return false }
        apps.remove(at: at)
        return true
    }

    public var lines: [String] {
        (newestClient.map { ["client \($0)"] } ?? []) + apps.flatMap(\.lines)
    }

    public init(header: ReleaseHeader, _ reader: inout ReleaseBodyReader) throws(ReleaseRefusal) {
        self.header = header
        apps = []
        if reader.lines.nextKeyword == "client" {
            let word = try reader.lines.next("client", count: 1)[0]
            guard ReleaseWord.isWord(word) else { throw reader.lines.refusal("\"\(word.prefix(80))\" is no version") }
            newestClient = String(word)
        }
        while reader.lines.nextKeyword == "app" {
            guard apps.count < ReleaseLimits.appsMax else {
                throw reader.lines.refusal("more than \(ReleaseLimits.appsMax) releases of apps")
            }
            let app = try AppRelease(&reader.lines)
            if let last = apps.last, !last.order.lexicographicallyPrecedes(app.order) {
                throw reader.lines.refusal("app \(app.name) \(app.version) stands twice, or in the wrong place")
            }
            apps.append(app)
        }
    }
}

/// One version of one app: once released, its files stay what they are.
public struct AppRelease: Hashable, Sendable {
    public var name: String
    public var version: String
    /// Layers of the sandbox without which a client must not start it; sorted.
    public var layers: [String]
    /// One for each platform, sorted by it.
    public var files: [ProgramFile]

    public init(name: String, version: String, layers: [String], files: [ProgramFile]) {
        self.name = name
        self.version = version
        self.layers = Set(layers).sorted()
        self.files = files.sorted { $0.platform < $1.platform }
    }

    /// Names cannot hold a space, so that this is unique.
    fileprivate var order: [UInt8] { Array("\(name) \(version)".utf8) }

    /// What is wrong with it, in words; nil: nothing.
    public var flaw: String? {
        guard ReleaseWord.isName(name) else { return "\"\(name)\" is no app's name" }
        guard ReleaseWord.isWord(version) else { return "\"\(version)\" is no version" }
        guard layers.count <= ReleaseLimits.layersMax, layers.allSatisfy({ ReleaseWord.isName($0) }) else {
            return "its layers are not at most \(ReleaseLimits.layersMax) names"
        }
        guard (1...ReleaseLimits.filesPerAppMax).contains(files.count),
            Set(files.map(\.platform)).count == files.count
        else { return "it has not 1 to \(ReleaseLimits.filesPerAppMax) files, each for another platform" }
        return files.compactMap(\.flaw).first
    }

    var lines: [String] {
        ["app \(name) \(version)", (["needs"] + layers).joined(separator: " ")] + files.map(\.line)
    }

    init(_ lines: inout ReleaseLines) throws(ReleaseRefusal) {
        let title = try lines.next("app", count: 2)
        let layers = try lines.next("needs").map(String.init)
        var files: [ProgramFile] = []
        while lines.nextKeyword == "file", files.count <= ReleaseLimits.filesPerAppMax {
            files.append(try ProgramFile(&lines))
        }
        self.init(name: String(title[0]), version: String(title[1]), layers: layers, files: files)
        if let flaw { throw lines.refusal(flaw) }
    }
}

/// A program's file for one platform.
public struct ProgramFile: Hashable, Sendable {
    /// `x86_64-linux`, `aarch64-linux`, `wasm`, or `any` for scripts.
    public var platform: String
    public var digest: Digest
    /// Bytes.
    public var size: Int64
    /// What reads a script, a bare name; nil: the file is started itself.
    public var interpreter: String?

    public init(platform: String, digest: Digest, size: Int64, interpreter: String? = nil) {
        self.platform = platform
        self.digest = digest
        self.size = size
        self.interpreter = interpreter
    }

    public static let platforms = ["aarch64-linux", "any", "wasm", "x86_64-linux"]

    var flaw: String? {
        guard ReleaseWord.isName(platform) else { return "\"\(platform)\" is no platform" }
        guard (1...ReleaseLimits.programBytesMax).contains(size) else {
            return "a program has 1 to \(ReleaseLimits.programBytesMax) bytes, not \(size)"
        }
        if let interpreter, !ReleaseWord.isWord(interpreter) { return "\"\(interpreter)\" is no interpreter's name" }
        return nil
    }

    fileprivate var line: String { "file \(platform) \(digest.hex) \(size) \(interpreter ?? "-")" }

    fileprivate init(_ lines: inout ReleaseLines) throws(ReleaseRefusal) {
        let words = try lines.next("file", count: 4)
        platform = String(words[0])
        digest = try lines.digest(words[1])
        size = try lines.number(words[2], max: ReleaseLimits.programBytesMax)
        interpreter = words[3] == "-" ? nil : String(words[3])
    }
}
