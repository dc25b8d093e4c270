import Bytes
import Domain
import Storage
import Wire

/// A register request whose fields are in bounds and whose signature holds.
public struct RegisterCall: Hashable, Sendable {
    public var publicKey: [UInt8]
    /// Of a new volunteer.
    public var volunteerName: String
    public var profile: HostProfile
    /// Whose host it becomes; nil: a new volunteer's.
    public var linkCode: LinkCode?
}

extension ProjectServer {
    /// Checks fields and signature. - Parameter signature: over the message of `RequestSignature` with sequence 0.
    public func checkRegister(
        _ request: WireRegisterRequest, body: [UInt8], path: String, signature: [UInt8]
    ) throws(RequestRefusal) -> RegisterCall {
        guard let key = VerifyingKey(rawRepresentation: request.publicKey.array) else {
            throw RequestRefusal(.badRequest, "public_key is not an Ed25519 public key of 32 bytes")
        }
        let message = RequestSignature.message(method: "POST", path: path, sequence: 0, body: body)
        guard key.isValid(signature: signature, for: message) else {
            throw RequestRefusal(.badSignature, "the signature does not belong to the public key in the request")
        }
        var code: LinkCode?
        if request.linkCode.isEmpty {
            try FieldCheck.name(
                request.volunteerName, field: "volunteer_name", bytesMax: Limits.volunteerNameBytesMax)
        } else {
            code = LinkCode(request.linkCode)
            guard code != nil else {
                throw RequestRefusal(.badRequest, "link_code has not the form of K7QF-2M9T")
            }
        }
        let profile = try hostProfile(request.profile)
        return RegisterCall(
            publicKey: key.rawRepresentation, volunteerName: code == nil ? request.volunteerName : "",
            profile: profile, linkCode: code)
    }

    func hostProfile(_ message: WireHostProfileMessage) throws(RequestRefusal) -> HostProfile {
        let profile: HostProfile
        do {
            profile = try message.domain()
        } catch {
            throw RequestRefusal(.badRequest, "profile: \(error)")
        }
        try FieldCheck.profile(profile)
        return profile
    }

    /// Gives the host its number. Repeating it with the same key gives the same host, which stays with its first
    /// volunteer: credit that was granted does not wander. Without a code the host begins a volunteer of its own,
    /// whatever name it gives: a name is for people, and nobody becomes somebody else by knowing one.
    public func register(
        _ call: RegisterCall, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Result<WireRegisterReply, RequestRefusal> {
        // Of an erased host, the database knows the key no more.
        if let erased = try tx.host(publicKey: keys.erased(call.publicKey)),
            let refusal = try removalRefusal(of: erased, in: tx)
        {
            return .failure(refusal)
        }
        if let known = try tx.host(publicKey: call.publicKey) {
            return try registerAgain(known, call, in: tx)
        }
        // A crash after the commit and before the reply leaves a host that nobody uses yet; the client registers
        // again with the same key and gets the same number, and the code that it used is good for it.
        var link: LinkCodeRecord?
        let volunteer: VolunteerRecord
        if let code = call.linkCode {
            switch try self.volunteer(joinedWith: code, in: tx, now: now) {
            case .failure(let refusal): return .failure(refusal)
            case .success(let record):
                guard let owner = try tx.volunteer(record.volunteer) else {
                    throw StoreError.missing("volunteer \(record.volunteer)")
                }
                (link, volunteer) = (record, owner)
            }
        } else {
            volunteer = try tx.insertVolunteer {
                VolunteerRecord(id: $0, name: call.volunteerName, credit: .zero, createdAt: now)
            }
        }
        let host = try tx.insertHost { id in
            HostRecord(
                id: id, volunteer: volunteer.id, publicKey: call.publicKey, profile: call.profile, sequence: 0,
                measuredFlopsPerSecond: nil, validCount: 0, invalidCount: 0, errorCount: 0, credit: .zero,
                createdAt: now, lastSeenAt: now)
        }
        if var link {
            (link.usedBy, link.usedAt) = (host.id, now)
            try tx.updateLinkCode(link)
        }
        return .success(reply(host, volunteer))
    }

    private func registerAgain(
        _ host: HostRecord, _ call: RegisterCall, in tx: any StoreTransaction
    ) throws -> Result<WireRegisterReply, RequestRefusal> {
        if let refusal = try removalRefusal(of: host, in: tx) { return .failure(refusal) }
        guard let volunteer = try tx.volunteer(host.volunteer) else {
            throw StoreError.missing("volunteer \(host.volunteer)")
        }
        if let code = call.linkCode {
            let record = try tx.linkCode(keys.digest(of: code))
            guard record?.usedBy == host.id else {
                return .failure(
                    RequestRefusal(
                        .wrongState, "this computer is host \(host.id) of volunteer \(volunteer.id) already",
                        advice: "detach first"))
            }
        }
        // Nothing is changed: a registration has no number, so this may be an old one that somebody has kept. What it says
        // of the computer, the next scheduler call says too.
        return .success(reply(host, volunteer))
    }

    private func reply(_ host: HostRecord, _ volunteer: VolunteerRecord) -> WireRegisterReply {
        var reply = WireRegisterReply()
        reply.hostID = UInt64(host.id.rawValue)
        reply.volunteerID = UInt64(volunteer.id.rawValue)
        reply.sequence = UInt64(host.sequence)
        reply.volunteerName = volunteer.name
        return reply
    }
}
