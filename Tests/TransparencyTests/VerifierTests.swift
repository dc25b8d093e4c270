import Bytes
import Domain
import Testing
import Transparency

@Suite struct VerifierTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var leaves: Int
        var path: String
        var testDescription: String { "\(path) of \(leaves) leaves" }
    }

    static let logs = [40, 259].map { (leaves: $0, files: try! Sample.log(Sample.leaves($0)).files) }

    /// Every byte of every file changed: found, and the first leaf or the tile named. Of the one large tile of the
    /// larger log, with two bundles, every seventh byte.
    @Test(arguments: logs.flatMap { log in log.files.keys.sorted().map { Case(leaves: log.leaves, path: $0) } })
    func everyByteOfEveryFile(test: Case) throws {
        let path = test.path
        let files = try #require(Self.logs.first { $0.leaves == test.leaves }).files
        let bytes = try #require(files[path])
        var owners = Self.owners(path, Sample.leaves(test.leaves))[...]
        var random = SeededGenerator(seed: 7)
        for at in stride(from: 0, to: bytes.count, by: path == "tile/0/000" ? 7 : 1) {
            var changed = bytes
            changed[at] ^= UInt8(1 + random.nextIndex(below: 255))
            let report = try Sample.report(MemoryTileStore(files.merging([path: changed]) { $1 }))
            #expect(!report.isClean, "\(path), byte \(at)")
            guard let tile = TilePath(path) else {
                #expect(report.findings.first?.word == "bad_checkpoint")
                continue
            }
            if tile.kind == .entries {
                // By chance a leaf may become its neighbour; then it counts as removed.
                #expect(report.findings.map(\.firstLeaf) == [owners.removeFirst()], "\(path), byte \(at)")
                #expect(report.leavesConfirmed < test.leaves)
            } else {
                #expect(report.findings == [.tile(path: path, hash: at / 32)], "\(path), byte \(at)")
                #expect(report.leavesConfirmed == test.leaves)
            }
        }
        #expect(owners.isEmpty)
    }

    /// Every single bit of a small log of real leaves.
    @Test func everyBitOfASmallLog() throws {
        let leaves = try LeafTests.samples.map { try $0.leaf.encoded() }
        let files = try Sample.log(leaves).files
        for (path, bytes) in files {
            for bit in 0..<bytes.count * 8 {
                var changed = bytes
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                let report = try Sample.report(MemoryTileStore(files.merging([path: changed]) { $1 }))
                #expect(!report.isClean, "\(path), bit \(bit)")
            }
        }
    }

    /// The leaf to which each byte of a bundle belongs.
    private static func owners(_ path: String, _ leaves: [[UInt8]]) -> [Int64] {
        guard let tile = TilePath(path), tile.kind == .entries else { return [] }
        return tile.leaves.flatMap { Array(repeating: $0, count: leaves[Int($0)].count + 2) }
    }

    private func bundles(_ leaves: [[UInt8]], of size: Int64, in files: [String: [UInt8]]) throws -> MemoryTileStore {
        var files = files
        for (index, start) in stride(from: 0, to: leaves.count, by: 256).enumerated() {
            let path = try #require(TileShape.tile(.entries, index: Int64(index), size: size)).text
            // The last bundle takes what is left, also when that is too much or too little.
            let end = Int64(start + 256) >= size ? leaves.count : start + 256
            files[path] = try EntryBundle.bytes(of: leaves[start..<end])
        }
        return MemoryTileStore(files)
    }

    @Test func removedAddedAndChangedLeavesAreNamed() throws {
        let leaves = Sample.leaves(300)
        let files = try Sample.log(leaves).files
        for index in [0, 1, 100, 254, 255, 256, 257, 298, 299] {
            var other = leaves
            other.remove(at: index)
            let removed = try Sample.report(try bundles(other, of: 300, in: files))
            #expect(removed.findings.first == .leaf(Int64(index), index == 255 ? .changed : .removed), "\(index)")
            other = leaves
            other[index] = Array("other".utf8)
            let changed = try Sample.report(try bundles(other, of: 300, in: files))
            #expect(changed.findings == [.leaf(Int64(index), .changed)])
        }
        for index in [256, 257, 299, 300] {
            var other = leaves
            other.insert(Array("other".utf8), at: index)
            let report = try Sample.report(try bundles(other, of: 300, in: files))
            #expect(report.findings.first == .leaf(Int64(index), .added), "\(index)")
        }
        var both = leaves
        both[20] = Array("one".utf8)
        both[200] = Array("two".utf8)
        let report = try Sample.report(try bundles(both, of: 300, in: files))
        #expect(report.findings == [.leaf(20, .changed), .leaf(200, .changed)] && report.leavesConfirmed == 298)
        var swapped = leaves
        swapped.swapAt(20, 200)
        #expect(try Sample.report(try bundles(swapped, of: 300, in: files)).findings.first == .leaf(20, .changed))
    }

    @Test func missingFilesAreNamed() throws {
        let files = try Sample.log(Sample.leaves(600)).files
        for path in files.keys {
            var rest = files
            rest[path] = nil
            let report = try Sample.report(MemoryTileStore(rest))
            guard let tile = TilePath(path) else {
                #expect(report.findings == [.noCheckpoint])
                continue
            }
            let (first, last) = (tile.leaves.lowerBound, tile.leaves.upperBound - 1)
            #expect(report.findings == [.missing(path: path, first: first, last: last)], "\(path)")
        }
    }

    /// Tiles and bundles of a wrong length: cut, and with something behind.
    @Test func wrongLengthsAreFound() throws {
        let files = try Sample.log(Sample.leaves(300)).files
        for (path, bytes) in files where path != "checkpoint" {
            for changed in [[], Array(bytes.dropLast()), bytes + [0], bytes + [UInt8](repeating: 0, count: 32)] {
                let report = try Sample.report(MemoryTileStore(files.merging([path: changed]) { $1 }))
                #expect(report.findings.count == 1)
                if TilePath(path)?.kind == .entries {
                    #expect(report.findings.first?.word.hasPrefix("leaf_") == true)
                } else {
                    #expect(report.findings == [.tile(path: path, hash: nil)])
                }
            }
        }
    }

    /// The full tile may stand for a partial one that was deleted.
    @Test func deletedPartialTilesAreNoFault() throws {
        let old = try Sample.checkpoint(Sample.log(Sample.leaves(300)))
        var files = try Sample.log(Sample.leaves(600)).files
        files["checkpoint"] = old.note.bytes
        #expect(files["tile/0/001.p/44"] == nil)
        let report = try Sample.report(MemoryTileStore(files))
        // The level above has no full tile yet: its partial tile of that size must be there.
        #expect(report.findings == [.missing(path: "tile/1/000.p/1", first: 0, last: 255)])
        files["tile/1/000.p/1"] = Array(try Sample.log(Sample.leaves(300)).files["tile/1/000.p/1"]!)
        let again = try Sample.report(MemoryTileStore(files))
        #expect(again.isClean && again.leavesConfirmed == 300)
    }

    /// A forger who changes a leaf and its tile as well.
    @Test func leavesChangedWithTheirTile() throws {
        let leaves = Sample.leaves(1000)
        let files = try Sample.log(leaves).files
        var other = leaves
        other[600] = Array("forged".utf8)
        let forged = try Sample.log(other).files
        var mixed = files
        for path in ["tile/entries/002", "tile/0/002"] { mixed[path] = forged[path] }
        let report = try Sample.report(MemoryTileStore(mixed))
        #expect(report.findings == [.tile(path: "tile/0/002", hash: nil), .leaves(first: 512, last: 767)])
        // And everything above: only the signed root is left, and it does not fit.
        let whole = forged.merging(["checkpoint": files["checkpoint"]!]) { $1 }
        let root = Reference.root(other.map { LogHash.leaf($0) }[...])
        let signed = try Sample.checkpoint(MemoryTileStore(files)).root
        #expect(
            try Sample.report(MemoryTileStore(whole)).findings
                == [.wrongRoot(size: 1000, signed: signed, found: root)])
    }

    @Test func manyFaultsAtOnce() throws {
        let leaves = Sample.leaves(256 * 30)
        var files = try Sample.log(leaves).files
        for (path, bytes) in files where path.hasPrefix("tile/entries/") {
            var changed = bytes
            changed[5] ^= 1
            files[path] = changed
        }
        let report = try Sample.report(MemoryTileStore(files))
        #expect(report.findingsTotal == 30 && report.findings.count == LogReport.findingsMax)
        #expect(report.findings.compactMap(\.firstLeaf) == (0..<20).map { $0 * 256 })
        #expect(report.checkpoint != nil && report.leavesConfirmed == 30 * 255)
        // All partial tiles wrong, and a leaf: nothing leads to the signed root.
        for path in ["tile/1/000.p/30"] { files[path] = [UInt8](repeating: 1, count: 30 * 32) }
        let worse = try Sample.report(MemoryTileStore(files))
        #expect(worse.findings.first == .leaf(0, .changed) && worse.leavesConfirmed == 0)
        #expect(worse.findingsTotal == 31)
    }

    @Test func checkpointsOfOthersAreRefused() throws {
        let store = try Sample.log(Sample.leaves(5), Sample.otherSigner)
        let report = try Sample.report(store)
        #expect(report.findings == [.badCheckpoint(.notSigned(["example.org/log"]))])
        #expect(report.checkpoint == nil)
    }

    @Test func rollbacksAndForksAreConvicted() throws {
        let leaves = Sample.leaves(700)
        let kept = try Sample.checkpoint(Sample.log(Array(leaves[..<500])))
        #expect(try Sample.report(Sample.log(leaves), kept: kept).isClean)
        #expect(try Sample.report(Sample.log(Array(leaves[..<500])), kept: kept).isClean)

        let rolledBack = try Sample.report(Sample.log(Array(leaves[..<499])), kept: kept)
        #expect(rolledBack.findings == [.rolledBack(seen: 500, now: 499)])
        #expect(rolledBack.evidence?.kind == .rollback)
        try #require(rolledBack.evidence).verify(Sample.logKey)

        var other = leaves
        other[3] = Array("forged".utf8)
        for size in [500, 501, 512, 700] {
            let report = try Sample.report(Sample.log(Array(other[..<size])), kept: kept)
            let root = Reference.root(other[..<500].map { LogHash.leaf($0) }[...])
            #expect(report.findings == [.forked(size: 500, seen: kept.root, now: root)])
            let evidence = try #require(report.evidence)
            #expect(evidence.kind == .fork)
            let read = try Evidence(text: Array(evidence.text.utf8))
            #expect(read == evidence)
            let (first, second) = try read.verify(Sample.logKey)
            #expect(first == kept.checkpoint && second.size == Int64(size))
            #expect(throws: Fault.self) { try read.verify(Sample.otherSigner.key) }
        }
        // A change behind what was kept is no fork of it.
        other = leaves
        other[600] = Array("other".utf8)
        #expect(try Sample.report(Sample.log(other), kept: kept).isClean)
    }
}
