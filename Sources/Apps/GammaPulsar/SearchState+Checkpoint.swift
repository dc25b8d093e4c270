import Bytes
import Plugins

extension SearchState {
    private static let version: UInt32 = 1

    func encoded() -> [UInt8] {
        var out = ByteWriter()
        out.put(u32: SearchState.version)
        out.put(u32: UInt32(statistics.count))
        for entry in statistics {
            out.put(i64: Int64(entry.count))
            out.put(doubles: [entry.sum, entry.sumOfSquares])
        }
        out.put(u32: UInt32(hits.items.count))
        for hit in hits.items {
            out.put(doubles: [hit.frequency, hit.strength])
            out.put(u32: UInt32(hit.ratio))
        }
        out.put(u32: UInt32(candidates.items.count))
        for item in candidates.items {
            out.put(doubles: [item.frequency, item.ratio, item.power, item.sigma])
        }
        out.put(u32: UInt32(nextHit))
        out.put(u8: isRefined ? 1 : 0)
        return out.bytes
    }

    /// - Throws: `.badCheckpoint` when the bytes are not a state of this unit.
    init(_ bytes: [UInt8], unit: SearchUnit, spacing: Double) throws(AppError) {
        self.init(unit, spacing: spacing)
        do {
            var reader = ByteReader(bytes)
            try SearchState.require(try reader.readU32() == SearchState.version, "written by another version")
            try readStatistics(&reader, unit)
            try readHits(&reader, unit)
            try readCandidates(&reader, unit)
            nextHit = Int(try reader.readU32())
            isRefined = try reader.readU8() == 1
            try reader.expectEnd()
            try SearchState.require(nextHit <= hits.items.count, "more hits refined than found")
            try SearchState.require(!isRefined || statistics.count == unit.ratios.count, "done before its end")
        } catch let damage as Damage {
            throw .badCheckpoint(damage.what)
        } catch {
            throw .badCheckpoint("damaged: \(error)")
        }
    }

    private struct Damage: Error {
        var what: String
    }

    private static func require(_ condition: Bool, _ what: String) throws(Damage) {
        if !condition { throw Damage(what: what) }
    }

    private mutating func readStatistics(_ reader: inout ByteReader, _ unit: SearchUnit) throws {
        let count = Int(try reader.readU32())
        try SearchState.require(count <= unit.ratios.count, "more ratios than the unit has")
        for _ in 0..<count {
            let points = try reader.readI64()
            let v = try reader.readDoubles(2)
            try SearchState.require(points >= 0 && points < 1 << 40 && v.allSatisfy(\.isFinite), "damaged sums")
            statistics.append(GridStatistics(count: Int(points), sum: v[0], sumOfSquares: v[1]))
        }
    }

    private mutating func readHits(_ reader: inout ByteReader, _ unit: SearchUnit) throws {
        let count = Int(try reader.readU32())
        try SearchState.require(count <= hits.limit, "too many hits")
        var items: [PeakHit] = []
        for _ in 0..<count {
            let v = try reader.readDoubles(2)
            let ratio = Int(try reader.readU32())
            try SearchState.require(
                v.allSatisfy(\.isFinite) && abs(v[0]) < 1e6 && ratio < unit.ratios.count, "damaged hits")
            items.append(PeakHit(frequency: v[0], strength: v[1], ratio: ratio))
        }
        hits = HitList(limit: hits.limit, clusterWidth: hits.clusterWidth, items: items)
    }

    private mutating func readCandidates(_ reader: inout ByteReader, _ unit: SearchUnit) throws {
        let count = Int(try reader.readU32())
        try SearchState.require(count <= unit.candidatesMax, "too many candidates")
        for _ in 0..<count {
            let v = try reader.readDoubles(4)
            try SearchState.require(v.allSatisfy(\.isFinite), "damaged candidates")
            candidates.insert(Candidate(frequency: v[0], ratio: v[1], power: v[2], sigma: v[3]))
        }
    }
}
