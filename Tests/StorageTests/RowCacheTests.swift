import Storage
import Testing

/// A cache of rows over a table, with savepoints, beside what the rows must be.
@Suite("rows of a table as a transaction sees them")
struct RowCacheTests {
    private static let keys = 40

    private struct Bench {
        // A few rows only, so that generations go by.
        var cache = RowCache<Int, Int>(rowsMax: 12)
        /// What the database has, and what everybody must see.
        var table: [Int: Int] = [:]
        var expected: [Int: Int] = [:]
        var marks: [(mark: Int, table: [Int: Int], expected: [Int: Int])] = []

        mutating func row(_ key: Int) -> Int? {
            if let row = cache.row(key) { return row }
            guard let row = table[key] else { return nil }
            cache.read(key, row)
            return row
        }

        mutating func settle() {
            let changes = cache.takeDirty()
            #expect(changes.map(\.key) == changes.map(\.key).sorted())
            #expect(cache.dirtyCount == 0)
            for (key, row, stored) in changes {
                if case .known(let known) = stored { #expect(table[key] == known) }
                #expect(table[key] != nil && row == expected[key])
                table[key] = row
            }
            #expect(table == expected)
        }

        mutating func change(_ key: Int, to value: Int) {
            guard let old = row(key) else {
                table[key] = value
                cache.inserted(key)
                cache.read(key, value)
                expected[key] = value
                return
            }
            cache.change(key, to: value, from: old)
            expected[key] = value
        }

        mutating func remove(_ key: Int) {
            guard expected[key] != nil else { return }
            settle()
            table[key] = nil
            cache.removed(key)
            expected[key] = nil
        }

        mutating func undo() {
            guard let last = marks.popLast() else { return }
            cache.undo(to: last.mark)
            (table, expected) = (last.table, last.expected)
        }

        mutating func commit() {
            settle()
            marks.removeAll()
            cache.commit()
        }
    }

    @Test("are what was changed last, whatever is undone and written meanwhile", arguments: 0..<20)
    func random(seed: UInt64) {
        var (bench, random) = (Bench(), TestGenerator(seed: seed))
        for step in 0..<4000 {
            let key = random.below(Self.keys)
            switch random.below(20) {
            case 0: bench.commit()
            case 1: bench.settle()
            case 2...3: bench.marks.append((bench.cache.mark, bench.table, bench.expected))
            case 4: bench.undo()
            case 5: bench.remove(key)
            case 6...11: bench.change(key, to: step)
            default: #expect(bench.row(key) == bench.expected[key])
            }
        }
        bench.commit()
        for key in 0..<Self.keys { #expect(bench.row(key) == bench.expected[key]) }
    }
}
