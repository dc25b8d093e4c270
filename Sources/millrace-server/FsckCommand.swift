import ArgumentParser
import Domain
import ServerCore
import Storage
import StorageSQLite

struct FsckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Checks a data directory that no server is using.",
        discussion: """
            Compares every counter, list and balance with the rows it sums up, and looks for every blob that a row \
            names. Changes nothing.

            Example: millrace-server fsck --data /var/lib/millrace

            Exit codes: 0 all is well, 1 differences were found, 78 the directory is in use or of a newer version.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Flag(help: "Also read every blob and check its hash.")
    var deep = false

    func run() async throws {
        try await endingInOrder {
            let directory = try DataDirectory(path: data, hash: BlobHash.factory)
            let store = try directory.openStore()
            var found = try store.transaction { try StoreAudit.differences($0) }
            let digests = try store.transaction { try blobs(named: $0) }
            for (digest, what) in digests {
                if try !directory.blobs.contains(digest) {
                    found.append("\(what): blob \(digest) is missing")
                } else if deep {
                    do { try directory.blobs.verify(digest) } catch { found.append("\(what): \(error)") }
                }
            }
            for line in found { print(line) }
            guard found.isEmpty else { throw ExitCode(FaultKind.negative.rawValue) }
            print("ledger, counters and \(digests.count) blobs are in order")
        }
    }

    /// Every blob that must be there: manifests, inputs, containers, and results that were acknowledged.
    private func blobs(named tx: any StoreTransaction) throws -> [(Digest, String)] {
        var digests: [(Digest, String)] = []
        for batch in try tx.batches() {
            digests.append((batch.manifest, "manifest of batch \(batch.id)"))
            digests += batch.inputs.map { ($0.digest, "input \($0.name) of batch \(batch.id)") }
            var next: Int64 = 0
            while true {
                let page = try tx.workUnits(of: batch.id, fromIndex: next, limit: 500)
                guard let last = page.last else { break }
                next = last.unit.id.index + 1
                for aggregate in page {
                    digests.append((aggregate.unit.container, "work unit \(aggregate.unit.id)"))
                    for task in aggregate.tasks {
                        guard let report = task.state.report, !isPurged(aggregate) else { continue }
                        digests.append((report.result, "result of task \(task.id)"))
                    }
                }
            }
        }
        return digests
    }

    private func isPurged(_ aggregate: WorkUnitAggregate) -> Bool {
        if case .purged = aggregate.unit.state { true } else { false }
    }
}
