import Bytes
import Console
import Domain
import Foundation
import Transparency

/// A ledger in a folder, as a server leaves it.
struct LedgerFolder: TileStore {
    static let signer = NoteSigner(
        name: "millrace.test/ledger", kind: .ed25519,
        secret: SigningKey(rawRepresentation: [UInt8](repeating: 7, count: 32))!)!
    static var key: String { signer.key.text }

    let path: String

    func read(_ path: String) throws(Fault) -> [UInt8]? {
        (try? Data(contentsOf: URL(filePath: "\(self.path)/\(path)"))).map { Array($0) }
    }

    func write(_ path: String, _ bytes: [UInt8]) throws(Fault) {
        let url = URL(filePath: "\(self.path)/\(path)")
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: url)
        } catch { throw Fault(.cannotWrite, "\(error)") }
    }

    /// The folder with so many leaves. - Parameter changing: leaves that are others than usual.
    @discardableResult
    static func make(
        _ count: Int, at path: String, changing: [Int: [UInt8]] = [:], signer: NoteSigner = LedgerFolder.signer
    ) throws -> LedgerFolder {
        var leaves = try Self.leaves(count)
        for (index, bytes) in changing { leaves[index] = bytes }
        let folder = LedgerFolder(path: path)
        try? FileManager.default.removeItem(atPath: path)
        _ = try TileWriter(signer: signer).publish(leaves, from: LogEdge(), to: folder)
        return folder
    }

    /// A release, and then a verdict and its credit for each task.
    static func leaves(_ count: Int) throws -> [[UInt8]] {
        try (0..<count).map { index in
            let at = Timestamp(milliseconds: 1_700_000_000_000 + Int64(index) * 1000)
            return try LedgerLeaf(at: at, event: event(index)).encoded()
        }
    }

    private static func event(_ index: Int) -> LedgerLeaf.Event {
        if index == 0 {
            return .release(
                LoggedRelease(
                    project: "my-search", manifest: SHA256Hash.digest(of: [1]), app: "line-search", version: 1,
                    key: [UInt8](repeating: 1, count: 32)))
        }
        let unit = WorkUnitID(batch: BatchID(rawValue: 1), index: Int64((index - 1) / 2))
        let task = TaskID(unit: unit, ordinal: 0)
        let host = HostID(rawValue: Int64(index % 5) + 1)
        if index % 2 == 1 {
            return .verdict(
                LoggedVerdict(
                    task: task, host: host, outcome: .valid, reason: LoggedVerdict.digest(ofReason: "agreed"),
                    canonical: task))
        }
        return .credit(
            LoggedCredit(
                number: Int64(index / 2), kind: .final, debit: .project("my-search"), credit: .host(host),
                amount: Credit(microcobblestones: 1_500_000), task: task))
    }
}
