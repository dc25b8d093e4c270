import ClientCore
import Domain

/// Whether one of the programs runs that the user wants to be alone with, from `/proc`.
///
/// A program is known by its command name, which may have been cut to 15 bytes, and by the base name of what was
/// started, with `/` and `\` between folders: `C:\Games\game.exe` of Wine is `game.exe`.
package final class ExclusiveProgramProbe: ProbeSource {
    package let kind = ProbeKind.exclusiveProgram
    private let proc: String
    private let names: [String: String]
    /// Command names end after so many bytes.
    private static let commandBytes = 15
    private static let processesMax = 65_536

    /// - Parameter programs: at least one.
    package init(roots: ProbeRoots, programs: [String]) {
        proc = roots.proc
        var names: [String: String] = [:]
        for program in programs.prefix(ProbeSettings.programsMax) {
            let key = program.lowercased()
            names[key] = program
            names[Self.cut(key)] = program
        }
        self.names = names
    }

    private static func cut(_ name: String) -> String {
        String(decoding: Array(name.utf8).prefix(commandBytes), as: UTF8.self)
    }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        guard let entries = ProbeFile.names(in: proc, limit: Self.processesMax) else {
            return .unavailable("\(proc) cannot be listed")
        }
        let processes = entries.filter { $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
        for process in processes {
            if let name = name(of: process) { return .program(name) }
        }
        // Where /proc is mounted with hidepid, everybody sees processes of their own only.
        guard processes.contains("1") else { return .unavailable("\(proc) hides the processes of others") }
        return .program(nil)
    }

    /// The program of the list that it is.
    private func name(of process: String) -> String? {
        guard let command = ProbeFile.bytes("\(proc)/\(process)/comm", limit: 64) else { return nil }
        if let found = listed(command.prefix { $0 != UInt8(ascii: "\n") }) { return found }
        // Tasks of the kernel have an empty command line.
        guard let line = ProbeFile.bytes("\(proc)/\(process)/cmdline", limit: 4096) else { return nil }
        let program = line.prefix { $0 != 0 }
        let base = program.lastIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
        return listed(base.map { program[($0 + 1)...] } ?? program)
    }

    private func listed(_ name: ArraySlice<UInt8>) -> String? {
        name.isEmpty ? nil : names[String(decoding: name, as: UTF8.self).lowercased()]
    }
}
