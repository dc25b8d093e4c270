import Domain

/// All rows of a database, table by table, inside of one transaction that ends when the archive is committed or let go.
///
/// For moving a project while no server uses it; the implementations see to that.
public protocol TableArchive: AnyObject {
    /// Rows in order of the key, behind `last` if there is one.
    func rows(of table: TableShape, after last: [Cell]?, limit: Int) throws -> [[Cell]]
    func insert(_ rows: [[Cell]], into table: TableShape) throws
    /// Makes the tables that follow from others, where triggers have not done it with each row.
    func derive() throws
    /// That it is still open: nobody else has written since it was opened.
    /// - Throws: `StoreError.io` when it was lost meanwhile.
    func confirm() throws
    /// Durable on return.
    func commit() throws
}

/// What a table holds: rows, and SHA-256 over their canonical form.
public struct TableSum: Hashable, Sendable, CustomStringConvertible {
    public var table: String
    public var rows: Int64
    public var digest: Digest

    public var description: String { "\(table): \(rows) rows, \(digest.hex.prefix(16))" }
}

/// Moves a project from one database to another.
public enum TableCopy {
    private static let page = 1000

    /// Copies every row, reads everything again on both sides, and commits only when counts and hashes are equal. The
    /// target is empty or complete, whatever happens.
    ///
    /// - Returns: what both hold now.
    /// - Throws: `StoreError.conflict` when the target holds something else than the source: then nothing is changed.
    public static func run(
        from source: any TableArchive, to target: any TableArchive, hash: HashFactory
    ) throws -> [TableSum] {
        let wanted = try sums(of: source, hash: hash)
        let found = try sums(of: target, hash: hash)
        // Done before, by a run whose end nobody saw.
        if found == wanted {
            try source.confirm()
            return found
        }
        guard found.allSatisfy({ $0.rows == 0 }) else {
            let what = found.filter { $0.rows > 0 }.map { "\($0.table) \($0.rows)" }.joined(separator: ", ")
            throw StoreError.conflict("the target is not empty: rows in \(what)")
        }
        for table in TableShape.all where !table.isDerived {
            try forEach(table, in: source) { try target.insert($0, into: table) }
        }
        try target.derive()
        let made = try sums(of: target, hash: hash)
        guard made == wanted else {
            let differing = zip(made, wanted).filter { $0 != $1 }.map { "\($0) instead of \($1)" }
            throw StoreError.corrupt("the copy differs: \(differing.joined(separator: "; "))")
        }
        // One that was lost no longer keeps others out: what was read may be out of date.
        try source.confirm()
        try target.commit()
        return made
    }

    /// Counts and hashes of all tables.
    public static func sums(of archive: any TableArchive, hash: HashFactory) throws -> [TableSum] {
        try TableShape.all.map { table in
            var state = hash()
            var count: Int64 = 0
            try forEach(table, in: archive) { rows in
                var bytes: [UInt8] = []
                for row in rows { for cell in row { cell.append(to: &bytes) } }
                state.update(bytes)
                count += Int64(rows.count)
            }
            return TableSum(table: table.name, rows: count, digest: state.finish())
        }
    }

    private static func forEach(
        _ table: TableShape, in archive: any TableArchive, _ body: ([[Cell]]) throws -> Void
    ) throws {
        var last: [Cell]?
        while true {
            let rows = try archive.rows(of: table, after: last, limit: page)
            guard let end = rows.last else { return }
            try body(rows)
            last = Array(end.prefix(table.keys))
        }
    }
}

extension Cell {
    /// A tag, the length where it varies, the bytes; big-endian. Different values never make the same bytes.
    fileprivate func append(to bytes: inout [UInt8]) {
        func add(_ tag: UInt8, _ number: UInt64) {
            bytes.append(tag)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        switch self {
        case .null: bytes.append(0)
        case .integer(let value): add(1, UInt64(bitPattern: value))
        // Zero has two signs, which no database keeps apart for sure.
        case .real(let value): add(2, (value == 0 ? 0 : value).bitPattern)
        case .text(let value):
            add(3, UInt64(value.utf8.count))
            bytes += Array(value.utf8)
        case .bytes(let value):
            add(4, UInt64(value.count))
            bytes += value
        }
    }
}
