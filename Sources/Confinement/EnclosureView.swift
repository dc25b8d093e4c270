import CPosix
import Domain
import Glibc

/// What an enclosed program sees, as folders to put into its root and as rules for Landlock.
struct EnclosureView {
    struct Content {
        var place: String
        var bytes: [UInt8]
        var mode: mode_t
    }

    let enclosure: Enclosure
    let contents: [Content]

    init(_ enclosure: Enclosure, contents: [Content]) {
        self.enclosure = enclosure
        self.contents = contents
    }

    /// What programs and interpreters need of the system; what is not there is left out.
    private static let system = [
        "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache",
    ]
    private static let devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]
    private static let descriptorLinks = [
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ]
    private static let temporaryFilesMax = 10_000
    /// Beyond the contents: folders, links.
    private static let rootBytes = 4 << 20

    /// Mounts everything; called in a mount namespace of this process.
    func root() throws(Fault) -> PrivateRoot {
        var entries = Self.system.map {
            PrivateRoot.Entry(source: $0, place: $0, use: .execute, isOptional: true)
        }
        entries += libraries.map { .init(source: $0, place: $0, use: .execute) }
        entries += enclosure.inputs.map {
            .init(source: $0.path, place: $0.place, use: $0.isExecutable ? .execute : .read)
        }
        if let output = enclosure.output {
            entries.append(.init(source: output.path, place: output.place, use: .write))
        }
        entries += Self.devices.map { .init(source: $0, place: $0, use: .device) }
        let bytes = contents.reduce(Self.rootBytes) { $0 + $1.bytes.count + 8192 }
        let root = try PrivateRoot(avoiding: entries.map(\.source), bytesMax: bytes)
        for content in contents { try root.write(content.place, content.bytes, mode: content.mode) }
        for entry in entries { try root.put(entry) }
        for (place, target) in Self.descriptorLinks { try root.link(place, to: target) }
        // Whoever mounts there may be nobody by then.
        try root.makeFolder("/proc")
        try root.putMemory("/tmp", bytesMax: enclosure.temporaryBytes, filesMax: Self.temporaryFilesMax)
        return root
    }

    /// For inside of the root.
    var rules: [Landlock.Rule] {
        var rules = (Self.system + libraries).map { Landlock.Rule($0, .execute) }
        rules += enclosure.inputs.map { .init($0.place, $0.isExecutable ? .execute : .read) }
        for content in enclosure.contents {
            rules.append(.init(content.place, content.isExecutable ? .execute : .read))
            let folder = PrivateRoot.parent(of: content.place)
            if folder != "/" { rules.append(.init(folder, .read)) }
        }
        if let output = enclosure.output { rules.append(.init(output.place, .writeFolders)) }
        rules += [.init("/tmp", .writeAll), .init("/proc", .read), .init("/dev", .read)]
        return rules + Self.devices.map { .init($0, .use) }
    }

    /// Folders of this process's own libraries, and its program, beyond the system's.
    private var libraries: [String] {
        guard enclosure.hasOwnLibraries else { return [] }
        var folders: Set<String> = []
        for line in LinuxText.lines("/proc/self/maps") {
            guard let slash = line.firstIndex(of: "/"), line.contains(" r-xp ") else { continue }
            let path = String(line[slash...])
            guard !Self.system.contains(where: { path.hasPrefix($0 + "/") }), path.contains(".so") else { continue }
            folders.insert(PrivateRoot.parent(of: path))
        }
        return folders.sorted()
    }
}
