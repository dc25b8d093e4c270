import Bytes
import Domain

extension LedgerLeaf {
    /// The version of the bytes.
    public static let version: UInt8 = 1

    /// The bytes of the leaf: the same value always gives the same bytes.
    ///
    /// - Throws: `.field` for a value that is out of its range, and could not be read back.
    public func encoded() throws(LeafRefusal) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.put(u8: Self.version)
        writer.put(u8: event.kind)
        writer.put(i64: at.milliseconds)
        switch event {
        case .verdict(let verdict): verdict.put(&writer)
        case .credit(let credit): try credit.put(&writer)
        case .adminAct(let act):
            try writer.put(word: act.actor, field: "actor")
            try writer.put(word: act.act, field: "act")
            try writer.put(word: act.object, field: "object")
        case .release(let release): try release.put(&writer)
        case .rows(let rows): try rows.put(&writer)
        }
        // What is out of its range is refused here, by the rules that a reader follows.
        guard try LedgerLeaf(writer.bytes) == self else { throw .field("task") }
        return writer.bytes
    }

    /// Reads the bytes of a leaf: only those that `encoded` gives.
    public init(_ bytes: [UInt8]) throws(LeafRefusal) {
        var reader = LeafReader(bytes)
        let version = try reader.byte()
        guard version == Self.version else { throw .version(version) }
        let kind = try reader.byte()
        at = Timestamp(milliseconds: try reader.number("at", from: 0))
        switch kind {
        case 1: event = .verdict(try LoggedVerdict(&reader, hasBasis: false))
        case 2: event = .credit(try LoggedCredit(&reader))
        case 3:
            event = .adminAct(
                LoggedAdminAct(
                    actor: try reader.word("actor", max: 64), act: try reader.word("act", max: 64),
                    object: try reader.word("object", max: 256)))
        case 4: event = .release(try LoggedRelease(&reader))
        case 5: event = .verdict(try LoggedVerdict(&reader, hasBasis: true))
        case 6: event = .rows(try LoggedRows(&reader))
        default: throw .kind(kind)
        }
        try reader.expectEnd()
    }
}

extension LedgerLeaf.Event {
    fileprivate var kind: UInt8 {
        switch self {
        case .verdict(let verdict): verdict.basis == nil ? 1 : 5
        case .credit: 2
        case .adminAct: 3
        case .release: 4
        case .rows: 6
        }
    }
}

extension LoggedVerdict {
    fileprivate func put(_ writer: inout ByteWriter) {
        writer.put(i64: task.rawValue)
        writer.put(i64: host.rawValue)
        writer.put(u8: UInt8(outcome.rawValue))
        writer.put(bytes: reason.bytes)
        writer.put(i64: canonical?.rawValue ?? 0)
        guard let basis else { return }
        writer.put(bytes: basis.result.bytes)
        writer.put(i64: basis.comparedWith?.rawValue ?? 0)
        writer.put(bytes: basis.seal.bytes)
    }

    fileprivate init(_ reader: inout LeafReader, hasBasis: Bool) throws(LeafRefusal) {
        task = try reader.task("task")
        host = try reader.host("host")
        guard let outcome = Verdict.Outcome(rawValue: Int(try reader.byte())) else { throw .field("outcome") }
        self.outcome = outcome
        reason = try reader.digest("reason")
        canonical = try reader.sister(of: task, "canonical")
        guard hasBasis else {
            basis = nil
            return
        }
        let result = try reader.digest("result")
        let other = try reader.sister(of: task, "compared_with")
        guard other != task else { throw .field("compared_with") }
        basis = Basis(result: result, comparedWith: other, seal: try reader.digest("seal"))
    }
}

extension LoggedCredit {
    fileprivate func put(_ writer: inout ByteWriter) throws(LeafRefusal) {
        writer.put(i64: number)
        writer.put(u8: kind.rawValue)
        try debit.put(&writer)
        try credit.put(&writer)
        writer.put(i64: amount.microcobblestones)
        writer.put(i64: task.rawValue)
    }

    fileprivate init(_ reader: inout LeafReader) throws(LeafRefusal) {
        number = try reader.number("number", from: 1)
        guard let kind = Kind(rawValue: try reader.byte()) else { throw .field("kind") }
        self.kind = kind
        debit = try Account(&reader, field: "debit")
        credit = try Account(&reader, field: "credit")
        guard debit != credit else { throw .field("credit") }
        amount = Credit(microcobblestones: try reader.number("amount", from: 1))
        task = try reader.task("task")
    }
}

extension LoggedCredit.Account {
    fileprivate func put(_ writer: inout ByteWriter) throws(LeafRefusal) {
        switch self {
        case .project(let name):
            writer.put(u8: 1)
            try writer.put(word: name, field: "project")
        case .host(let host):
            writer.put(u8: 2)
            writer.put(i64: host.rawValue)
        case .provisional(let host):
            writer.put(u8: 3)
            writer.put(i64: host.rawValue)
        }
    }

