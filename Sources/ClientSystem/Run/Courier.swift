import Bytes
import ClientCore
import Domain
import FoundationEssentials
import Wire
import WorkerHost

/// Carries out what needs the network, on own threads, and posts what came of it.
package final class Courier: Sendable {
    private let link: ServerLink
    private let directory: ProjectDirectory
    private let host: HostID
    private let key: SigningKey
    private let mailbox: Postbox<ClientEvent>
    /// Apart, so that a long download never keeps a finished result from its deadline.
    private let downloads = TransferQueue(threadsMax: 2)
    private let uploads = TransferQueue(threadsMax: 2)

    package init(
        link: ServerLink, directory: ProjectDirectory, host: HostID, key: SigningKey, mailbox: Postbox<ClientEvent>
    ) {
        self.link = link
        self.directory = directory
        self.host = host
        self.key = key
        self.mailbox = mailbox
    }

    /// Drops what has not begun: nobody waits for it, and its folder may go.
    func close() {
        downloads.close()
        uploads.close()
    }

    package func call(_ call: SchedulerCall) {
        BlockingThread.start("scheduler") { [self] in
            var request = call.request
            for task in call.inlineResults { putInline(task, into: &request) }
            switch link.call(request, host: host, sequence: call.sequence, key: key) {
            case .success(let reply): mailbox.post(.callAnswered(reply))
            case .failure(let reason): mailbox.post(.callFailed(reason.failure))
            }
        }
    }

    /// A result that cannot be read is left out of this request; it is reported when it can be. So is one that is not
    /// what the report says: the server would refuse the whole request for it.
    private func putInline(_ task: TaskID, into request: inout WireSchedulerRequest) {
        let number = UInt64(task.rawValue)
        guard let at = request.reports.firstIndex(where: { $0.taskID == number }) else { return }
        let file = "\(directory.slot(task))/\(RunFolder.result)"
        let bytes: [UInt8]
        do throws(Fault) { bytes = try Files.read(file, limit: Limits.inlineBlobBytesMax) } catch {
            request.reports.remove(at: at)
            if [.noInput, .badData].contains(error.kind) { mailbox.post(.resultDamaged(task)) }
            return
        }
        guard SHA256Hash.digest(of: bytes).bytes == Array(request.reports[at].success.resultSha256) else {
            request.reports.remove(at: at)
            mailbox.post(.resultDamaged(task))
            return
        }
        request.reports[at].success.resultInline = Data(bytes)
    }

    package func fetchUnit(_ task: TaskID, _ digest: Digest, bytes: Int64) {
        let url = blobURL(digest)
        downloads.submit { [self] in
            let sink = MemorySink(bytesMax: Int(clamping: max(bytes, 1)))
            do throws(Fault) {
                let head = try link.transport.exchange(
                    HTTPRequest(method: "GET", url: url, responseBytesMax: sink.bytesMax), sink: sink)
                let response = HTTPResponse(status: head.status, headers: head.headers, body: sink.bytes)
                guard response.status == 200 else { throw response.refusal(url: url) }
                guard !response.isWebPage else {
                    throw Fault(.protocolError, "\(url): a web page came in place of the work unit")
                }
                mailbox.post(.unitFetched(task, response.body))
            } catch {
                let isUnit = sink.head.status == 200 && sink.head.response.mediaType == "application/octet-stream"
                mailbox.post(
                    .unitFetchFailed(
                        task,
                        sink.problem != nil && isUnit
                            ? .permanent("the container has more than the \(bytes) bytes that were announced")
                            : Self.failure(error)))
            }
        }
    }

    func fetchBlob(_ input: UnitSummary.Input) {
        downloads.submit { [self] in
            do throws(Fault) {
                try LocalDisk.act { () throws(Fault) in try Files.makeFolder("\(directory.path)/blobs") }
                let url = blobURL(input.digest)
                if let size = input.size {
                    try BlobDownload(transport: link.transport).fetch(
                        url: url, digest: input.digest, size: size, to: directory.blob(input.digest))
                } else {
                    try fetchDictionary(url, input.digest)
                }
                mailbox.post(.blobFetched(input.digest))
            } catch {
                mailbox.post(.blobFetchFailed(input.digest, Self.failure(error)))
            }
        }
    }

    /// A unit does not say how large its dictionary is; the limit does.
    private func fetchDictionary(_ url: String, _ digest: Digest) throws(Fault) {
        let response = try link.transport.perform(
            HTTPRequest(method: "GET", url: url, responseBytesMax: Limits.dictionaryBytesMax))
        guard response.status == 200 else { throw response.refusal(url: url) }
        guard SHA256Hash.digest(of: response.body) == digest else {
            throw Fault(.badData, "\(url): the bytes that came have another SHA-256")
        }
        try LocalDisk.act { () throws(Fault) in try Files.replace(directory.blob(digest), with: response.body) }
    }

    package func upload(_ task: TaskID, _ result: ResultSummary, ticket: String) {
        let file = "\(directory.slot(task))/\(RunFolder.result)"
        uploads.submit { [self] in
            do throws(Fault) {
                try BlobUpload(transport: link.transport).send(
                    file: file, digest: result.digest, size: result.bytes,
                    url: "\(link.serverURL)/v1/uploads/\(ticket)")
                mailbox.post(.uploaded(task))
            } catch {
                if error.kind == .noInput, !Files.exists(file) {
                    mailbox.post(.resultDamaged(task))
                    return
                }
                if error.kind == .badData, let there = try? BlobDownload.digest(ofFile: file), there != result.digest {
                    mailbox.post(.resultDamaged(task))
                    return
                }
                mailbox.post(.uploadFailed(task, Self.failure(error)))
            }
        }
    }

    private func blobURL(_ digest: Digest) -> String { "\(link.serverURL)/v1/blobs/\(digest.hex)" }

    /// A refusal lasts; everything else may pass.
    private static func failure(_ fault: Fault) -> FetchFailure {
        switch fault.kind {
        case .refused, .noInput: .permanent(fault.message)
        default:
            fault.retryAfterSeconds.map { .busy(fault.message, retryAfterSeconds: $0) } ?? .temporary(fault.message)
        }
    }
}
