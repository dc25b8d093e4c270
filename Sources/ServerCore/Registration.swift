import Bytes
import Domain
import Storage
import Wire

/// A register request whose fields are in bounds and whose signature holds.
public struct RegisterCall: Hashable, Sendable {
    public var publicKey: [UInt8]
    public var volunteerName: String
    public var profile: HostProfile
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
        try FieldCheck.name(
            request.volunteerName, field: "volunteer_name", bytesMax: Limits.volunteerNameBytesMax)
        let profile = try hostProfile(request.profile)
        return RegisterCall(
            publicKey: key.rawRepresentation, volunteerName: request.volunteerName, profile: profile)
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
    /// volunteer: credit that was granted does not wander.
    public func register(
        _ call: RegisterCall, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WireRegisterReply {
        var reply = WireRegisterReply()
        if var known = try tx.host(publicKey: call.publicKey) {
            known.profile = call.profile
            known.lastSeenAt = max(known.lastSeenAt, now)
            try tx.updateHost(known)
            reply.hostID = UInt64(known.id.rawValue)
            reply.volunteerID = UInt64(known.volunteer.rawValue)
            reply.sequence = UInt64(known.sequence)
            reply.volunteerName = try tx.volunteer(known.volunteer)?.name ?? ""
            return reply
        }
        // A crash after the commit and before the reply leaves a host that nobody uses yet; the client registers
        // again with the same key and gets the same number.
        let volunteer =
            try tx.volunteer(named: call.volunteerName)
            ?? tx.insertVolunteer {
                VolunteerRecord(id: $0, name: call.volunteerName, credit: .zero, createdAt: now)
            }
        let host = try tx.insertHost { id in
            HostRecord(
                id: id, volunteer: volunteer.id, publicKey: call.publicKey, profile: call.profile, sequence: 0,
                measuredFlopsPerSecond: nil, validCount: 0, invalidCount: 0, errorCount: 0, credit: .zero,
                createdAt: now, lastSeenAt: now)
        }
        reply.hostID = UInt64(host.id.rawValue)
        reply.volunteerID = UInt64(volunteer.id.rawValue)
        reply.volunteerName = volunteer.name
        return reply
    }
}
