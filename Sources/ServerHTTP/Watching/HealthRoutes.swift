import Domain
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore
import Storage

/// For machines that watch the server: `/healthz`, `/readyz` and `/metrics`.
extension ServerRoutes {
    func addHealth(_ router: Router<ServerContext>) {
        router.get("/healthz", use: health)
        router.get("/readyz", use: readiness)
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
        } catch is QueueFull {
            lines.append("store busy")
        } catch {
            isWell = false
            lines.append("store failed")
        }
        if runtime.metrics.snapshot.lastStoreError != nil {
            isWell = false
            lines.append("the last tick failed; the log says why")
        }
        if let disk = runtime.disk.reading() {
            isWell = isWell && disk.trouble == nil
            lines.append(disk.trouble ?? "disk ok, \(disk.space.free >> 20) MiB free")
        }
        lines.append("waiting for the writer \(writer.queueDepth)")
        lines.append(runtime.publisher.health.line(now: .now))
        return answer(isWell, yes: "ok", no: "failing", lines)
    }

    /// Whether a balancer should send requests here: 503 from the first moment of the end, while the store fails, while
    /// it has too much to do, and while not even reports can be kept. A disk below its reserve is told and is no
    /// reason: reports of small results are still welcome.
    @Sendable func readiness(_ request: Request, _ context: ServerContext) async throws -> Response {
        let troubles = readinessTroubles()
        return answer(
            troubles.isEmpty, yes: "ready", no: "not ready",
            troubles
                + [runtime.disk.reading()?.trouble]
                .compactMap { $0 }.filter { !troubles.contains($0) })
    }

    private func readinessTroubles() -> [String] {
        var troubles: [String] = []
        if runtime.isDraining { troubles.append("the server is ending") }
        if runtime.metrics.snapshot.lastStoreError != nil { troubles.append("the store fails; the log says why") }
        if writer.queueDepth >= traffic.limits.writerQueue { troubles.append("too much waits for the writer") }
        if let disk = runtime.disk.reading(), disk.state == .full, let trouble = disk.trouble {
            troubles.append(trouble)
        }
        return troubles
    }

    private func answer(_ isWell: Bool, yes: String, no: String, _ lines: [String]) -> Response {
        var fields = HTTPFields()
        fields[.contentType] = "text/plain; charset=utf-8"
        let text = ([isWell ? yes : no] + lines).joined(separator: "\n") + "\n"
        return Response(
            status: isWell ? .ok : .serviceUnavailable, headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    @Sendable func metricsText(_ request: Request, _ context: ServerContext) async throws -> Response {
        let routes = self
        let counts = try await counts.page("") {
            try await routes.writer.perform { tx, _ in
                let batches = try tx.newestBatches(limit: ProjectServer.batchesShown)
                return try batches.reduce(into: BatchCounts()) { $0.add(try tx.counts(of: $1)) }
            }
        }
        let server = ServerFigures(
            limits: traffic.limits, queueDepth: writer.queueDepth, connections: traffic.gate.count,
            bodyBytes: traffic.bodies.bytesHeld, isReady: readinessTroubles().isEmpty,
            isDraining: runtime.isDraining, disk: runtime.disk.reading(),
            storeFiles: try await onDisk { [files] in files.storeFiles }, startedAt: ServerRoutes.startedAt)
        let text = MetricsText(
            state: runtime.metrics.snapshot, stages: runtime.metrics.stageTimes, counts: counts,
            runningJobs: runtime.runningJobs, log: runtime.publisher.health, process: ProcessFigures.now(),
            server: server
        ).text
        var fields = HTTPFields()
        fields[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
        return Response(
            status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// Of the process; looked at when the routes are made.
    static let startedAt: Double = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec)
    }()
}

extension ServerFiles {
    /// The databases and their write-ahead logs, by names for `/metrics`; those that are there.
    var storeFiles: [(name: String, bytes: Int64)] {
        let names = [
            ("database", "/millrace.sqlite"), ("database_wal", "/millrace.sqlite-wal"),
            ("small_blobs", "/blobs/small.sqlite"), ("small_blobs_wal", "/blobs/small.sqlite-wal"),
        ]
        return names.compactMap { name, file in
            var status = stat()
            return stat(path + file, &status) == 0 ? (name, Int64(status.st_size)) : nil
        }
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
