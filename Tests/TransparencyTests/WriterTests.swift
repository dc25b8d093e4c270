import Bytes
import Domain
import Synchronization
import Testing
import Transparency

@Suite struct WriterTests {
    static let writer = TileWriter(signer: Sample.logSigner)

    /// A store that stops working after some writes, as a machine that loses power does.
    final class MortalStore: TileStore {
        let inner: MemoryTileStore
        private let left: Mutex<Int>

        init(_ inner: MemoryTileStore, writes: Int) {
            self.inner = inner
            left = Mutex(writes)
        }

        func read(_ path: String) throws(Fault) -> [UInt8]? { try inner.read(path) }

        func write(_ path: String, _ bytes: [UInt8]) throws(Fault) {
            let isAlive = left.withLock { left in
                left -= 1
                return left >= 0
            }
            guard isAlive else { throw Fault(.cannotWrite, "no power") }
            try inner.write(path, bytes)
        }
    }

    /// A store that notes what is written, and what together.
    final class NotingStore: TileStore {
        let inner = MemoryTileStore()
        private let groups = Mutex<[[String]]>([])
        var written: [[String]] { groups.withLock { $0 } }

        func read(_ path: String) throws(Fault) -> [UInt8]? { try inner.read(path) }

        func write(_ path: String, _ bytes: [UInt8]) throws(Fault) {
            groups.withLock { $0.append([path]) }
            try inner.write(path, bytes)
        }

        func write(_ files: [TileFile]) throws(Fault) {
            groups.withLock { $0.append(files.map(\.path)) }
            for file in files { try inner.write(file.path, file.bytes) }
        }
    }

    @Test func theCheckpointIsWrittenWhenAllTheOthersAreThere() throws {
        let store = NotingStore()
        let edge = try publish(Sample.leaves(300), LogEdge(), store)
        _ = try publish(Sample.leaves(600), edge, store)
        #expect(store.written.count == 4)
        for at in [0, 2] {
            let together = store.written[at]
            #expect(together.count > 1 && Set(together).count == together.count && !together.contains("checkpoint"))
            #expect(store.written[at + 1] == ["checkpoint"])
        }
    }

    private func publish(_ leaves: [[UInt8]], _ edge: LogEdge, _ store: some TileStore) throws -> LogEdge {
        try Self.writer.publish(Array(leaves[Int(edge.firstLeaf)...]), from: edge, to: store)
    }

    @Test(arguments: [0, 1, 2, 255, 256, 257, 511, 512, 513, 1000])
    func theRootIsThatOfTheLeaves(count: Int) throws {
        let leaves = Sample.leaves(count)
        let store = try Sample.log(leaves)
        let checkpoint = try Sample.checkpoint(store)
        #expect(checkpoint.size == Int64(count))
        #expect(checkpoint.root == Reference.root(Sample.hashes(count)[...]))
        #expect(try Sample.report(store).isClean)
        #expect(store.files.keys.allSatisfy { $0 == "checkpoint" || TilePath($0) != nil })
    }

