import CPostgres
import Domain
import Storage

/// The rows that answer a statement.
final class Answer {
    fileprivate let result: OpaquePointer
    let count: Int

    init(_ result: OpaquePointer) {
        self.result = result
        count = Int(PQntuples(result))
    }

    deinit { PQclear(result) }

    func all<T>(_ read: (inout Row) throws -> T) rethrows -> [T] {
        var rows: [T] = []
        rows.reserveCapacity(count)
        for at in 0..<count {
            var row = Row(self, at)
            rows.append(try read(&row))
        }
        return rows
    }

    func first<T>(_ read: (inout Row) throws -> T) rethrows -> T? {
        guard count > 0 else { return nil }
        var row = Row(self, 0)
        return try read(&row)
    }
}

/// Reads the columns of a row in order. All columns are bigint, double precision, bytea or text, in binary.
struct Row {
    private let answer: Answer
    private let at: Int32
    private var column: Int32 = 0

    init(_ answer: Answer, _ at: Int) {
        self.answer = answer
        self.at = Int32(at)
    }

    private mutating func next() -> UnsafeRawBufferPointer? {
        defer { column += 1 }
        guard PQgetisnull(answer.result, at, column) == 0, let start = PQgetvalue(answer.result, at, column) else {
            return nil
        }
        return UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(answer.result, at, column)))
    }

    private mutating func bits() -> UInt64? {
        guard let value = next(), value.count == 8 else { return nil }
        return UInt64(bigEndian: value.loadUnaligned(as: UInt64.self))
    }

    mutating func skip(_ count: Int32) { column += count }
    mutating func integer() -> Int64 { optionalInteger() ?? 0 }
    mutating func optionalInteger() -> Int64? { bits().map { Int64(bitPattern: $0) } }
    mutating func int() -> Int { Int(integer()) }
    mutating func boolean() -> Bool { integer() != 0 }
    mutating func time() -> Timestamp { Timestamp(milliseconds: integer()) }
    mutating func real() -> Double { optionalReal() ?? 0 }
    mutating func optionalReal() -> Double? { bits().map { Double(bitPattern: $0) } }
    mutating func text() -> String { optionalText() ?? "" }

    mutating func optionalText() -> String? {
        guard let value = next() else { return nil }
        guard value.contains(1) else { return String(decoding: value, as: UTF8.self) }
        var plain: [UInt8] = []
        var isEscaped = false
        for byte in value {
            if isEscaped {
                plain.append(byte &- UInt8(ascii: "0"))
                isEscaped = false
            } else if byte == 1 {
                isEscaped = true
            } else {
                plain.append(byte)
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    mutating func blob() -> [UInt8] { optionalBlob() ?? [] }
    mutating func optionalBlob() -> [UInt8]? { next().map { Array($0) } }

    /// - Throws: `StoreError.corrupt` when the column does not hold 32 bytes.
    mutating func digest() throws -> Digest {
        guard let digest = Digest(bytes: blob()) else { throw StoreError.corrupt("a digest without 32 bytes") }
        return digest
    }
}
