import Bytes
import Domain
import Foundation
import ServerCore
import Storage
import SwiftProtobuf
import Wire

/// A request to erase a volunteer, signed with the key that it brings or with another.
///
/// Promise: nobody is erased but the volunteer of the host whose key signed.
struct EraseTarget: FuzzTarget {
    static let name = "erase"
    let mutator: Mutator
    private let site: Site
    private let base: Site.Snapshot

    init() throws {
        let site = try Site()
        self.site = site
        base = try site.store.transaction { try site.snapshot($0) }
        let seeds = site.hosts.map { host in
            SampleMessages.filled(WireEraseRequest.self) {
                $0.publicKey = Data(host.key.publicKey.rawRepresentation)
            }
        }
        mutator = Mutator(seeds: try (seeds + [SampleMessages.erase]).map { (try $0.serializedBytes(), .message) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        let (core, now, path) = (site.core, site.now, "/v1/erase")
        let (host, signer) = (random.oneOf(site.hosts), random.oneOf(site.hosts))
        let sequence = random.oneOf([site.sequence + 1, site.sequence + 1, 0, -1, .max])
        let signed = RequestSignature.message(method: "POST", path: path, sequence: sequence, body: message)
        let signature = random.nextIndex(below: 8) == 0 ? random.nextBytes(64) : signer.key.sign(signed)
        return try site.attempt(base) { tx in
            let request = try SchedulerTarget.decode(WireEraseRequest.self, message, limit: 4096)
            let call = try core.checkErase(
                request, body: message, path: path, sequence: sequence, signature: signature)
            let statement = try core.erase(call, host: host.id, sequence: sequence, in: tx, now: now).get().statement
            let erased = try tx.volunteers().filter { $0.erasedAt != nil }.map { UInt64($0.id.rawValue) }
            guard signer.id == host.id, erased == [statement.volunteerID],
                try tx.host(host.id)?.volunteer.rawValue == Int64(statement.volunteerID)
            else { throw BrokenPromise("volunteers \(erased) were erased by the key of host \(signer.id)") }
        }
    }
}

/// A request for a page of an export.
///
/// Promise: a page tells of the hosts of the volunteer who asks, and of nobody else's.
struct ExportTarget: FuzzTarget {
    static let name = "export"
    let mutator: Mutator
    private let site: Site
    private let base: Site.Snapshot

    init() throws {
        let site = try Site()
        self.site = site
        base = try site.store.transaction { try site.snapshot($0) }
        let sections: [WireExportSection] = [.exportAccount, .exportHosts, .exportTasks, .exportCredit]
        let seeds = sections.map { section in
            SampleMessages.filled(WireExportRequest.self) { $0.section = section }
        }
        mutator = Mutator(seeds: try (seeds + [SampleMessages.export]).map { (try $0.serializedBytes(), .message) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        let (core, now) = (site.core, site.now)
        let host = random.oneOf(site.hosts)
        let sequence = random.oneOf([site.sequence + 1, site.sequence + 1, 0, -1, .max, 1 << 62, 1 << 62 + 1])
        return try site.attempt(base) { tx in
            let request = try SchedulerTarget.decode(WireExportRequest.self, message, limit: 4096)
            let call = try core.checkExport(request)
            let page = try core.export(call, host: host.id, sequence: sequence, in: tx, now: now).get()
            let own = UInt64(host.id.rawValue)
            guard page.hosts.allSatisfy({ $0.hostID == own }), page.tasks.allSatisfy({ $0.hostID == own }),
                page.credit.allSatisfy({ $0.hostID == own }), page.next == 0 || page.next > request.after
            else { throw BrokenPromise("a page for host \(own) tells of others, or leads back") }
            guard try StrictDecode.bytes(of: page).count < Limits.rpcBytesMax else {
                throw BrokenPromise("a page is larger than a reply may be")
            }
        }
    }
}