    fileprivate init(_ reader: inout LeafReader, field: String) throws(LeafRefusal) {
        switch try reader.byte() {
        case 1: self = .project(try reader.word(field, max: Limits.projectNameBytesMax))
        case 2: self = .host(try reader.host(field))
        case 3: self = .provisional(try reader.host(field))
        default: throw .field(field)
        }
    }
}

extension LoggedRelease {
    fileprivate func put(_ writer: inout ByteWriter) throws(LeafRefusal) {
        try writer.put(word: project, field: "project")
        writer.put(bytes: manifest.bytes)
        try writer.put(word: app, field: "app")
        guard let version = UInt32(exactly: version) else { throw .field("version") }
        writer.put(u32: version)
        guard key.count == 32 else { throw .field("key") }
        writer.put(bytes: key)
    }

    fileprivate init(_ reader: inout LeafReader) throws(LeafRefusal) {
        project = try reader.word("project", max: Limits.projectNameBytesMax)
        manifest = try reader.digest("manifest")
        app = try reader.word("app", max: Limits.wordBytesMax)
        version = Int(try reader.version("version"))
        key = try reader.bytes(32)
    }
}

extension LoggedRows {
    fileprivate func put(_ writer: inout ByteWriter) throws(LeafRefusal) {
        writer.put(u8: table.rawValue)
        writer.put(i64: first)
        guard (1...Self.countMax).contains(seals.count) else { throw .field("count") }
        writer.put(u16: UInt16(seals.count))
        for seal in seals { writer.put(bytes: seal.bytes) }
    }

    fileprivate init(_ reader: inout LeafReader) throws(LeafRefusal) {
        guard let table = Table(rawValue: try reader.byte()) else { throw .field("table") }
        self.table = table
        first = try reader.number("first", from: 1)
        let count = Int(try reader.count("count"))
        guard (1...Self.countMax).contains(count) else { throw .field("count") }
        seals = []
        for _ in 0..<count { seals.append(try reader.digest("seal")) }
    }
}

extension ByteWriter {
    /// UTF-8 behind its length in two bytes.
    fileprivate mutating func put(word: String, field: String) throws(LeafRefusal) {
        guard let count = UInt16(exactly: word.utf8.count) else { throw .field(field) }
        put(u16: count)
        put(bytes: Array(word.utf8))
    }
}

/// Reads fields, each within its range.
private struct LeafReader {
    private var reader: ByteReader

    init(_ bytes: [UInt8]) {
        reader = ByteReader(bytes)
    }

    mutating func byte() throws(LeafRefusal) -> UInt8 {
        do throws(ByteReaderError) { return try reader.readU8() } catch { throw .truncated }
    }

    mutating func bytes(_ count: Int) throws(LeafRefusal) -> [UInt8] {
        do throws(ByteReaderError) { return try reader.readBytes(count) } catch { throw .truncated }
    }

    mutating func number(_ field: String, from minimum: Int64) throws(LeafRefusal) -> Int64 {
        let value: Int64
        do throws(ByteReaderError) { value = try reader.readI64() } catch { throw .truncated }
        guard value >= minimum else { throw .field(field) }
        return value
    }

    mutating func version(_ field: String) throws(LeafRefusal) -> UInt32 {
        let value: UInt32
        do throws(ByteReaderError) { value = try reader.readU32() } catch { throw .truncated }
        guard value >= 1 else { throw .field(field) }
        return value
    }

    /// Batches begin with 1, so a task's number has at least 43 bits.
    mutating func task(_ field: String) throws(LeafRefusal) -> TaskID {
        TaskID(rawValue: try number(field, from: 1 << 42))
    }

    /// Another task of the same unit, or the same; 0 is none.
    mutating func sister(of task: TaskID, _ field: String) throws(LeafRefusal) -> TaskID? {
        let other = TaskID(rawValue: try number(field, from: 0))
        guard other.rawValue != 0 else { return nil }
        guard other.unit == task.unit else { throw .field(field) }
        return other
    }

    mutating func count(_ field: String) throws(LeafRefusal) -> UInt16 {
        do throws(ByteReaderError) { return try reader.readU16() } catch { throw .truncated }
    }

    mutating func host(_ field: String) throws(LeafRefusal) -> HostID {
        HostID(rawValue: try number(field, from: 1))
    }

    mutating func digest(_ field: String) throws(LeafRefusal) -> Digest {
        guard let digest = Digest(bytes: try bytes(32)) else { throw .field(field) }
        return digest
    }

    /// Not empty, UTF-8, no control characters.
    mutating func word(_ field: String, max: Int) throws(LeafRefusal) -> String {
        let count: UInt16
        do throws(ByteReaderError) { count = try reader.readU16() } catch { throw .truncated }
        guard count > 0, Int(count) <= max else { throw .field(field) }
        let bytes = try bytes(Int(count))
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), let text = String(validating: bytes, as: UTF8.self)
        else { throw .field(field) }
        return text
    }

    func expectEnd() throws(LeafRefusal) {
        if reader.remaining > 0 { throw .trailingBytes(reader.remaining) }
    }
}
