import ArgumentParser
import Domain
import Glibc
import Storage
import WorkerHost

@main
struct MillraceServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-server",
        abstract: "Gives out work units, gathers and validates results, grants credit.",
        version: ServerVersion.text,
        subcommands: [
            RunCommand.self, FsckCommand.self, BackupCommand.self, RestoreCommand.self, DrillCommand.self,
            MigrateCommand.self, PurgeCommand.self, ArchiveCommand.self, EraseCommand.self, LogCommand.self,
        ])
}

enum ServerVersion {
    static let text = "0.1.0"
}

/// Ends the program as every program of Millrace ends: one message on standard error, the exit code of its kind.
func endingInOrder(_ body: () async throws -> Void) async throws {
    StandardDescriptors.ensureOpen()
    // Who makes something for others, the public log for one, says so (`isPublic`).
    umask(0o077)
    do {
        try await body()
    } catch let fault as Fault {
        try end(fault)
    } catch let error as StoreError {
        try end(error.fault)
    }
}

private func end(_ fault: Fault) throws {
    say("millrace-server: \(fault)", to: STDERR_FILENO)
    throw ExitCode(fault.kind.rawValue)
}

/// Writes a line at once, so that whoever waits for it sees it.
func say(_ text: String, to file: Int32) {
    let bytes = Array((text + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
}
