import CWasmtime
import Domain
import Glibc

/// WASI preview 1 for one module, so that what a module computes depends on its inputs alone: files below the folders
/// that it was given, arguments, named variables; its clock is its fuel, its random numbers come from a seed, folders
/// are read in order, files have no times. No network, no links, no signals.
final class WASISystem {
    var arguments: [[UInt8]]
    var environment: [[UInt8]]
    var clock = ModuleClock()
    var random: ModuleRandom
    /// By the module's numbers; nil: closed.
    var files: [OpenFile?]
    /// Set when the module ended by itself.
    var exitCode: UInt32?
    /// Whether the module tells its own progress.
    var tellsProgress = false
    /// What opening for writing or renaming to it means that it does.
    private let progressPath: String?
    /// Fuel used so far; asked for when the module asks for a time.
    var fuelUsed: () -> UInt64 = { 0 }

    static let filesMax = 256

    /// - Parameter progressPath: the module's own path of the file where it may tell its progress.
    /// - Throws: `.noInput` for a folder that cannot be opened.
    init(_ gifts: ModuleInvocation, progressPath: String?) throws(Fault) {
        arguments = gifts.arguments.map { Array($0.utf8) + [0] }
        environment = gifts.environment.map { Array($0.utf8) + [0] }
        random = ModuleRandom(seed: gifts.seed)
        self.progressPath = progressPath
        files = [
            OpenFile(.nothing, descriptor: 0, path: "", isReadOnly: true, isWritable: false),
            OpenFile(.stream, descriptor: 1, path: "", isReadOnly: true, isWritable: true),
            OpenFile(.stream, descriptor: 2, path: "", isReadOnly: true, isWritable: true),
        ]
        for folder in gifts.folders {
            let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw Fault(.noInput, "cannot open the folder \(folder.path): \(String(cString: strerror(errno)))")
            }
            files.append(
                OpenFile(
                    .folder(name: folder.name), descriptor: descriptor, path: folder.place,
                    isReadOnly: folder.isReadOnly, isWritable: false))
        }
    }

    func file(_ number: UInt32) throws(WASIError) -> OpenFile {
        guard number < files.count, let file = files[Int(number)] else { throw .badDescriptor }
        return file
    }

    func folder(_ number: UInt32) throws(WASIError) -> OpenFile {
        let file = try file(number)
        guard case .folder = file.kind else { throw .notDirectory }
        return file
    }

    /// Gives it the lowest free number.
    func add(_ file: OpenFile) throws(WASIError) -> UInt32 {
        if let free = files.firstIndex(where: { $0 == nil }) {
            files[free] = file
            return UInt32(free)
        }
        guard files.count < Self.filesMax else { throw .tooManyFiles }
        files.append(file)
        return UInt32(files.count - 1)
    }

    /// What stands in the file of the progress before the module writes it differs from run to run: it is not there
    /// then.
    func isHidden(_ path: String) -> Bool { path == progressPath && !tellsProgress }

    /// Something at this path is about to be written.
    func willWrite(_ path: String) {
        if path == progressPath { tellsProgress = true }
    }
}
