import Glibc
import Storage

/// The Prometheus text format, version 0.0.4.
enum MetricsText {
    static func text(
        _ state: Metrics.State, _ counts: BatchCounts, queueDepth: Int, runningJobs: Int, log: LogHealth,
        process: ProcessFigures
    ) -> String {
        var page = Page()
        page.requests(state)
        page.family("millrace_request_bytes_total", "counter", "Bytes of request and reply bodies.")
        page.sample("millrace_request_bytes_total", ["direction": "in"], Double(state.bytesIn))
        page.sample("millrace_request_bytes_total", ["direction": "out"], Double(state.bytesOut))
        page.family("millrace_units", "gauge", "Work units by state.")
        let units = [
            ("ready", counts.ready), ("active", counts.active), ("comparing", counts.comparing),
            ("provisional", counts.provisional), ("validated", counts.validated), ("assembled", counts.assembled),
            ("failed", counts.failed),
            ("cancelled", counts.cancelled),
        ]
        for (word, count) in units { page.sample("millrace_units", ["state": word], Double(count)) }
        page.family("millrace_tasks", "gauge", "Tasks that are out, and that have ended.")
        page.sample("millrace_tasks", ["state": "out"], Double(counts.tasksOut))
        page.sample("millrace_tasks", ["state": "done"], Double(counts.tasksDone))
        page.single("millrace_tasks_expired_total", "counter", "Deadlines passed.", Double(state.tasksExpired))
        page.single("millrace_writer_queue", "gauge", "Closures that wait for the writer.", Double(queueDepth))
        page.histogram("millrace_commit_group_size", "Closures per transaction.", state.groups)
        page.single(
            "millrace_commit_groups_broken_total", "counter", "Transactions that were rolled back.",
            Double(state.brokenGroups))
        page.single(
            "millrace_validation_waiting", "gauge", "Units that wait for the validator.",
            Double(state.awaitingValidation))
        page.single(
            "millrace_validation_lag_seconds", "gauge", "How long the oldest of them has waited.",
            state.validationLagSeconds)
        page.single("millrace_jobs_running", "gauge", "Jobs in worker children.", Double(runningJobs))
        page.family("millrace_jobs_total", "counter", "Jobs that ended, by kind.")
        for (kind, count) in state.jobs.sorted(by: { $0.key < $1.key }) {
            page.sample("millrace_jobs_total", ["kind": kind], Double(count))
        }
        page.single("millrace_job_failures_total", "counter", "Jobs that failed.", Double(state.jobFailures))
        page.single(
            "millrace_worker_cpu_seconds_total", "counter", "CPU seconds of the server's workers.",
            state.workerCPUSeconds)
        page.single(
            "millrace_log_behind", "gauge", "1 while the public log cannot be published.", log.trouble == nil ? 0 : 1)
        if let waiting = log.waiting {
            page.single("millrace_log_leaves_waiting", "gauge", "Leaves that are not published.", Double(waiting))
        }
        page.single(
            "millrace_log_complete_seconds", "gauge", "Seconds since the public log was last complete.",
            log.seconds(now: .now).rounded())
        page.single("process_cpu_seconds_total", "counter", "CPU seconds of the server.", process.cpuSeconds)
        page.single("process_resident_memory_bytes", "gauge", "Resident memory.", Double(process.residentBytes))
        return page.text
    }

    private struct Page {
        var text = ""

        mutating func family(_ name: String, _ type: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        }

        mutating func sample(_ name: String, _ value: Double) { sample(name, [:], value) }

        mutating func sample(_ name: String, _ labels: KeyValuePairs<String, String>, _ value: Double) {
            let inside = labels.map { "\($0.key)=\"\(MetricsText.escaped($0.value))\"" }.joined(separator: ",")
            let figure = value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
            text += name + (inside.isEmpty ? "" : "{\(inside)}") + " \(figure)\n"
        }

        mutating func single(_ name: String, _ type: String, _ help: String, _ value: Double) {
            family(name, type, help)
            sample(name, value)
        }

        mutating func requests(_ state: Metrics.State) {
            family("millrace_requests_total", "counter", "Requests by route, method and status.")
            for (key, count) in state.requests.sorted(by: { $0.key < $1.key }) {
                sample(
                    "millrace_requests_total",
                    ["route": key.route, "method": key.method, "status": "\(key.status)"], Double(count))
            }
            family("millrace_request_seconds", "histogram", "Time to the reply, by route.")
            for (route, histogram) in state.seconds.sorted(by: { $0.key < $1.key }) {
                for (bound, count) in zip(histogram.bounds, histogram.counts) {
                    sample("millrace_request_seconds_bucket", ["route": route, "le": "\(bound)"], Double(count))
                }
                sample(
                    "millrace_request_seconds_bucket", ["route": route, "le": "+Inf"], Double(histogram.count))
                sample("millrace_request_seconds_sum", ["route": route], histogram.sum)
                sample("millrace_request_seconds_count", ["route": route], Double(histogram.count))
            }
        }

        mutating func histogram(_ name: String, _ help: String, _ histogram: Metrics.Histogram) {
            family(name, "histogram", help)
            for (bound, count) in zip(histogram.bounds, histogram.counts) {
                sample(name + "_bucket", ["le": "\(bound)"], Double(count))
            }
            sample(name + "_bucket", ["le": "+Inf"], Double(histogram.count))
            sample(name + "_sum", histogram.sum)
            sample(name + "_count", Double(histogram.count))
        }
    }

    static func escaped(_ text: String) -> String {
        text.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0) }.joined()
    }
}

/// What the operating system says of this process.
struct ProcessFigures: Sendable {
    var cpuSeconds: Double
    var residentBytes: Int64

    static func now() -> ProcessFigures {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        let bytes = (try? FileAccess.read("/proc/self/statm", limit: 256)) ?? nil
        let words = String(decoding: bytes ?? [], as: UTF8.self).split(separator: " ")
        let pages = words.count > 1 ? Int64(words[1]) ?? 0 : 0
        return ProcessFigures(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            residentBytes: pages * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }
}
