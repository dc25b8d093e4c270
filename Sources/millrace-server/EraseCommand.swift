import ArgumentParser
import Domain
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite

struct EraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erases the personal data of a volunteer who cannot do it alone.",
        discussion: """
            Stop the server first. For somebody who has lost all keys, and for somebody whom a restored backup has \
            brought back. The same as `millrace-client detach --erase`: names, machines, keys and link codes go, \
            the number stays with what the ledger says of it, and the public log gets the act `erase` by `admin`. \
            Repeated, it changes nothing. It cannot be undone.

            Example: millrace-server erase --data /var/lib/millrace --volunteer 17 --yes

            Exit codes: 0 done, 64 without --yes, 66 there is no such volunteer, 78 the directory or the database is \
            in use.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(help: "The volunteer's number.")
    var volunteer: Int64

    @Flag(help: "You mean it.")
    var yes = false

    @OptionGroup var rows: DatabaseOption

    func run() async throws {
        try await endingInOrder {
            guard access(data, F_OK) == 0 else {
                throw Fault(.noInput, "there is no data directory \(data)", advice: "name it with --data")
            }
            try configured { try erase() }
        }
    }

    private func erase() throws {
        let directory = try rows.openDirectory(data)
        let store = try DataCheck.openStore(directory, rows)
        let files = ServerFiles(path: directory.path)
        let core = ProjectServer(
            settings: ServerSettings(site: "erase", resultsPath: files.resultsPath),
            keys: ServerKeys(project: try files.projectKey()), blobs: directory.blobs
        ) { _ in throw Fault(.software, "erasing reads no manifest") }
        let id = VolunteerID(rawValue: volunteer)
        guard let before = try store.transaction({ try $0.volunteer(id) }) else {
            throw Fault(.noInput, "there is no volunteer \(id)", advice: "`millrace report credit` names them")
        }
        guard yes || before.erasedAt != nil else {
            throw Fault(
                .usage, "volunteer \(id) is \"\(before.name)\", and would be erased for good",
                advice: "add --yes if you mean it")
        }
        _ = try store.transaction { try core.erase(volunteer: id, in: $0, now: wallClock()) }
        print("volunteer \(id): erased; the statistics files follow within the hour")
    }
}
