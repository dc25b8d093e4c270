import Domain
import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore
import Storage

/// For machines that watch the server: `/healthz` and `/metrics`.
extension ServerRoutes {
    func addHealth(_ router: Router<ServerContext>) {
        router.get("/healthz", use: health)
        router.get("/metrics", use: metricsText)
    }

    /// 200 when the store answers and there is space to write, 503 otherwise, with a line for each. A public log that
    /// is behind is told, and no reason to send volunteers away: what they report is as safe as ever.
    @Sendable func health(_ request: Request, _ context: ServerContext) async throws -> Response {
        var lines: [String] = []
        var isWell = true
        do {
            _ = try await writer.perform { tx, _ in try tx.openBatches().count }
            lines.append("store ok")
        } catch {
            isWell = false
            lines.append("store failed")
        }
        if runtime.metrics.snapshot.lastStoreError != nil {
            isWell = false
            lines.append("the last tick failed; the log says why")
        }
        if let space = try await onDisk({ [path = files.path] in FileAccess.space(path) }) {
            let enough = space.free >= DiskReserve.bytes(total: space.total)
            isWell = isWell && enough
            lines.append("disk \(enough ? "ok" : "nearly full"), \(space.free >> 20) MiB free")
        }
        lines.append("waiting for the writer \(writer.queueDepth)")
        lines.append(runtime.publisher.health.line(now: .now))
        var fields = HTTPFields()
        fields[.contentType] = "text/plain; charset=utf-8"
        let text = ([isWell ? "ok" : "failing"] + lines).joined(separator: "\n") + "\n"
        return Response(
            status: isWell ? .ok : .serviceUnavailable, headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    @Sendable func metricsText(_ request: Request, _ context: ServerContext) async throws -> Response {
        let counts = try await writer.perform { tx, _ in
            try tx.batches().prefix(1000).reduce(into: BatchCounts()) { $0.add(try tx.counts(of: $1.id)) }
        }
        let text = MetricsText.text(
            runtime.metrics.snapshot, counts, queueDepth: writer.queueDepth, runningJobs: runtime.runningJobs,
            log: runtime.publisher.health, process: ProcessFigures.now())
        var fields = HTTPFields()
        fields[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
        return Response(
            status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension BatchCounts {
    mutating func add(_ other: BatchCounts) {
        ready += other.ready
        active += other.active
        comparing += other.comparing
        provisional += other.provisional
        validated += other.validated
        assembled += other.assembled
        failed += other.failed
        cancelled += other.cancelled
        tasksOut += other.tasksOut
        tasksDone += other.tasksDone
    }
}
