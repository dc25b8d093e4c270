import Storage

/// What `/metrics` shows.
struct MetricsText {
    var state: Metrics.State
    /// By the order of `Stage.allCases`.
    var stages: [Histogram]
    var counts: BatchCounts
    var runningJobs: Int
    var log: LogHealth
    var process: ProcessFigures
    var server: ServerFigures

    var text: String {
        var page = MetricsPage()
        requests(&page)
        work(&page)
        writing(&page)
        logging(&page)
        limits(&page)
        disk(&page)
        ofProcess(&page)
        return page.text
    }

    private func requests(_ page: inout MetricsPage) {
        page.family("millrace_requests_total", "counter", "Requests by route, method and status.")
        for (key, count) in state.requests.sorted(by: { $0.key < $1.key }) {
            let labels = [("route", key.route), ("method", key.method), ("status", "\(key.status)")]
            page.sample("millrace_requests_total", labels, Double(count))
        }
        page.histograms(
            "millrace_request_seconds", "Time to the reply, by route.",
            state.seconds.sorted { $0.key < $1.key }.map { ([("route", $0.key)], $0.value) })
        page.family("millrace_request_bytes_total", "counter", "Bytes of request and reply bodies.")
        page.sample("millrace_request_bytes_total", [("direction", "in")], Double(state.bytesIn))
        page.sample("millrace_request_bytes_total", [("direction", "out")], Double(state.bytesOut))
    }

    private func work(_ page: inout MetricsPage) {
        page.family("millrace_units", "gauge", "Work units of the newest 200 batches by state.")
        let units = [
            ("ready", counts.ready), ("active", counts.active), ("comparing", counts.comparing),
            ("provisional", counts.provisional), ("validated", counts.validated), ("assembled", counts.assembled),
            ("failed", counts.failed), ("cancelled", counts.cancelled),
        ]
        for (word, count) in units { page.sample("millrace_units", [("state", word)], Double(count)) }
        page.family("millrace_tasks", "gauge", "Tasks of the newest 200 batches that are out, and that have ended.")
        page.sample("millrace_tasks", [("state", "out")], Double(counts.tasksOut))
        page.sample("millrace_tasks", [("state", "done")], Double(counts.tasksDone))
        page.counter("millrace_tasks_expired_total", "Deadlines passed.", Double(state.tasksExpired))
        page.gauge(
            "millrace_validation_waiting", "Units that wait for the validator.", Double(state.awaitingValidation))
        page.gauge(
            "millrace_validation_lag_seconds",
            "How long the oldest of them has waited, among the first 512 or more by number.",
            state.validationLagSeconds)
        page.gauge("millrace_jobs_running", "Jobs in worker children.", Double(runningJobs))
        page.family("millrace_jobs_total", "counter", "Jobs that ended, by kind.")
        for (kind, count) in state.jobs.sorted(by: { $0.key < $1.key }) {
            page.sample("millrace_jobs_total", [("kind", kind)], Double(count))
        }
        page.counter("millrace_job_failures_total", "Jobs that failed.", Double(state.jobFailures))
        page.counter(
            "millrace_worker_cpu_seconds_total", "CPU seconds of the server's workers.", state.workerCPUSeconds)
    }

    private func writing(_ page: inout MetricsPage) {
        page.gauge("millrace_writer_queue", "Closures that wait for the writer.", Double(server.queueDepth))
        page.gauge(
            "millrace_writer_queue_limit", "So many may wait; the next ones are turned away.",
            Double(server.limits.writerQueue))
        page.histograms("millrace_commit_group_size", "Closures per transaction.", [([], state.groups)])
        page.counter(
            "millrace_commit_groups_broken_total", "Transactions that were rolled back.", Double(state.brokenGroups))
        page.histograms(
            "millrace_stage_seconds",
            "Parts of a scheduler call: queue and sign per call; transaction, commit and blobs per group of them.",
            Stage.allCases.map { ([("stage", $0.word)], stages[$0.rawValue]) })
        page.family("millrace_store_file_bytes", "gauge", "Sizes of the databases and of their write-ahead logs.")
        for (name, bytes) in server.storeFiles {
            page.sample("millrace_store_file_bytes", [("file", name)], Double(bytes))
        }
    }

    private func logging(_ page: inout MetricsPage) {
        page.gauge(
            "millrace_log_behind", "1 while the public log cannot be published.", log.trouble == nil ? 0 : 1)
        if let waiting = log.waiting {
            page.gauge("millrace_log_leaves_waiting", "Leaves that are not published.", Double(waiting))
        }
        page.gauge(
            "millrace_log_complete_seconds", "Seconds since the public log was last complete.",
            log.seconds(now: .now).rounded())
    }

    private func limits(_ page: inout MetricsPage) {
        page.family("millrace_refusals_total", "counter", "Requests and connections turned away or cut, by reason.")
        for (reason, count) in state.refusals.sorted(by: { $0.key < $1.key }) {
            page.sample("millrace_refusals_total", [("reason", reason)], Double(count))
        }
        page.gauge("millrace_connections", "Connections that are open.", Double(server.connections))
        page.gauge("millrace_connections_limit", "So many may be open.", Double(server.limits.connections))
        page.gauge("millrace_held_body_bytes", "Bytes of request bodies in memory.", Double(server.bodyBytes))
        page.gauge("millrace_ready", "1 while `/readyz` says yes.", server.isReady ? 1 : 0)
        page.gauge("millrace_draining", "1 while the server ends.", server.isDraining ? 1 : 0)
    }

    private func disk(_ page: inout MetricsPage) {
        guard let disk = server.disk else { return }
        page.gauge("millrace_disk_free_bytes", "Free bytes of the data directory's disk.", Double(disk.space.free))
        page.gauge("millrace_disk_size_bytes", "Size of that disk.", Double(disk.space.total))
        page.gauge("millrace_disk_reserve_bytes", "Bytes that uploads leave free.", Double(disk.reserve))
        page.family("millrace_disk_state", "gauge", "1 for what holds: ok, low (uploads wait), full (reports wait).")
        for state in [DiskReserve.State.ok, .low, .full] {
            page.sample("millrace_disk_state", [("state", "\(state)")], disk.state == state ? 1 : 0)
        }
    }

    private func ofProcess(_ page: inout MetricsPage) {
        page.counter("process_cpu_seconds_total", "CPU seconds of the server.", process.cpuSeconds)
        page.gauge("process_resident_memory_bytes", "Resident memory.", Double(process.residentBytes))
        page.gauge("process_open_fds", "Open files and connections.", Double(process.openFiles))
        page.gauge("process_max_fds", "So many may be open.", Double(process.openFilesMax))
        page.gauge("process_start_time_seconds", "When the server started, in seconds since 1970.", server.startedAt)
    }
}

/// What the parts of the server say of themselves at one moment.
struct ServerFigures {
    var limits: ServerLimits
    var queueDepth: Int
    var connections: Int
    var bodyBytes: Int
    var isReady: Bool
    var isDraining: Bool
    var disk: DiskWatch.Reading?
    var storeFiles: [(name: String, bytes: Int64)]
    /// Seconds since 1970.
    var startedAt: Double
}
