import Bytes
import Domain
import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServerCore
import Storage
import Wire

/// What scientists and admins ask, with the token.
extension ServerRoutes {
    func addAdmin(_ router: Router<ServerContext>) {
        router.post("/v1/batches", use: submit)
        router.get("/v1/batches", use: batches)
        router.get("/v1/batches/{batch}", use: batch)
        router.post("/v1/batches/{batch}/cancel", use: cancel)
        router.get("/v1/batches/{batch}/results/{file}", use: resultForTools)
        router.get("/v1/reports/credit", use: credit)
        router.get("/v1/reports/validation", use: validation)
        router.get("/v1/reports/trust", use: trust)
        router.get("/v1/exports/credit", use: creditExport)
        router.get("/v1/reports/disagreements", use: disagreements)
    }

    @Sendable func submit(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        try runtime.disk.requireReserve()
        let limit = 2 * Limits.manifestBytesMax + 64 * 1024
        let body = try await collected(request, limit: limit)
        let message = try ReplyFormat.decode(WireSubmitRequest.self, body, request: request, limit: limit)
        let spec: ProjectSpec
        do {
            spec = try runtime.manifests.parse(message.manifest)
        } catch {
            throw RequestRefusal(.badManifest, error.message, advice: "millrace lint shows the same faults")
        }
        let (manifest, inputs) = try await onDisk { [core, runtime] in
            let inputs = try core.checkSubmit(message, spec: spec, now: runtime.clock.now()).get()
            return (try core.blobs.put(Array(message.manifest.utf8)), inputs)
        }
        let batch = try await writer.perform { [core] tx, now in
            try core.submit(spec, manifest: manifest, inputs: inputs, in: tx, now: now)
        }
        runtime.logs[.http].info(
            "a batch was submitted", metadata: ["batch": "\(batch.id)", "project": "\(batch.project)"])
        runtime.nudge()
        var reply = WireSubmitReply()
        reply.batchID = UInt64(batch.id.rawValue)
        reply.project = batch.project
        return try ReplyFormat.forTools(request).response(reply, status: 201)
    }

    @Sendable func batches(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        var list = try await batchList(limit: 1000)
        list.logTrouble = runtime.publisher.health.detail(now: .now) ?? ""
        list.diskTrouble = runtime.disk.reading()?.trouble ?? ""
        return try ReplyFormat.forTools(request).response(list)
    }

    /// The newest batches with their counts.
    func batchList(limit: Int) async throws -> WireBatchList {
        let routes = self
        return try await writer.perform { tx, _ in
            var list = WireBatchList()
            list.batches = try tx.batches().prefix(limit).map { try routes.status($0, in: tx) }
            return list
        }
    }

    func status(_ batch: BatchRecord, in tx: any StoreTransaction) throws -> WireBatchStatus {
        try core.status(
            of: batch, rate: runtime.rate(of: batch.id),
            files: batch.state == .finished ? runtime.results.files(of: batch.id) : [], in: tx)
    }

    @Sendable func batch(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        let id = BatchID(rawValue: try number("batch", context))
        let routes = self
        let status = try await writer.perform { tx, _ in
            try tx.batch(id).map { try routes.status($0, in: tx) }
        }
        guard let status else { throw RequestRefusal(.notFound, "there is no batch \(id)") }
        return try ReplyFormat.forTools(request).response(status)
    }

    @Sendable func cancel(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        let id = BatchID(rawValue: try number("batch", context))
        let routes = self
        let status = try await writer.perform { [core] tx, now in
            try core.cancel(id, in: tx, now: now).map { batch in Result { try routes.status(batch, in: tx) } }
        }.get().get()
        runtime.logs[.http].info("a batch was cancelled", metadata: ["batch": "\(id)"])
        return try ReplyFormat.forTools(request).response(status)
    }

    @Sendable func resultForTools(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        return try await resultFile(context)
    }

    /// A file of an answer; also for the pages.
    func resultFile(_ context: ServerContext) async throws -> Response {
        let batch = BatchID(rawValue: try number("batch", context))
        let name = context.parameters.get("file") ?? ""
        let found = try await onDisk { [results = runtime.results] () -> (String, Int64)? in
            guard let path = results.path(of: name, batch: batch) else { return nil }
            var status = stat()
            guard lstat(path, &status) == 0 else { return nil }
            return (path, Int64(status.st_size))
        }
        guard let (path, size) = found else { throw RequestRefusal(.notFound, "batch \(batch) has no such file") }
        var fields = HTTPFields()
        fields[.contentType] = ResultType.of(name)
        fields[.contentSecurityPolicy] = EdgeMiddleware.resultPolicy
        fields[.cacheControl] = "no-cache"
        return Response(status: .ok, headers: fields, body: stream(path, count: size))
    }

    private func stream(_ path: String, count: Int64) -> ResponseBody {
        let routes = self
        return ResponseBody(contentLength: Int(count)) { writer in
            let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard file >= 0 else { throw FileAccess.fault("open", path) }
            defer { close(file) }
            var at: Int64 = 0
            while at < count {
                let (offset, wanted) = (at, Int(min(256 * 1024, count - at)))
                let bytes = try await routes.onDisk { () -> [UInt8] in
                    var bytes = [UInt8](repeating: 0, count: wanted)
                    let got = pread(file, &bytes, wanted, off_t(offset))
                    return Array(bytes.prefix(max(0, got)))
                }
                guard !bytes.isEmpty else { throw FileAccess.fault("read", path) }
                try await writer.write(ByteBuffer(bytes: bytes))
                at += Int64(bytes.count)
            }
            try await writer.finish(nil)
        }
    }

    @Sendable func validation(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        let report = try await validationReport(request, unitsMax: 10_000)
        return try ReplyFormat.forTools(request).response(report)
    }

    /// By the query `batch=N[&unit=I][&only=disagreed]`.
    func validationReport(_ request: Request, unitsMax: Int) async throws -> WireValidationReport {
        let parameters = request.uri.queryParameters
        guard let batch = parameters["batch"].flatMap({ Int64($0) }), batch > 0, batch < 1 << 21 else {
            throw RequestRefusal(.badRequest, "the query needs batch=N")
        }
        var query = ValidationQuery(batch: BatchID(rawValue: batch), unitsMax: unitsMax)
        if let unit = parameters["unit"] {
            guard let index = Int64(unit), index >= 0 else {
                throw RequestRefusal(.badRequest, "unit is not a number")
            }
            query.unit = index
        }
        query.onlyDisagreed = parameters["only"] == "disagreed"
        let asked = query
        let report = try await writer.perform { [core] tx, _ in try core.validationReport(asked, in: tx) }
        guard let report else { throw RequestRefusal(.notFound, "there is no batch \(batch)") }
        return report
    }
}

/// Content types of result files, by the end of the name.
enum ResultType {
    static func of(_ name: String) -> String {
        switch name.split(separator: ".").last.map(String.init) {
        case "csv": "text/csv; charset=utf-8"
        case "json": "application/json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "txt", "md": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }
}
