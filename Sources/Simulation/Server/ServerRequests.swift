import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Wire

/// What answers requests: the steps of `ServerRoutes`, each an event of its own, so that other requests and deaths come
/// between them.
extension SimServer {
    func arrive(_ request: Request) {
        world.note(.request, who: request.host, request.code, Int64(request.call), "")
        guard isUp else {
            let refused = SimEvent.answer(host: request.host, life: request.life, call: request.call, .broken)
            world.plan(refused, after: draws.wait(mean: 5))
            return
        }
        open.append(request)
        if mayDieHere() { return }
        do {
            switch request.body {
            case .register(let message, let signature): try register(request, message, signature)
            case .scheduler(let message, let sequence): try schedule(request, message, sequence)
            case .blob(let digest, let limit): try sendBlob(request, digest, limit)
            case .uploadHead(let ticket, let digest): try uploadHead(request, ticket, digest)
            case .uploadPatch(let ticket, let digest, let offset, let length, let chunk):
                try patch(request, ticket, digest, offset, length, chunk)
            }
        } catch {
            refuse(request, error)
        }
    }

    func answer(_ request: Request, _ answer: Answer) {
        guard !request.isDone else { return }
        request.isDone = true
        open.removeAll { $0 === request }
        world.network.reply(to: request, answer)
    }

    private func refuse(_ request: Request, _ error: any Error) {
        if let refusal = error as? RequestRefusal {
            answer(request, .refused(refusal))
        } else {
            answer(request, .refused(RequestRefusal(.failure, "\(error)")))
        }
    }

    // MARK: Register

    private func register(_ request: Request, _ message: WireRegisterRequest, _ signature: [UInt8]) throws {
        let body = try StrictDecode.bytes(of: message)
        let call = try core.checkRegister(message, body: body, path: "/v1/register", signature: signature)
        perform { [core] tx, now in
            try core.register(call, in: tx, now: now).get()
        } _: { [self] result in
            switch result {
            case .success(let reply): answer(request, .registered(reply))
            case .failure(let error): refuse(request, error)
            }
        }
    }

    // MARK: Scheduler

    /// Blob first, row second, reply last.
    private func schedule(_ request: Request, _ message: WireSchedulerRequest, _ sequence: Int64) throws {
        guard let host = world.hosts[request.host].hostID else {
            throw RequestRefusal(.unknownHost, "this host has not registered")
        }
        if world.options.isThorough { try checkSignature(request, message, sequence) }
        if let short = shortened(message, host, sequence) {
            return takeCall(request, try core.checkScheduler(short.request, now: now), host, sequence, short)
        }
        let call = try core.checkScheduler(message, now: now)
        guard message.reports.contains(where: { !$0.success.resultInline.isEmpty }) else {
            takeCall(request, call, host, sequence)
            return
        }
        perform { [core] tx, _ in
            try core.wantedInline(call, host: host, in: tx)
        } _: { [self] result in
            do {
                let wanted = try result.get()
                if mayDieHere() { return }
                try core.storeInline(call, wanted)
                if mayDieHere() { return }
                takeCall(request, call, host, sequence)
            } catch {
                refuse(request, error)
            }
        }
    }

    /// In thorough runs every second call is made as inside of a session: it leaves out what both ends know, its
    /// results become blobs just before their group is committed, and what was left out of the reply is put back.
    ///
    /// - Returns: nil for a call in full, such as one that gives a result a false name.
    private func shortened(_ message: WireSchedulerRequest, _ host: HostID, _ sequence: Int64) -> ShortCall? {
        guard world.options.isThorough, (host.rawValue + sequence).isMultiple(of: 2) else { return nil }
        let full = HotRequest(message)
        for report in full.reports {
            guard case .success(let success)? = report.outcome, !success.resultInline.isEmpty else { continue }
            guard SHA256Hash.digest(of: success.resultInline).bytes == success.resultSha256,
                UInt64(success.resultInline.count) == success.resultBytes
            else { return nil }
        }
        return ShortCall(full, host: host, knowsProfile: true, withAccount: true)
    }