    /// 256 leaves are a full tile and a tile of one hash above it.
    @Test func filesOfAFullTile() throws {
        #expect(
            try Sample.log(Sample.leaves(256)).files.keys.sorted()
                == ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"])
        #expect(
            try Sample.log(Sample.leaves(257)).files.keys.sorted() == [
                "checkpoint", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000",
                "tile/entries/001.p/1",
            ])
    }

    @Test func publishedInStepsOrAtOnceItIsTheSameLog() throws {
        var random = SeededGenerator(seed: 11)
        let leaves = Sample.leaves(1300)
        for _ in 0..<5 {
            let store = MemoryTileStore()
            var (edge, size) = (LogEdge(), 0)
            while size < leaves.count {
                size = min(leaves.count, size + random.nextIndex(below: 400))
                let before = store.files
                edge = try publish(Array(leaves[..<size]), edge, store)
                // What was published stays as it is.
                for (path, bytes) in before where path != "checkpoint" { #expect(store.files[path] == bytes) }
                edge = try LogEdge(edge.bytes)
                #expect(edge.size == Int64(size))
                #expect(edge.root == Reference.root(Sample.hashes(size)[...]))
            }
            let atOnce = try Sample.log(leaves).files
            for (path, bytes) in atOnce where path != "checkpoint" { #expect(store.files[path] == bytes) }
            #expect(try Sample.checkpoint(store).checkpoint == Sample.checkpoint(Sample.log(leaves)).checkpoint)
        }
    }

    @Test func bundlesComeFirstAndTheCheckpointIsNoneOfTheFiles() throws {
        let plan = try Self.writer.plan(Sample.leaves(600), from: LogEdge(), published: nil)
        let paths = plan.files.map(\.path)
        #expect(!paths.contains("checkpoint") && plan.checkpoint.size == 600)
        let firstTile = try #require(paths.firstIndex { $0.hasPrefix("tile/0") })
        #expect(paths[..<firstTile].allSatisfy { $0.hasPrefix("tile/entries/") })
        #expect(paths[firstTile...].allSatisfy { !$0.hasPrefix("tile/entries/") })
        #expect(Set(paths).count == paths.count)
    }

    /// Power lost at every write, then more leaves or none, then done again from the old edge.
    @Test(arguments: [0, 40])
    func everyCrashIsRepairedByDoingItAgain(more: Int) throws {
        let leaves = Sample.leaves(300 + 500 + more)
        let base = MemoryTileStore()
        let edge = try publish(Array(leaves[..<300]), LogEdge(), base)
        var isComplete = false
        for writes in 0..<100 where !isComplete {
            let store = MemoryTileStore(base.files)
            do {
                _ = try publish(Array(leaves[..<800]), edge, MortalStore(store, writes: writes))
                isComplete = true
            } catch {
                // A reader sees the old log.
                let report = try Sample.report(store)
                #expect(report.isClean && report.checkpoint?.size == 300)
            }
            let next = try publish(leaves, edge, store)
            #expect(next.root == Reference.root(Sample.hashes(leaves.count)[...]))
            let report = try Sample.report(store, kept: try Sample.checkpoint(base))
            #expect(report.isClean && report.leavesConfirmed == Int64(leaves.count))
        }
        #expect(isComplete)
    }

    /// A checkpoint with lines of witnesses is not written anew without need.
    @Test func nothingNewWritesNothing() throws {
        let store = MemoryTileStore()
        let edge = try publish(Sample.leaves(10), LogEdge(), store)
        let line = try SignedNote(text: Sample.checkpoint(store).note.text, signers: [Sample.witnessSigner], time: 5)
        let cosigned = try Sample.checkpoint(store).adding(line.signatures)
        try store.write("checkpoint", cosigned.note.bytes)
        #expect(try publish(Sample.leaves(10), edge, store) == edge)
        #expect(try publish(Sample.leaves(10), LogEdge(), store) == edge)
        #expect(store.files["checkpoint"] == cosigned.note.bytes)
    }

    private func refusal(_ leaves: [[UInt8]], _ edge: LogEdge, _ store: MemoryTileStore) -> String? {
        let before = store.files
        do {
            _ = try Self.writer.publish(leaves, from: edge, to: store)
            return nil
        } catch {
            #expect(store.files == before)
            return error.message
        }
    }

    @Test func aChangedDatabaseIsNotPublished() throws {
        let store = MemoryTileStore()
        let edge = try publish(Sample.leaves(300), LogEdge(), store)
        let rest = Array(Sample.leaves(310)[256...])
        for at in 0..<44 {
            var leaves = rest
            leaves[at][0] ^= 1
            #expect(refusal(leaves, edge, store) == "leaf \(256 + at) of the log is not the one that was published")
        }
        #expect(refusal(Array(rest.dropFirst()), edge, store)?.hasPrefix("leaf 256 of the log") == true)
        #expect(refusal(Array(rest[..<40]), edge, store) == "the log has 296 leaves; 300 were published")
        // All from the beginning: also what lies further back is compared with the published root.
        var all = Sample.leaves(310)
        all[7] = [1]
        #expect(
            refusal(all, LogEdge(), store)
                == "the first 300 leaves of the log are not those of the published checkpoint")
        #expect(refusal(Sample.leaves(299), LogEdge(), store) == "the log has 299 leaves; 300 were published")
        let long = [[UInt8](repeating: 0, count: 65_536)]
        #expect(refusal(long, LogEdge(), MemoryTileStore())?.contains("65536") == true)
    }

    @Test func anotherFolderIsNotWrittenTo() throws {
        let old = try Sample.log(Sample.leaves(100))
        let edge = try publish(Sample.leaves(300), LogEdge(), MemoryTileStore())
        let rest = Array(Sample.leaves(310)[256...])
        #expect(refusal(rest, edge, old)?.contains("has 100 leaves; 300 were published before") == true)
        #expect(refusal(rest, edge, MemoryTileStore())?.contains("no published checkpoint") == true)
        let foreign = try Sample.log(Sample.leaves(300), Sample.otherSigner)
        #expect(refusal(rest, edge, foreign)?.contains("is not this log's") == true)
        let broken = MemoryTileStore(["checkpoint": [1, 2, 3]])
        #expect(refusal(rest, edge, broken)?.contains("is not this log's") == true)
    }

    @Test func aBrokenEdgeIsRefused() throws {
        let edge = try publish(Sample.leaves(700), LogEdge(), MemoryTileStore())
        let bytes = edge.bytes
        #expect(try LogEdge(bytes) == edge)
        #expect(try LogEdge(LogEdge().bytes) == LogEdge())
        for count in 0..<bytes.count { #expect(throws: Fault.self) { try LogEdge(Array(bytes.prefix(count))) } }
        #expect(throws: Fault.self) { try LogEdge(bytes + [0]) }
        #expect(throws: Fault.self) { try LogEdge([UInt8](repeating: 255, count: 8)) }
    }

    /// Three levels of tiles, and proofs made from them.
    @Test func aLargeLog() throws {
        let count = 70_000
        let leaves = Sample.leaves(count)
        let store = try Sample.log(leaves)
        let paths = store.files.keys
        #expect(paths.filter { $0.hasPrefix("tile/0/") && !$0.contains(".p/") }.count == 273)
        for path in ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"] {
            #expect(paths.contains(path))
        }
        let checkpoint = try Sample.checkpoint(store)
        let nodes = TileNodes(store, size: Int64(count))
        var frontier = Frontier()
        for leaf in leaves { frontier.append(LogHash.leaf(leaf)) }
        #expect(frontier.root == checkpoint.root)
        var random = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let index = random.nextIndex(below: count)
            try InclusionProof(of: Int64(index), in: Int64(count), from: nodes)
                .verify(leaf: LogHash.leaf(leaves[index]), root: checkpoint.root)
            let old = Int64(index) + 1
            let root = try nodes.root(at: old)
            try ConsistencyProof(from: old, to: Int64(count), from: nodes)
                .verify(oldRoot: root, newRoot: checkpoint.root)
        }
        let report = try Sample.report(store)
        #expect(report.isClean && report.leavesConfirmed == Int64(count))
    }
}
