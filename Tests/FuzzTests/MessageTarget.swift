import Bytes
import Domain
import Foundation
import SwiftProtobuf
import Wire

/// Strict decoding of every message of the protocol and of the pipes to worker children, and the conversions behind it.
///
/// Promise: what is taken can be encoded, and encodes the same after it was decoded again.
struct MessageTarget: FuzzTarget {
    static let name = "messages"
    let mutator: Mutator
    private let readers: [([UInt8]) throws -> Void]

    init() throws {
        var seeds: [[UInt8]] = []
        var readers: [([UInt8]) throws -> Void] = []
        func add<M: SwiftProtobuf.Message>(
            _ messages: M..., limit: Int = 1 << 20, then: @escaping (M) throws -> Void = { _ in }
        ) throws {
            for message in messages { seeds.append(try message.serializedBytes()) }
            readers.append { bytes in
                let message = try StrictDecode.message(M.self, from: bytes, limit: limit)
                let encoded = try StrictDecode.bytes(of: message)
                let again = try StrictDecode.message(M.self, from: encoded, limit: 2 << 20)
                guard try StrictDecode.bytes(of: again) == encoded else {
                    throw BrokenPromise("a \(M.protoMessageName) changes when it is decoded again")
                }
                try then(message)
            }
        }
        try add(SampleMessages.profile) { _ = try $0.domain() }
        try add(SampleMessages.register) { _ = try $0.profile.domain() }
        try add(SampleMessages.scheduler, limit: Limits.rpcBytesMax)
        try add(SampleMessages.reply, limit: Limits.rpcBytesMax)
        try add(SampleMessages.receipts)
        try add(SampleMessages.project)
        try add(SampleMessages.registered)
        try add(SampleMessages.error)
        try add(SampleMessages.account)
        try add(SampleMessages.accountReply)
        try add(SampleMessages.erase)
        try add(SampleMessages.erased)
        try add(SampleMessages.statement)
        try add(SampleMessages.export)
        try add(SampleMessages.exported, limit: Limits.rpcBytesMax)
        try add(SampleMessages.submit) { for input in $0.inputs { _ = try input.domain() } }
        try add(SampleMessages.status)
        try add(SampleMessages.credit)
        try add(SampleMessages.validation)
        try add(SampleMessages.disagreements)
        try add(SampleMessages.progress)
        try add(SampleMessages.run) { for input in $0.inputs { _ = try input.ref.domain() } }
        try add(SampleMessages.difference) { _ = try $0.domain() }
        try add(SampleMessages.schema) { _ = try $0.domain() }
        try add(SampleMessages.context) { for parameter in $0.parameters { _ = try parameter.domain() } }
        for job in SampleMessages.jobs { seeds.append(try job.serializedBytes()) }
        try add(SampleMessages.jobs[0])
        for reply in SampleMessages.replies { seeds.append(try reply.serializedBytes()) }
        try add(SampleMessages.replies[0]) { for app in $0.catalogue.apps { _ = try app.domain() } }
        self.readers = readers
        mutator = Mutator(seeds: seeds.map { ($0, .message) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        // Any message may arrive where another one is awaited.
        do {
            try random.oneOf(readers)(message)
            return true
        } catch let error as WireError {
            guard !error.description.isEmpty, !error.code.isEmpty else {
                throw BrokenPromise("a refusal without words")
            }
            return false
        }
    }
}

/// Containers down to the last section, as worker children read them.
///
/// Promises: a container that is taken has sections within the limit and encodes again to what reads the same; a work
/// unit whose bytes were changed without its key is never taken.
struct ContainerTarget: FuzzTarget {
    static let name = "containers"
    let mutator: Mutator
    private let key: SigningKey
    private let dictionary: [UInt8]
    private static let limit = 1 << 20

    init() throws {
        guard let key = SampleMessages.key else { throw BrokenPromise("no key") }
        self.key = key
        let root = FuzzRun.corpus.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "work-units")
        dictionary = Array(try Data(contentsOf: root.appending(path: "golden/dictionary.zdict")))
        let unit = WorkUnitID(batch: BatchID(rawValue: 1), index: 2)
        var random = SeededGenerator(seed: 9)
        let columns = (0..<3).map { column in (0..<40).map { Double($0 * column) + random.nextUnit() } }
        guard let table = Table(names: ["time_s", "weight", "noise"], columns: columns) else {
            throw BrokenPromise("no table")
        }
        var seeds: [(bytes: [UInt8], shape: Mutator.Shape)] = [
            (try UnitContainer.encode(SampleMessages.unitBody(unit), key: key), .container(kind: 1, key: key)),
            (try UnitContainer.encode(SampleMessages.programBody(unit), key: key), .container(kind: 1, key: key)),
            (try ResultContainer.encode(SampleMessages.resultBody(unit)), .container(kind: 2, key: nil)),
            (try TableContainer.encode(table), .container(kind: 3, key: nil)),
            (try PlainContainer.encode(Array("any file, any file, any file\n".utf8)), .container(kind: 4, key: nil)),
        ]
        // As often as all the bad ones, which mostly stay bad.
        seeds = Array(repeatElement(seeds, count: 12).joined())
        for folder in ["golden", "bad"] {
            let names = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
            for name in names.sorted() where name.hasSuffix(".bin") {
                let bytes = Array(try Data(contentsOf: root.appending(path: "\(folder)/\(name)")))
                // Large ones are slow to change and hold nothing that small ones do not.
                guard bytes.count < 4096 else { continue }
                let kind = bytes.count > 16 ? bytes[4] : 0
                seeds.append((bytes, .container(kind: kind, key: kind == 1 ? key : nil)))
            }
        }
        mutator = Mutator(seeds: seeds)
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        do throws(WireError) {
            switch message.count > 4 ? message[4] : 0 {
            case 1:
                let body = try UnitContainer.decodeUnverified(message)
                try read(body.sections, random.nextIndex(below: 4) == 0 ? dictionary : nil)
            case 2: try read(try ResultContainer.decode(message, limit: Self.limit).sections, nil)
            case 3:
                // The table's own limit is a gigabyte; what is declared beyond ours is only looked at.
                _ = try TableContainer.decode(message)
            default: _ = try PlainContainer.decode(message, limit: Self.limit)
            }
        } catch { return false }
        if message.count > 4, message[4] == 1, random.nextIndex(below: 16) == 0 { try checkSignature(message) }
        return true
    }

    private func read(_ sections: [WireSection], _ dictionary: [UInt8]?) throws(WireError) {
        for section in sections where section.rawBytes <= UInt64(Self.limit) {
            let bytes = try SectionCodec.unpack(section, limit: Self.limit, dictionary: dictionary)
            if UInt64(bytes.count) != section.rawBytes { throw .malformed("more came out than was declared") }
        }
    }

    /// A flipped bit anywhere undoes the signature.
    private func checkSignature(_ message: [UInt8]) throws {
        guard (try? UnitContainer.decode(message, key: key.publicKey)) != nil else { return }
        var changed = message
        changed[message.count / 2] ^= 4
        if (try? UnitContainer.decode(changed, key: key.publicKey)) != nil {
            throw BrokenPromise("a work unit that was changed after it was signed is taken")
        }
    }
}