    private func checkSignature(
        _ request: Request, _ message: WireSchedulerRequest, _ sequence: Int64
    ) throws {
        let body = try StrictDecode.bytes(of: message)
        let signed = RequestSignature.message(method: "POST", path: "/v1/scheduler", sequence: sequence, body: body)
        guard world.hosts[request.host].key.publicKey.isValid(signature: request.signature, for: signed) else {
            throw RequestRefusal(.badSignature, "the signature is not that of the host")
        }
    }

    /// - Parameter short: as the host has sent it.
    private func takeCall(
        _ request: Request, _ call: SchedulerCall, _ host: HostID, _ sequence: Int64, _ short: ShortCall? = nil
    ) {
        let sentLastDay = sentToday.count(host, now: now)
        perform { [self] tx, now in
            let rows = watched.rowsEver
            let result = try core.schedule(
                call, host: host, sequence: sequence, sentLastDay: sentLastDay,
                crowd: crowd.current(core, in: tx, now: now),
                keepInline: short == nil ? 0 : Limits.inlineBlobBytesMax, in: tx, now: now)
            // Blob first: when the commit fails, they are there without a row.
            if case .success(let outcome) = result, !outcome.blobs.isEmpty { _ = try core.blobs.put(outcome.blobs) }
            // A transaction holds calls of several hosts; what a host is given is judged by its own.
            if case .success = result { world.callsInProgress[host] = call }
            if case .failure = result { try seeRefusal(tx, host, rowsBefore: rows) }
            return result
        } _: { [self] result in
            do {
                let outcome = try result.get().get()
                sentToday.add(outcome.newlySent, to: host, now: now)
                if !call.reports.isEmpty { nudge() }
                if mayDieHere() { return }
                var reply = core.finish(outcome)
                if let short {
                    reply = short.expanded(HotReply(reply), project: core.keys.project.publicKey).message
                }
                world.see(.replied(host, reply))
                answer(request, .scheduled(reply))
            } catch {
                refuse(request, error)
            }
        }
    }

    private func seeRefusal(_ tx: any StoreTransaction, _ host: HostID, rowsBefore: Int) throws {
        if world.options.plant == .refusedWrites, var record = try tx.host(host) {
            record.errorCount += 1
            try tx.updateHost(record)
        }
        world.see(.refused(host, rowsWritten: watched.rowsEver - rowsBefore))
    }

    // MARK: Blobs and uploads

    private func sendBlob(_ request: Request, _ digest: Digest, _ limit: Int) throws {
        guard try blobs.size(of: digest) != nil else {
            throw RequestRefusal(.noSuchBlob, "there is no blob \(digest)")
        }
        answer(request, .bytes(try blobs.read(digest, limit: limit)))
    }

    private func uploadHead(_ request: Request, _ ticket: String, _ digest: Digest) throws {
        let upload = try core.uploadTicket(ticket, now: now).upload.result(digest)
        let offset = try blobs.size(of: digest) ?? blobs.uploadOffset(upload)
        answer(request, .uploaded(offset, isWhole: false))
    }

    private func patch(
        _ request: Request, _ text: String, _ digest: Digest, _ offset: Int64, _ length: Int64, _ chunk: [UInt8]
    ) throws {
        let ticket = try core.uploadTicket(text, now: now)
        let upload = ticket.upload.result(digest)
        guard length <= ticket.bytesMax else { throw RequestRefusal(.tooLarge, "the upload has \(length) bytes") }
        if let size = try blobs.size(of: digest) {
            answer(request, .uploaded(size, isWhole: true))
            return
        }
        let here = try blobs.uploadOffset(upload)
        guard offset == here, Int64(chunk.count) <= length - offset else {
            // What the routes answer with 409 and the present offset.
            answer(request, .uploaded(here, isWhole: false))
            return
        }
        var at = offset
        if !chunk.isEmpty { at = try blobs.appendUpload(upload, offset: offset, bytes: chunk, limit: length) }
        if mayDieHere() { return }
        guard at == length else {
            answer(request, .uploaded(at, isWhole: false))
            return
        }
        do {
            try blobs.finishUpload(upload, expecting: digest)
        } catch StoreError.corrupt {
            throw RequestRefusal(.hashMismatch, "the uploaded bytes have another hash")
        }
        answer(request, .uploaded(length, isWhole: true))
    }
}
