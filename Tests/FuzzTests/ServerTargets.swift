import Bytes
import Domain
import Foundation
import Manifest
import ServerCore
import Storage
import SwiftProtobuf
import Wire

/// What a host sends, through signature, decoding, field checks and one transaction, as the server's edge does it.
///
/// Promises: a refused request changes no row and no blob; a taken one leaves a sound store; a request whose bytes are
/// not those that were signed is refused.
struct SchedulerTarget: FuzzTarget {
    static let name = "scheduler"
    let mutator: Mutator
    private let site: Site
    private let base: Site.Snapshot
    private let path = "/v1/scheduler"
    private let originals: [[UInt8]]

    init() throws {
        let site = try Site()
        self.site = site
        base = try site.store.transaction { try site.snapshot($0) }
        let (first, second) = (site.held[0].taskID, site.held[1].taskID)
        let inline = SampleMessages.success(first, Array("another".utf8))
        var missing = SampleMessages.success(second, Array("gone".utf8))
        missing.success.resultInline = Data()
        originals = try [
            site.request([inline, SampleMessages.failure(second)], want: 4), site.request([missing], want: 0),
            site.request([], want: 64),
            site.request([SampleMessages.success(first - (1 << 10), Array("true".utf8))], want: 1),
        ].map { try $0.serializedBytes() }
        mutator = Mutator(seeds: originals.map { ($0, .message) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        let host = random.nextIndex(below: 8) == 0 ? site.hosts[1] : site.hosts[0]
        let sequence = random.oneOf([
            site.sequence + 1, site.sequence + 1, site.sequence, 1, .max, 1 << 62, 1 << 62 + 1,
        ])
        let body = RequestSignature.message(method: "POST", path: path, sequence: sequence, body: message)
        switch random.nextIndex(below: 16) {
        case 0:
            // Rightly signed: taken or refused for what it says.
            guard host.key.publicKey.isValid(signature: host.key.sign(body), for: body) else {
                throw BrokenPromise("a right signature is refused")
            }
        case 1:
            let original = random.oneOf(originals)
            let signed = RequestSignature.message(method: "POST", path: path, sequence: sequence, body: original)
            if original != message, host.key.publicKey.isValid(signature: host.key.sign(signed), for: body) {
                throw BrokenPromise("the signature of another body is taken")
            }
            return false
        // The signature's own arithmetic takes longer than all the rest, so mostly it is taken as checked.
        default: break
        }
        let (core, now) = (site.core, site.now)
        let hashesFit = random.nextIndex(below: 4) == 0
        return try site.attempt(base) { tx in
            var request = try Self.decode(WireSchedulerRequest.self, message, limit: Limits.rpcBytesMax)
            if hashesFit { Self.fitHashes(&request) }
            let call = try core.checkScheduler(request, now: now)
            let wanted = try core.wantedInline(call, host: host.id, sequence: sequence, in: tx)
            try core.storeInline(call, wanted)
            let outcome = try core.schedule(call, host: host.id, sequence: sequence, sentLastDay: 0, in: tx, now: now)
            let reply = core.finish(try outcome.get())
            guard try reply.serializedData().count <= Limits.rpcBytesMax else {
                throw BrokenPromise("a reply of more than \(Limits.rpcBytesMax) bytes")
            }
        }
    }

    /// Results that were changed, with the hashes that they have now, so that they get further.
    private static func fitHashes(_ request: inout WireSchedulerRequest) {
        for at in request.reports.indices where !request.reports[at].success.resultInline.isEmpty {
            let bytes = [UInt8](request.reports[at].success.resultInline)
            request.reports[at].success.resultSha256 = Data(SHA256Hash.digest(of: bytes).bytes)
            request.reports[at].success.resultBytes = UInt64(bytes.count)
        }
    }

    /// As the edge decodes. - Throws: `RequestRefusal`.
    static func decode<M: SwiftProtobuf.Message>(_ type: M.Type, _ bytes: [UInt8], limit: Int) throws -> M {
        do {
            return try StrictDecode.message(type, from: bytes, limit: limit)
        } catch {
            throw RequestRefusal(.badRequest, "the request body: \(error)")
        }
    }
}

/// The registration of a host, signed with the key that it brings.
struct RegistrationTarget: FuzzTarget {
    static let name = "registration"
    let mutator: Mutator
    private let site: Site
    private let base: Site.Snapshot
    private let key: SigningKey

    init() throws {
        let site = try Site()
        self.site = site
        guard let key = SigningKey(rawRepresentation: [UInt8](repeating: 77, count: 32)) else {
            throw BrokenPromise("no key")
        }
        self.key = key
        var new = SampleMessages.register
        new.publicKey = Data(key.publicKey.rawRepresentation)
        var known = new
        known.publicKey = Data(site.hosts[0].key.publicKey.rawRepresentation)
        var linked = new
        linked.linkCode = try site.linkCode()
        var unknown = linked
        unknown.linkCode = "K7QF-2M9T"
        base = try site.store.transaction { try site.snapshot($0) }
        mutator = Mutator(seeds: try [new, new, known, linked, unknown].map { (try $0.serializedBytes(), .message) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        let path = "/v1/register"
        let body = RequestSignature.message(method: "POST", path: path, sequence: 0, body: message)
        let signer = random.nextIndex(below: 4) == 0 ? site.hosts[0].key : key
        let signature = random.nextIndex(below: 8) == 0 ? random.nextBytes(64) : signer.sign(body)
        let (core, now) = (site.core, site.now)
        return try site.attempt(base) { tx in
            let request = try SchedulerTarget.decode(WireRegisterRequest.self, message, limit: 64 * 1024)
            let call = try core.checkRegister(request, body: message, path: path, signature: signature)
            guard call.publicKey == signer.publicKey.rawRepresentation else {
                throw BrokenPromise("a host is registered under a key that did not sign")
            }
            _ = try core.register(call, in: tx, now: now).get()
        }
    }
}

/// What a host asks about its volunteer's account.
struct AccountTarget: FuzzTarget {
    static let name = "account"
    let mutator: Mutator
    private let site: Site
    private let base: Site.Snapshot

    init() throws {
        let site = try Site()
        self.site = site
        base = try site.store.transaction { try site.snapshot($0) }
        var show = SampleMessages.account
        show.action = .accountShowHosts
        var remove = SampleMessages.account
        (remove.action, remove.hostID) = (.accountRemoveHost, 2)
        var link = SampleMessages.account
        link.action = .accountLinkCode
        var list = link
        list.action = .accountListHosts
        mutator = Mutator(
            seeds: try [SampleMessages.account, show, remove, link, list].map { (try $0.serializedBytes(), .message) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        let (core, now) = (site.core, site.now)
        let host = random.oneOf(site.hosts)
        let sequence = random.oneOf([site.sequence + 1, site.sequence + 1, 0, -1, .max, 1 << 62, 1 << 62 + 1])
        return try site.attempt(base) { tx in
            let request = try SchedulerTarget.decode(WireAccountRequest.self, message, limit: 64 * 1024)
            let call = try core.checkAccount(request) { Site.code }
            let reply = try core.account(call, host: host.id, sequence: sequence, in: tx, now: now).get()
            guard reply.teams.allSatisfy({ $0.teamName.utf8.count <= Limits.teamNameBytesMax }) else {
                throw BrokenPromise("a team's name is too long")
            }
            // Each of the site's hosts is another volunteer's.
            guard reply.hosts.allSatisfy({ $0.hostID == UInt64(host.id.rawValue) }),
                reply.tasksGivenBack == 0 || request.hostID == UInt64(host.id.rawValue)
            else { throw BrokenPromise("a volunteer was told of another's hosts, or removed one") }
        }
    }
}

/// What worker children answer: a child is ours, but it has read bytes of strangers, and may have gone mad over them.
struct WorkerReplyTarget: FuzzTarget {
    static let name = "workerReplies"
    let mutator: Mutator
    private let site: Site
    private let base: Site.Snapshot

    init() throws {
        let site = try Site()
        self.site = site
        base = try site.store.transaction { try site.snapshot($0) }
        let kinds = Set(site.jobs.map { $0.key.description.prefix(5) })
        guard kinds == ["split", "check", "compa"] else { throw BrokenPromise("the site asks for \(kinds)") }
        let replies = SampleMessages.replies + [SampleMessages.splitAnswer]
        mutator = Mutator(seeds: try replies.map { (try $0.serializedBytes(), .message) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        let job = random.oneOf(site.jobs)
        let (core, now) = (site.core, site.now)
        return try site.attempt(base) { tx in
            let reply = try SchedulerTarget.decode(WireWorkerReply.self, message, limit: Limits.workerReplyBytesMax)
            let event = try core.event(job, .reply(reply), board: JobBoard(), now: now)
            _ = try core.commit(event, in: tx, now: now)
            if case .retry = event, !site.blobs.isAsKept {
                throw BrokenPromise("a reply that was refused stored a blob")
            }
            if case .retry(_, let fault) = event, fault.kind == .software || fault.kind == .interrupted {
                throw BrokenPromise("a worker's failure counts against a result: \(fault)")
            }
        }
    }
}

/// Submissions of scientists: a manifest and what it names.
struct SubmissionTarget: FuzzTarget {
    static let name = "submissions"
    let mutator: Mutator
    private let site: Site
    private let base: Site.Snapshot

    init() throws {
        let site = try Site()
        self.site = site
        base = try site.store.transaction { try site.snapshot($0) }
        var request = WireSubmitRequest()
        request.manifest = ManifestTarget.manifest
        request.inputs = [WireInputRef(base.batches[0].inputs[0])]
        mutator = Mutator(seeds: [
            (try request.serializedBytes(), .message), (try request.jsonUTF8Bytes(), .text),
        ])
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        let (core, now) = (site.core, site.now)
        let isText = message.first == UInt8(ascii: "{")
        return try site.attempt(base) { tx in
            let limit = 2 * Limits.manifestBytesMax + 64 * 1024
            let request: WireSubmitRequest
            do throws(WireError) {
                request =
                    isText
                    ? try StrictDecode.json(WireSubmitRequest.self, from: message, limit: limit)
                    : try StrictDecode.message(WireSubmitRequest.self, from: message, limit: limit)
            } catch { throw RequestRefusal(.badRequest, "\(error)") }
            guard request.manifest.utf8.count <= Limits.manifestBytesMax,
                case .success(let spec, _) = ManifestParser.parse(
                    request.manifest, file: "project.yaml", apps: ManifestTarget.apps)
            else { throw RequestRefusal(.badManifest, "no manifest") }
            let inputs = try core.checkSubmit(request, spec: spec, now: now).get()
            let manifest = try core.blobs.put(Array(request.manifest.utf8))
            _ = try core.submit(spec, manifest: manifest, inputs: inputs, in: tx, now: now)
        }
    }
}

/// Upload tickets: only what the server wrote is taken.
struct TicketTarget: FuzzTarget {
    static let name = "tickets"
    let mutator: Mutator
    private let site: Site
    private let genuine: [UploadTicket]

    init() throws {
        let site = try Site()
        self.site = site
        genuine = try site.held.map { try site.core.uploadTicket($0.uploadTicket, now: site.now) }
        mutator = Mutator(seeds: site.held.map { (Array($0.uploadTicket.utf8), .text) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        // A few as they are, or nothing would be taken.
        let text =
            random.nextIndex(below: 64) == 0
            ? random.oneOf(site.held).uploadTicket : String(decoding: message, as: UTF8.self)
        do {
            let ticket = try site.core.uploadTicket(text, now: site.now)
            guard genuine.contains(ticket) else {
                throw BrokenPromise("a ticket that nobody wrote is taken: \(ticket)")
            }
            return true
        } catch is RequestRefusal {
            return false
        }
    }
}
