import Bytes
import Domain
import FoundationEssentials
import Storage
import Transparency
import Wire

/// A request to erase a volunteer whose signature belongs to the key in it.
public struct EraseCall: Hashable, Sendable {
    public var publicKey: [UInt8]
}

/// Erasing a volunteer: what tells of a person goes, what the ledger counted stays under a number.
extension ProjectServer {
    /// The key comes with the request, since the server has forgotten it once the volunteer is erased.
    public func checkErase(
        _ request: WireEraseRequest, body: [UInt8], path: String, sequence: Int64, signature: [UInt8]
    ) throws(RequestRefusal) -> EraseCall {
        guard let key = VerifyingKey(rawRepresentation: request.publicKey.array) else {
            throw RequestRefusal(.badRequest, "public_key is not an Ed25519 public key of 32 bytes")
        }
        let message = RequestSignature.message(method: "POST", path: path, sequence: sequence, body: body)
        guard key.isValid(signature: signature, for: message) else {
            throw RequestRefusal(.badSignature, "the signature does not belong to the public key in the request")
        }
        return EraseCall(publicKey: key.rawRepresentation)
    }

    /// Erases the volunteer of a host. All of it in one transaction: a crash before the commit leaves the volunteer as
    /// they were, a crash after it loses the reply, and asking again gives the same statement.
    ///
    /// Gone are: the volunteer's name, the hosts' names, machines and keys, the link codes, being in a team, and the
    /// times of day at which they came and were seen last. What
    /// stays, under the number: credit and when it was earned, results and their verdicts, which the ledger, whose
    /// public log cannot be changed, and the science rest on; and in which team what was earned, since that is the
    /// team's. Tasks that are out go back to the queue; results that are here are judged as any other.
    ///
    /// - Returns: the statement, to be signed, and the hosts of the volunteer.
    public func erase(
        _ call: EraseCall, host id: HostID, sequence: Int64, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Result<(statement: WireErasureStatement, hosts: [HostID]), RequestRefusal> {
        guard let host = try tx.host(id), let volunteer = try tx.volunteer(host.volunteer),
            host.publicKey == call.publicKey || host.publicKey == keys.erased(call.publicKey)
        else {
            return .failure(
                RequestRefusal(.unknownHost, "there is no host \(id) with this key", advice: "attach again"))
        }
        if volunteer.erasedAt == nil {
            if let refusal = try removalRefusal(of: host, in: tx) { return .failure(refusal) }
            if let refusal = sequenceRefusal(sequence, of: host) { return .failure(refusal) }
            if let refusal = absenceRefusal(id, try manager(of: volunteer.id, caller: id, in: tx, now: now)) {
                return .failure(refusal)
            }
        }
        let hosts = try tx.hosts(of: volunteer.id).map(\.id)
        return .success((try erase(volunteer, by: PublicLog.volunteerActor, in: tx, now: now), hosts))
    }

    /// What an admin does for somebody who has lost the keys, or whose data a restored backup has brought back.
    ///
    /// - Returns: nil when there is no such volunteer.
    public func erase(
        volunteer id: VolunteerID, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WireErasureStatement? {
        guard let volunteer = try tx.volunteer(id) else { return nil }
        return try erase(volunteer, by: "admin", in: tx, now: now)
    }

    /// Does nothing when it was done before.
    private func erase(
        _ volunteer: VolunteerRecord, by actor: String, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WireErasureStatement {
        let hosts = try tx.hosts(of: volunteer.id).map(\.id)
        var volunteer = volunteer
        if volunteer.erasedAt == nil {
            for host in hosts { try erase(host, in: tx, now: now) }
            // Giving tasks back may have changed the sums.
            volunteer = try tx.volunteer(volunteer.id) ?? volunteer
            _ = try leave(volunteer, in: tx, now: now)
            try tx.removeLinkCodes(of: volunteer.id, before: nil)
            volunteer.name = VolunteerRecord.erasedName
            volunteer.showsHosts = false
            volunteer.createdAt = Self.dayOnly(volunteer.createdAt)
            volunteer.erasedAt = now
            try tx.updateVolunteer(volunteer)
            try log(.adminAct(PublicLog.erasure(of: volunteer.id, by: actor)), in: tx, now: now)
        }
        var statement = WireErasureStatement()
        statement.volunteerID = UInt64(volunteer.id.rawValue)
        statement.erasedMs = UInt64(max(1, (volunteer.erasedAt ?? now).milliseconds))
        statement.hosts = UInt64(hosts.count)
        return statement
    }

    private func erase(_ id: HostID, in tx: any StoreTransaction, now: Timestamp) throws {
        _ = try giveBack(of: id, why: "the volunteer was erased", in: tx, now: now)
        try change(id, in: tx) { host in
            host.publicKey = keys.erased(host.publicKey)
            host.profile = .erased
            host.measuredFlopsPerSecond = nil
            host.sequence = 0
            host.createdAt = Self.dayOnly(host.createdAt)
            host.lastSeenAt = Self.dayOnly(host.lastSeenAt)
            host.removedAt = host.removedAt ?? now
        }
    }

    /// To the second it would tell when somebody sat at a computer.
    private static func dayOnly(_ moment: Timestamp) -> Timestamp {
        Timestamp(milliseconds: UTCDay(moment).number * UTCDay.milliseconds)
    }

    /// Only after the commit is durable: a statement is a promise.
    public func signed(_ statement: WireErasureStatement) throws -> WireEraseReply {
        let bytes = try StrictDecode.bytes(of: statement)
        var reply = WireEraseReply()
        reply.statement = Data(bytes)
        reply.signature = Data(keys.project.sign(ErasureSignature.message(statement: bytes)))
        return reply
    }
}
