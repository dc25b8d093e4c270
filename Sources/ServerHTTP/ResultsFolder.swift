import Domain
import Glibc
import ServerCore
import Wire

/// The folders of finished answers.
struct ResultsFolder: Sendable {
    let core: ProjectServer

    /// Makes the empty folder that the assembler writes into; what an interrupted run left there is removed.
    func prepare(_ batch: BatchID) throws {
        let path = core.assemblyPath(of: batch)
        try removeFolder(path)
        guard mkdir(path, 0o700) == 0 else { throw FileAccess.fault("make the folder", path) }
    }

    /// Moves a finished answer into its place: files synced, then the folder renamed. A crash before the rename leaves
    /// a temporary folder, which the next attempt removes; a crash after it is described at `commitAssembled`.
    func publish(_ batch: BatchID, _ answer: WireAssembleReply) throws {
        let from = core.assemblyPath(of: batch)
        let to = core.resultsPath(of: batch)
        let present = Set(names(in: from))
        if let lost = answer.files.first(where: { !present.contains($0) }) {
            throw Fault(.noInput, "\(from)/\(lost) is gone; the answer is put together again")
        }
        if !present.contains("summary.txt") {
            let text = answer.summary.map { $0 + "\n" }.joined()
            try FileAccess.write(from + "/summary.txt", Array(text.utf8), mode: 0o600)
        }
        for name in names(in: from) { try FileAccess.sync(from + "/" + name) }
        try FileAccess.sync(from)
        try removeFolder(to)
        guard rename(from, to) == 0 else { throw FileAccess.fault("rename", from) }
        try FileAccess.syncFolder(of: to)
    }

    /// The files of an answer, in order of name; empty when there is none.
    func files(of batch: BatchID) -> [String] { names(in: core.resultsPath(of: batch)) }

    /// The path of a file of an answer. Only names that the folder really lists are accepted, so a name from outside
    /// never becomes a path.
    func path(of name: String, batch: BatchID) -> String? {
        files(of: batch).contains(name) ? core.resultsPath(of: batch) + "/" + name : nil
    }

    /// The lines that the assembler wrote for people.
    func summary(of batch: BatchID) -> [String] {
        let bytes = (try? FileAccess.read(core.resultsPath(of: batch) + "/summary.txt", limit: 16_384)) ?? nil
        return String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Regular files without a leading dot.
    private func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard !name.hasPrefix("."), lstat(path + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG
            else { continue }
            names.append(name)
        }
        return names.sorted()
    }

    /// Removes a folder of files; the assembler makes no folders inside.
    private func removeFolder(_ path: String) throws {
        guard let folder = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        closedir(folder)
        for name in names where unlink(path + "/" + name) != 0 { throw FileAccess.fault("remove", path + "/" + name) }
        guard rmdir(path) == 0 else { throw FileAccess.fault("remove", path) }
    }
}
