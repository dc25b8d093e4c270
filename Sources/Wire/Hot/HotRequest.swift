import Domain

/// A `SchedulerRequest` as plain values: the same fields, read and written by hand, without `Data`.
///
/// One comes with every call; what it costs to read is told in `docs/decisions/0018-the-hot-pair.md`. Unknown fields
/// are skipped. A test feeds this codec and the generated one with the same bytes.
public struct HotRequest: Hashable, Sendable {
    public var profile: WireHostProfileMessage?
    public var heldTasks: [UInt64] = []
    public var reports: [HotReport] = []
    public var wantTasks: UInt32 = 0
    public var wantSeconds = 0.0
    public var queuedSeconds = 0.0
    public var availability = 0.0
    public var apps: [String] = []
    public var sendsInline = false
    public var programPlatforms: [String] = []
    public var form = WireCallForm.callFull

    public init() {}

    /// How many apps, and platforms of programs, a request may name.
    public static let appsMax = 1024
    public static let platformsMax = 1024
    private static let type = WireSchedulerRequest.protoMessageName

    /// - Parameter limit: bytes.
    /// - Throws: `.tooLarge`, `.tooMany` (before anything is built), or `.badMessage`.
    public init(bytes: [UInt8], limit: Int) throws(WireError) {
        try FieldReader.check(bytes, limit: limit, type: Self.type)
        var reader = FieldReader(bytes, type: Self.type)
        while try reader.nextAtTop() {
            switch reader.number {
            case 1: try Self.read(&profile, from: &reader)
            case 2: try reader.append(to: &heldTasks, "held_tasks", max: Limits.heldTasksPerRequestMax)
            case 3:
                guard let body = try reader.message() else { continue }
                guard reports.count < Limits.reportsPerRequestMax else {
                    throw .tooMany(field: "reports", limit: Limits.reportsPerRequestMax)
                }
                reports.append(try HotReport(body))
            case 4: try reader.take(&wantTasks)
            case 5: try reader.take(&wantSeconds)
            case 6: try reader.take(&queuedSeconds)
            case 7: try reader.take(&availability)
            case 8: try reader.append(to: &apps, "apps", max: Self.appsMax)
            case 9: try reader.take(&sendsInline)
            case 10: try reader.append(to: &programPlatforms, "program_platforms", max: Self.platformsMax)
            case 11:
                var number = form.rawValue
                try reader.take(number: &number)
                form = WireCallForm(rawValue: number) ?? .callFull
            default: try reader.skip()
            }
        }
    }

    private static func read(
        _ profile: inout WireHostProfileMessage?, from reader: inout FieldReader
    ) throws(WireError) {
        guard var body = try reader.message() else { return }
        // A second one is merged into the first.
        var found = profile ?? WireHostProfileMessage()
        while try body.next() {
            switch body.number {
            case 1: try body.take(&found.name)
            case 2: try body.take(&found.platform)
            case 3: try body.take(&found.cpuModel)
            case 4: try body.take(&found.cores)
            case 5: try body.take(&found.memoryBytes)
            case 6: try body.take(&found.diskFreeBytes)
            case 7: try body.take(&found.benchmarkFlopsPerSecond)
            case 8: try body.take(&found.clientVersion)
            default: try body.skip()
            }
        }
        profile = found
    }

    /// Byte for byte what the generated code writes.
    public var encoded: [UInt8] {
        var writer = FieldWriter(capacity: 256 + reports.reduce(0) { $0 + $1.sizeHint })
        if let profile {
            writer.message(1) { writer in
                writer.put(1, profile.name)
                writer.put(2, profile.platform)
                writer.put(3, profile.cpuModel)
                writer.put(4, profile.cores)
                writer.put(5, profile.memoryBytes)
                writer.put(6, profile.diskFreeBytes)
                writer.put(7, profile.benchmarkFlopsPerSecond)
                writer.put(8, profile.clientVersion)
            }
        }
        writer.put(2, packed: heldTasks)
        for report in reports { writer.message(3) { report.write(to: &$0) } }
        writer.put(4, wantTasks)
        writer.put(5, wantSeconds)
        writer.put(6, queuedSeconds)
        writer.put(7, availability)
        for app in apps { writer.put(8, each: app) }
        writer.put(9, sendsInline)
        for platform in programPlatforms { writer.put(10, each: platform) }
        writer.put(11, number: form.rawValue)
        return writer.bytes
    }
}

/// A `TaskReportMessage`.
public struct HotReport: Hashable, Sendable {
    public enum Outcome: Hashable, Sendable {
        case success(HotSuccess)
        case failure(WireTaskFailure)
    }

    public var taskID: UInt64 = 0
    public var outcome: Outcome?

    public init() {}

    init(_ message: FieldReader) throws(WireError) {
        var reader = message
        while try reader.next() {
            switch reader.number {
            case 1: try reader.take(&taskID)
            case 2:
                guard let body = try reader.message() else { continue }
                var success = HotSuccess()
                if case .success(let first)? = outcome { success = first }
                try success.merge(body)
                outcome = .success(success)
            case 3:
                guard var body = try reader.message() else { continue }
                var failure = WireTaskFailure()
                if case .failure(let first)? = outcome { failure = first }
                while try body.next() {
                    switch body.number {
                    case 1: try body.take(&failure.code)
                    case 2: try body.take(&failure.message)
                    default: try body.skip()
                    }
                }
                outcome = .failure(failure)
            default: try reader.skip()
            }
        }
    }

    func write(to writer: inout FieldWriter) {
        writer.put(1, taskID)
        switch outcome {
        case .success(let success): writer.message(2) { success.write(to: &$0) }
        case .failure(let failure):
            writer.message(3) { writer in
                writer.put(1, failure.code)
                writer.put(2, failure.message)
            }
        case nil: break
        }
    }

    var sizeHint: Int {
        guard case .success(let success)? = outcome else { return 32 }
        return 96 + success.resultInline.count
    }
}

/// A `TaskSuccess`.
public struct HotSuccess: Hashable, Sendable {
    public var resultSha256: [UInt8] = []
    public var resultBytes: UInt64 = 0
    public var resultInline: [UInt8] = []
    public var cpuSeconds = 0.0
    public var wallSeconds = 0.0
    public var fingerprint = ""

    public init() {}

    mutating func merge(_ message: FieldReader) throws(WireError) {
        var reader = message
        while try reader.next() {
            switch reader.number {
            case 1: try reader.take(&resultSha256)
            case 2: try reader.take(&resultBytes)
            case 3: try reader.take(&resultInline)
            case 4: try reader.take(&cpuSeconds)
            case 5: try reader.take(&wallSeconds)
            case 6: try reader.take(&fingerprint)
            default: try reader.skip()
            }
        }
    }

    func write(to writer: inout FieldWriter) {
        writer.put(1, resultSha256)
        writer.put(2, resultBytes)
        writer.put(3, resultInline)
        writer.put(4, cpuSeconds)
        writer.put(5, wallSeconds)
        writer.put(6, fingerprint)
    }
}
