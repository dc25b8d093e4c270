import Domain

/// A `SchedulerReply` as plain values; see `HotRequest`.
public struct HotReply: Hashable, Sendable {
    /// A serialised `Receipts` (`HotReceipts`).
    public var receipts: [UInt8] = []
    public var receiptsSignature: [UInt8] = []
    public var tasks: [HotOffer] = []
    public var abortTasks: [UInt64] = []
    public var nextCallSeconds = 0.0
    public var noWorkReasons: [String] = []
    public var serverTimeMs: UInt64 = 0
    public var creditMicrocobblestones: Int64 = 0
    public var validTasks: UInt64 = 0
    public var invalidTasks: UInt64 = 0
    public var provisionalMicrocobblestones: Int64 = 0

    public init() {}

    private static let type = WireSchedulerReply.protoMessageName

    /// - Parameter limit: bytes.
    /// - Throws: `.tooLarge`, `.tooMany` (before anything is built), or `.badMessage`.
    public init(bytes: [UInt8], limit: Int) throws(WireError) {
        try FieldReader.check(bytes, limit: limit, type: Self.type)
        var reader = FieldReader(bytes, type: Self.type)
        while try reader.nextAtTop() {
            switch reader.number {
            case 1: try reader.take(&receipts)
            case 2: try reader.take(&receiptsSignature)
            case 3: if let body = try reader.message() { tasks.append(try HotOffer(body)) }
            case 4: try reader.append(to: &abortTasks, "abort_tasks", max: Limits.rpcBytesMax)
            case 5: try reader.take(&nextCallSeconds)
            case 6: try reader.append(to: &noWorkReasons, "no_work_reasons", max: Limits.repeatedFieldsMax)
            case 7: try reader.take(&serverTimeMs)
            case 8: try reader.take(&creditMicrocobblestones)
            case 9: try reader.take(&validTasks)
            case 10: try reader.take(&invalidTasks)
            case 11: try reader.take(&provisionalMicrocobblestones)
            default: try reader.skip()
            }
        }
    }

    /// Byte for byte what the generated code writes.
    public var encoded: [UInt8] {
        let hint = tasks.reduce(receipts.count + receiptsSignature.count + 128) { $0 + 160 + $1.unitInline.count }
        var writer = FieldWriter(capacity: hint)
        writer.put(1, receipts)
        writer.put(2, receiptsSignature)
        for offer in tasks { writer.message(3) { offer.write(to: &$0) } }
        writer.put(4, packed: abortTasks)
        writer.put(5, nextCallSeconds)
        for reason in noWorkReasons { writer.put(6, each: reason) }
        writer.put(7, serverTimeMs)
        writer.put(8, creditMicrocobblestones)
        writer.put(9, validTasks)
        writer.put(10, invalidTasks)
        writer.put(11, provisionalMicrocobblestones)
        return writer.bytes
    }
}

/// A `TaskOffer`.
public struct HotOffer: Hashable, Sendable {
    public var taskID: UInt64 = 0
    public var unitSha256: [UInt8] = []
    public var unitBytes: UInt64 = 0
    public var unitInline: [UInt8] = []
    public var deadlineMs: UInt64 = 0
    public var estimatedSeconds = 0.0
    public var uploadTicket = ""
    public var project = ""
    public var flops = 0.0

    public init() {}

    init(_ message: FieldReader) throws(WireError) {
        var reader = message
        while try reader.next() {
            switch reader.number {
            case 1: try reader.take(&taskID)
            case 2: try reader.take(&unitSha256)
            case 3: try reader.take(&unitBytes)
            case 4: try reader.take(&unitInline)
            case 5: try reader.take(&deadlineMs)
            case 6: try reader.take(&estimatedSeconds)
            case 7: try reader.take(&uploadTicket)
            case 8: try reader.take(&project)
            case 9: try reader.take(&flops)
            default: try reader.skip()
            }
        }
    }

    func write(to writer: inout FieldWriter) {
        writer.put(1, taskID)
        writer.put(2, unitSha256)
        writer.put(3, unitBytes)
        writer.put(4, unitInline)
        writer.put(5, deadlineMs)
        writer.put(6, estimatedSeconds)
        writer.put(7, uploadTicket)
        writer.put(8, project)
        writer.put(9, flops)
    }
}

/// `Receipts`: what is signed.
public struct HotReceipts: Hashable, Sendable {
    public var hostID: UInt64 = 0
    public var receipts: [HotReceipt] = []

    public init() {}

    private static let type = WireReceipts.protoMessageName

    /// - Parameter limit: bytes. - Throws: `.tooLarge`, `.tooMany` or `.badMessage`.
    public init(bytes: [UInt8], limit: Int) throws(WireError) {
        try FieldReader.check(bytes, limit: limit, type: Self.type)
        var reader = FieldReader(bytes, type: Self.type)
        while try reader.nextAtTop() {
            switch reader.number {
            case 1: try reader.take(&hostID)
            case 2: if let body = try reader.message() { receipts.append(try HotReceipt(body)) }
            default: try reader.skip()
            }
        }
    }

    /// Byte for byte what the generated code writes: signatures are made and checked over these.
    public var encoded: [UInt8] {
        var writer = FieldWriter(capacity: 16 + 64 * receipts.count)
        writer.put(1, hostID)
        for receipt in receipts {
            writer.message(2) { writer in
                writer.put(1, receipt.taskID)
                writer.put(2, receipt.resultSha256)
                writer.put(3, number: receipt.status.rawValue)
                writer.put(4, receipt.atMs)
            }
        }
        return writer.bytes
    }
}

/// A `Receipt`.
public struct HotReceipt: Hashable, Sendable {
    public var taskID: UInt64 = 0
    public var resultSha256: [UInt8] = []
    public var status = WireReceiptStatus.receiptUnspecified
    public var atMs: UInt64 = 0

    public init() {}

    init(_ message: FieldReader) throws(WireError) {
        var reader = message
        while try reader.next() {
            switch reader.number {
            case 1: try reader.take(&taskID)
            case 2: try reader.take(&resultSha256)
            case 3:
                var number = status.rawValue
                try reader.take(number: &number)
                status = WireReceiptStatus(rawValue: number) ?? .receiptUnspecified
            case 4: try reader.take(&atMs)
            default: try reader.skip()
            }
        }
    }
}
