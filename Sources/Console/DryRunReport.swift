import Domain

/// What a dry run found, beside the bounds of the manifest, and what follows for the whole batch.
struct DryRunReport {
    struct Check {
        /// malformed, refuted, plausible or proven.
        var outcome: String
        var reason: String
        var seconds: Double
        var passed: Bool { outcome == "plausible" || outcome == "proven" }
    }

    struct Section {
        var name: String
        var elements: Int
        var bytes: Int64
    }

    var spec: ProjectSpec
    var index: Int
    var label: String
    var containerBytes: Int
    var inputBytes: Int64
    var plan: UnitMaker.Plan
    var flops: Double
    var flopsBound: Double
    /// A first guess at this machine's speed, as a client makes it: for programs, whose FLOPs only the manifest counts;
    /// nil for apps that count themselves.
    var benchmark: Double?
    var wallSeconds: Double
    var cpuSeconds: Double
    var kernelSeconds: Double
    var peakMemoryBytes: Int64
    var resultBytes: Int64
    var fingerprint: String
    var check: Check
    var sections: [Section]
    /// Where the result differs from itself by `validation.compare`.
    var selfDifference: String?

    /// This machine's speed by the app's own count: a wrong one of the manifest must not hide behind itself.
    private var flopsPerSecond: Double { benchmark ?? measured }
    private var measured: Double { kernelSeconds > 0 ? plan.appFlops / kernelSeconds : 0 }
    /// What the scheduler expects of a machine like this.
    private var estimateSeconds: Double { flopsPerSecond > 0 ? flops / flopsPerSecond : wallSeconds }
    /// CPU seconds after which a volunteer's client stops the task on a machine like this; ClientCore's rule, where a
    /// minute is the least, and a quarter of the benchmark stands for a speed that was not measured.
    private var cpuSecondsMax: Double {
        let speed = benchmark.map { $0 / 4 } ?? flopsPerSecond
        return speed > 0 ? max(60, flopsBound / speed) : .infinity
    }
    private var tasks: Double { Double(plan.unitCount * spec.replication.initial) }
    /// Core seconds of the whole batch at this machine's speed.
    private var batchSeconds: Double {
        flops > 0 ? plan.flops / flops * cpuSeconds * Double(spec.replication.initial) : 0
    }
    private var creditPerTask: Double { Credit(flops: flops).cobblestones * spec.credit.factor }
    /// What is over a bound, in words.
    private var excesses: [String] {
        var words: [String] = []
        if let selfDifference {
            words.append("by validation.compare no two results agree: they differ at \(selfDifference)")
        }
        if peakMemoryBytes > spec.resources.memoryBytes { words.append("memory is over resources.memory") }
        if resultBytes > spec.resources.outputBytes { words.append("the result is over resources.output") }
        let deadline = spec.replication.deadline.seconds
        if wallSeconds > deadline { words.append("it took longer than replication.deadline") }
        if estimateSeconds > deadline {
            words.append(
                "the estimate of \(Amounts.flops(flops)) means \(Amounts.seconds(estimateSeconds)) on a machine like "
                    + "this, over replication.deadline: no host would get it; check resources.flops_per_step")
        }
        if cpuSeconds > cpuSecondsMax {
            words.append(
                "a machine like this would stop it after \(Amounts.seconds(cpuSecondsMax)) of CPU: "
                    + "resources.flops_per_step or flops_bound_factor is too small")
        }
        return words
    }

    var passed: Bool { check.passed && excesses.isEmpty }

    private var rows: [(String, String)] {
        let more = plan.isComplete ? "" : "at least "
        let reason = check.reason.isEmpty ? "" : ": \(check.reason)"
        let bounds = spec.resources
        let perUnit = Amounts.count(UInt64(spec.replication.initial), "task")
        return [
            ("unit", "\(index) of \(more)\(plan.unitCount): \(label)"),
            ("result", sections.map { "\($0.name) x\($0.elements)" }.joined(separator: ", ")),
            ("check", "\(check.outcome) in \(Amounts.seconds(check.seconds))\(reason)"),
            ("time", "\(Amounts.seconds(wallSeconds)), \(Amounts.seconds(cpuSeconds)) of CPU"),
            ("deadline", Amounts.seconds(spec.replication.deadline.seconds)),
            ("work", "\(Amounts.flops(plan.appFlops)) at \(Amounts.flopsPerSecond(measured))"),
            ("estimate", "\(Amounts.flops(flops)), \(Amounts.seconds(estimateSeconds)) on a machine like this"),
            ("memory", "\(Amounts.bytes(peakMemoryBytes)) of \(Amounts.bytes(bounds.memoryBytes))"),
            ("output", "\(Amounts.bytes(resultBytes)) of \(Amounts.bytes(bounds.outputBytes))"),
            ("download", "\(Amounts.bytes(Int64(containerBytes))) per unit, \(Amounts.bytes(inputBytes)) per host"),
            ("credit", "\(Amounts.number(creditPerTask)) cobblestones for each valid task"),
            ("computed by", fingerprint),
            ("whole batch", "\(more)\(plan.unitCount) units, \(Amounts.flops(plan.flops)); \(perUnit) per unit"),
            (
                "its cost",
                "\(Amounts.seconds(batchSeconds)) of one core like this, \(Amounts.seconds(batchSeconds / 100)) on 100"
            ),
        ]
    }

    var text: String {
        var text = ""
        for (name, value) in rows {
            text += name + String(repeating: " ", count: 13 - name.count) + Printable.clean(value) + "\n"
        }
        for excess in excesses { text += "FAULT: \(excess)\n" }
        text += passed ? "The unit ran as a volunteer would run it.\n" : "A volunteer's result would not be accepted.\n"
        return text
    }

    var json: JSONValue {
        .members([
            ("ok", .flag(passed)), ("project", .text(spec.name)), ("unit", .integer(Int64(index))),
            ("label", .text(label)), ("units_total", .integer(Int64(plan.unitCount))),
            ("units_counted_all", .flag(plan.isComplete)), ("check", .text(check.outcome)),
            ("check_reason", .optional(check.reason)), ("check_seconds", .real(check.seconds)),
            ("wall_seconds", .real(wallSeconds)), ("cpu_seconds", .real(cpuSeconds)),
            ("kernel_seconds", .real(kernelSeconds)), ("flops", .real(flops)),
            ("app_flops", .real(plan.appFlops)), ("flops_per_second", .real(measured)),
            ("estimate_seconds", .real(estimateSeconds)),
            ("cpu_seconds_max", cpuSecondsMax.isFinite ? .real(cpuSecondsMax) : .null),
            ("memory_bytes", .integer(peakMemoryBytes)),
            ("memory_bytes_max", .integer(spec.resources.memoryBytes)), ("output_bytes", .integer(resultBytes)),
            ("output_bytes_max", .integer(spec.resources.outputBytes)),
            ("container_bytes", .integer(Int64(containerBytes))), ("input_bytes", .integer(inputBytes)),
            ("credit_per_task", .real(creditPerTask)), ("fingerprint", .text(fingerprint)),
            (
                "sections",
                .list(
                    sections.map { section in
                        .members([
                            ("name", .text(section.name)), ("elements", .integer(Int64(section.elements))),
                            ("bytes", .integer(section.bytes)),
                        ])
                    })
            ),
            ("batch_flops", .real(plan.flops)), ("batch_tasks", .real(tasks)),
            ("batch_core_seconds", .real(batchSeconds)), ("over_bounds", .list(excesses.map { .text($0) })),
        ])
    }
}
