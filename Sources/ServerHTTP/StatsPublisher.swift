import Domain
import ServerCore
import Storage
import WorkerHost

/// The statistics files for the sites that collect them: at most hourly, each there whole or not at all.
///
/// What a crash leaves: files of two hours side by side, as a reader may find them at any time; `tables.xml`, which
/// says when they were made, comes last, and the next start makes all of them anew when it is old.
package struct StatsPublisher: Sendable {
    private let folder: String

    static let seconds = 3600.0
    static let names = ["user.gz", "team.gz", "host.gz", "tables.xml"]

    package init(folder: String) {
        self.folder = folder
    }

    /// Makes the files when there are none, or they are an hour old; `anew`: in any case.
    func publishIfDue(_ writer: DaemonWriter, _ core: ProjectServer, anew: Bool) throws {
        let made = try madeAt()
        let statistics = try writer.performBlocking { tx, now in
            anew || Self.isDue(made: made, now: now) ? try core.statistics(in: tx, now: now) : nil
        }
        if let statistics { try publish(statistics) }
    }

    package func publish(_ statistics: Statistics) throws {
        try Files.makeFolder(folder, mode: 0o755, isPublic: true)
        try write("user.gz", try Gzip.compressed(statistics.usersXML()))
        try write("team.gz", try Gzip.compressed(statistics.teamsXML()))
        try write("host.gz", try Gzip.compressed(statistics.hostsXML()))
        try write("tables.xml", statistics.tablesXML())
    }

    /// A clock that was set back makes them old, too.
    package static func isDue(made: Timestamp?, now: Timestamp) -> Bool {
        guard let made else { return true }
        return made > now || (now - made).seconds >= seconds
    }

    /// What `tables.xml` says, in whole seconds; nil when it is not there, or says nothing.
    package func madeAt() throws -> Timestamp? {
        guard let bytes = try read("tables.xml") else { return nil }
        let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
        guard let match = text.firstMatch(of: /<update_time>(\d{1,12})<\/update_time>/), let seconds = Int64(match.1)
        else { return nil }
        return Timestamp(seconds: seconds)
    }

    /// One of `names`; nil when it is not there yet.
    package func read(_ name: String) throws(Fault) -> [UInt8]? {
        let file = "\(folder)/\(name)"
        return Files.exists(file) ? try Files.read(file, limit: Limits.resultBytesMax) : nil
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws(Fault) {
        try Files.replace("\(folder)/\(name)", with: bytes, isPublic: true)
    }
}
