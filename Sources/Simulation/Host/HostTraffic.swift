import Bytes
import ClientCore
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Wire

/// An upload that goes chunk by chunk.
struct UploadInProgress {
    var task: TaskID
    var result: ResultSummary
    var ticket: String
    /// Bytes that the server says it has.
    var offset: Int64 = 0
    var disagreements = 0
}

/// What goes over the network, as `Courier` and `BlobUpload` do it.
extension SimHost {
    private static let chunkBytes: Int64 = 32_768

    func send(_ body: Request.Body, as call: Call, signature: [UInt8] = []) {
        callsMade += 1
        calls[callsMade] = call
        world.network.send(Request(host: place, life: life, call: callsMade, body: body, signature: signature))
    }

    func call(_ call: ClientCore.SchedulerCall) {
        var request = call.request
        for task in call.inlineResults { putInline(task, into: &request) }
        let workbench = Workbench(host: place) { [self] task, value, more in
            guard let digest = world.unitContainers[task.unit] else { return nil }
            guard let bytes = try? world.server.trueBlobs.read(digest, limit: Limits.workUnitBytesMax),
                let unit = try? world.app.facts(of: bytes, named: digest)
            else { return nil }
            return world.app.result(unit, value: value, bytes: world.options.resultBytes + more)
        }
        behaviour.edit(&request, workbench)
        if world.has(.clientDeath), draws.chance(oneIn: 150) {
            world.plan(.power(host: place, .kill), after: draws.whole(0...300))
        }
        let sequence = call.sequence
        send(
            .scheduler(request, sequence: sequence), as: .scheduler, signature: sign(request, sequence))
        for (old, number) in behaviour.again(request, sequence: sequence, &draws) {
            // Nobody waits for the answer.
            callsMade += 1
            let body = Request.Body.scheduler(old, sequence: number)
            world.network.send(
                Request(host: place, life: life, call: callsMade, body: body, signature: sign(old, number)))
        }
    }

    private func sign(_ request: WireSchedulerRequest, _ sequence: Int64) -> [UInt8] {
        guard world.options.isThorough, let body = try? StrictDecode.bytes(of: request) else { return [] }
        return key.sign(
            RequestSignature.message(method: "POST", path: "/v1/scheduler", sequence: sequence, body: body))
    }

    /// A result that is not what the report says is left out, and the machine is told.
    private func putInline(_ task: TaskID, into request: inout WireSchedulerRequest) {
        let number = UInt64(task.rawValue)
        guard let at = request.reports.firstIndex(where: { $0.taskID == number }) else { return }
        guard let result = disk.slots[task]?.result,
            result.summary.digest.bytes.elementsEqual(request.reports[at].success.resultSha256)
        else {
            request.reports.remove(at: at)
            plan(.resultDamaged(task), after: 1)
            return
        }
        request.reports[at].success.resultInline = Data(result.bytes)
    }

    func upload(_ task: TaskID, _ result: ResultSummary, _ ticket: String) {
        send(
            .uploadHead(ticket: ticket, result.digest),
            as: .upload(UploadInProgress(task: task, result: result, ticket: ticket)))
    }

    private func sendChunk(_ upload: UploadInProgress) {
        guard let bytes = disk.slots[upload.task]?.result?.bytes else {
            feed(.resultDamaged(upload.task))
            return
        }
        let count = min(SimHost.chunkBytes, upload.result.bytes - upload.offset)
        let chunk = Array(bytes.dropFirst(Int(upload.offset)).prefix(Int(count)))
        send(
            .uploadPatch(
                ticket: upload.ticket, upload.result.digest, offset: upload.offset, length: upload.result.bytes,
                chunk: chunk), as: .upload(upload))
    }

    // MARK: Answers

    func take(_ answer: Answer, of number: Int) {
        guard let call = calls.removeValue(forKey: number) else { return }
        switch call {
        case .register:
            if case .registered(let reply) = answer {
                registered(reply)
            } else {
                world.plan(.wake(host: place, life: life), after: 5000)
            }
        case .scheduler: takeCall(answer)
        case .unit(let task): takeUnit(task, answer)
        case .blob(let digest): takeBlob(digest, answer)
        case .upload(let upload): takeUpload(upload, answer)
        }
    }

    private func takeCall(_ answer: Answer) {
        switch answer {
        case .scheduled(let reply):
            world.see(.replyArrived(host: place, reply))
            feed(.callAnswered(reply))
            if !reply.tasks.isEmpty {
                world.see(.tookTasks(host: place, machine.state.tasks, cores: traits.cores))
            }
        case .refused(let refusal) where refusal.code == .staleSequence:
            feed(.callFailed(.stale(sequence: refusal.sequence)))
        case .refused(let refusal):
            let isRefused = [400, 401, 403, 404, 413, 422].contains(refusal.code.status)
            feed(.callFailed(isRefused ? .refused(refusal.message) : .failed(refusal.message)))
        case .registered, .bytes, .uploaded, .broken: feed(.callFailed(.failed("the connection broke")))
        }
    }

    private func failure(_ answer: Answer) -> FetchFailure {
        if case .refused(let refusal) = answer, [401, 403, 404, 413].contains(refusal.code.status) {
            return .permanent(refusal.message)
        }
        return .temporary("the connection broke")
    }

    private func takeUnit(_ task: TaskID, _ answer: Answer) {
        if case .bytes(let bytes) = answer {
            feed(.unitFetched(task, bytes))
        } else {
            feed(.unitFetchFailed(task, failure(answer)))
        }
    }

    private func takeBlob(_ digest: Digest, _ answer: Answer) {
        if case .bytes(let bytes) = answer, SHA256Hash.digest(of: bytes) == digest {
            disk.blobs.insert(digest)
            feed(.blobFetched(digest))
        } else {
            feed(.blobFetchFailed(digest, failure(answer)))
        }
    }

    private func takeUpload(_ upload: UploadInProgress, _ answer: Answer) {
        var upload = upload
        switch answer {
        case .uploaded(_, isWhole: true): feed(.uploaded(upload.task))
        case .uploaded(let offset, isWhole: false):
            upload.disagreements += offset > upload.offset || upload.offset == 0 ? 0 : 1
            guard upload.disagreements <= 3 else {
                feed(.uploadFailed(upload.task, .temporary("the upload does not move on")))
                return
            }
            upload.offset = min(offset, upload.result.bytes)
            sendChunk(upload)
        case .refused, .registered, .scheduled, .bytes, .broken:
            feed(.uploadFailed(upload.task, failure(answer)))
        }
    }
}
