import CPosix
import Domain
import Glibc
import WorkerHost

/// What a program has left in its output folder. It is somebody else's work: nothing in it is followed, and nothing is
/// read but what was declared and is a file.
struct ProgramOutput {
    let folder: String

    /// How far the program says to be, 0 ... 1; nil: it says nothing that is a number.
    func progress() -> Double? {
        let file = Glibc.open("\(folder)/\(ProgramFileName.progress)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(file, &bytes, bytes.count)
        let line = bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }
        let text = String(decoding: line, as: UTF8.self).filter { !$0.isWhitespace }
        guard let value = Double(text), value.isFinite else { return nil }
        return min(max(value, 0), 1)
    }

    /// Whether the program left something to go on from.
    var hasCheckpoint: Bool {
        var status = stat()
        return lstat("\(folder)/\(ProgramFileName.checkpoint)", &status) == 0
    }

    /// A declared file, open for reading.
    struct File {
        var name: String
        var descriptor: Int32
        var size: Int
    }

    /// The declared files, in their order; those that may be missing and are, left out.
    ///
    /// - Parameter bytesMax: of all of them together.
    /// - Throws: `.software` when something is there that was not declared, is no file, or is missing; `.osError` for
    ///   too many bytes.
    func files(_ declared: [ProgramPlan.Result], bytesMax: Int) throws(Fault) -> [File] {
        try refuseOthers(declared)
        var files: [File] = []
        do throws(Fault) {
            var left = bytesMax
            for result in declared {
                guard let file = try open(result) else { continue }
                files.append(file)
                guard file.size <= left else {
                    throw Fault(
                        .osError, "the program left results of more than \(bytesMax) bytes",
                        advice: "A project declares more with resources.output.")
                }
                left -= file.size
            }
        } catch {
            for file in files { close(file.descriptor) }
            throw error
        }
        return files
    }

    /// Has the disk keep files of this folder, whatever happens to the power.
    ///
    /// - Throws: `.cannotWrite`.
    func makeDurable(_ files: [File]) throws(Fault) {
        for file in files where fsync(file.descriptor) != 0 {
            throw Fault(.cannotWrite, "cannot sync \(file.name): \(String(cString: strerror(errno)))")
        }
        WorkerFiles.syncFolder(of: "\(folder)/")
    }

    /// Why this computer's disk, not the program, may be to blame for what is missing, in words; nil: it is not.
    ///
    /// - Parameters:
    ///   - bytesMax: that the program may write in all.
    ///   - hasFailed: any want of room counts then; else only that there is none at all, since few programs look
    /// whether
    ///     all was written.
    func diskLack(bytesMax: Int, hasFailed: Bool) -> String? {
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else { return nil }
        let (free, isMuch) = Int(clamping: disk.f_bavail).multipliedReportingOverflow(by: Int(clamping: disk.f_frsize))
        let wanted = hasFailed ? bytesMax - min(bytesMax, Files.bytes(inFolder: folder)) : Self.fullBytes
        guard !isMuch, free < wanted else { return nil }
        return "the disk has \(free >> 10) KiB free"
    }

    private static let fullBytes = 64 << 10

    private func refuseOthers(_ declared: [ProgramPlan.Result]) throws(Fault) {
        guard let handle = opendir(folder) else {
            throw Fault(.software, "the output folder cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { closedir(handle) }
        let known = Set(declared.map(\.file) + [ProgramFileName.progress, ProgramFileName.checkpoint, ".", ".."])
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard known.contains(name) else {
                throw Fault(
                    .software, "the program left \"\(PrintableText.clean(name))\", which is none of its results",
                    advice: "Results are declared in program.results; what is needed while it runs belongs into /tmp.")
            }
        }
    }

    private func open(_ result: ProgramPlan.Result) throws(Fault) -> File? {
        let path = "\(folder)/\(result.file)"
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT, result.isOptional { return nil }
            throw Fault(.software, "the program left no \(result.file), which it must")
        }
        // Opened only when it is a file, and looked at again then: nobody is there to change it, but it costs nothing.
        let notFollowed = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(.software, "the program left \(result.file) as \(Self.kind(status.st_mode)), not as a file")
        }
        let descriptor = Glibc.open(path, notFollowed)
        guard descriptor >= 0 else {
            throw Fault(.software, "\(result.file) cannot be read: \(String(cString: strerror(errno)))")
        }
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Fault(.software, "the program left \(result.file), which is no file")
        }
        return File(name: result.file, descriptor: descriptor, size: Int(status.st_size))
    }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFLNK: "a link"
        case S_IFDIR: "a folder"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}
