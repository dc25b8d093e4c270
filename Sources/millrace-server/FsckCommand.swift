import ArgumentParser
import Domain
import Glibc

struct FsckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Checks a data directory that no server is using.",
        discussion: """
            Compares every counter, list and balance with the rows it sums up, and looks for every blob that a row \
            names. Key and token are looked at too. Changes nothing.

            Example: millrace-server fsck --data /var/lib/millrace

            Exit codes: 0 all is well, 1 differences were found, 66 no server has run there, 78 directory or \
            database are in use, damaged or of a newer version.
            """)

    @Option(help: "The data directory.")
    var data: String

    @OptionGroup var rows: DatabaseOption

    @Flag(help: "Also read every blob and check its hash.")
    var deep = false

    @OptionGroup(title: "Where blobs lie")
    var blobOptions: BlobOptions

    func run() async throws {
        try await endingInOrder {
            let check = DataCheck(
                data: data, deep: deep, openDirectory: { [rows] in try rows.openDirectory($0) },
                openRows: { [rows] in try DataCheck.openStore($0, rows) },
                openBlobs: { [blobOptions] directory in
                    try blobOptions.open(directory) { say("millrace-server: \($0)", to: STDERR_FILENO) }
                })
            let report = try configured { try check.run() }
            for line in report.found { print(line) }
            guard report.found.isEmpty else { throw ExitCode(FaultKind.negative.rawValue) }
            print("ledger, counters and \(report.blobs) blobs are in order")
        }
    }
}
