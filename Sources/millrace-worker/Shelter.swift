import Confinement
import Domain
import Glibc
import Wire

/// How `run` shuts itself in, from its command line.
struct Shelter {
    /// Without: only what costs nothing is done, and nothing is demanded.
    var isOn = true
    var demand = SandboxDemand.kernel
    /// Layers that are left out, for tests.
    var leftOut: Set<SandboxLayer> = []

    /// Options after the folder: `--no-sandbox`, `--demand WORDS`, `--without WORDS` with commas between words.
    ///
    /// - Throws: `.usage`; `.badData` for a word that is no layer.
    init(options: [String]) throws(Fault) {
        var rest = options[...]
        while let option = rest.popFirst() {
            switch option {
            case "--no-sandbox": isOn = false
            case "--demand", "--without":
                guard let words = rest.popFirst() else { throw Fault(.usage, "\(option) needs layers") }
                let layers = try SandboxDemand(words: words.split(separator: ",").map(String.init))
                if option == "--demand" { demand = demand.joined(with: layers) } else { leftOut = layers.layers }
            default: throw Fault(.usage, "run has no option \(option)", advice: Main.usage)
            }
        }
    }

    /// Enters it, for good, for a task in `folder`.
    ///
    /// - Throws: `.configuration` when what is demanded is not to be had.
    func enter(folder: String, job: WireRunJob) throws(Fault) {
        let cache = job.cachePath.isEmpty ? [] : [job.cachePath]
        try enter(folders: [folder] + cache, files: [job.unitPath] + job.inputs.map(\.path))
    }

    /// - Parameter folders: as `Confinement.folders`, absolute or not.
    func enter(folders: [String], files: [String]) throws(Fault) {
        guard isOn else { return }
        let layers = Confinement(
            folders: folders.map(Self.absolute), files: files.map(Self.absolute), leftOut: leftOut
        ).enter()
        if let lacking = layers.shortfall(of: demand) {
            throw Fault(
                .configuration, "the sandbox lacks \(lacking)",
                advice: "docs/sandbox.md says what each layer needs; --no-sandbox computes without one.")
        }
    }

    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return "\(String(cString: folder))/\(path)"
    }
}
