import FoundationEssentials

// Between the plain values and the generated messages, field by field, for whoever is not in a hurry.

extension HotRequest {
    public init(_ message: WireSchedulerRequest) {
        if message.hasProfile { profile = message.profile }
        heldTasks = message.heldTasks
        reports = message.reports.map { HotReport($0) }
        wantTasks = message.wantTasks
        wantSeconds = message.wantSeconds
        queuedSeconds = message.queuedSeconds
        availability = message.availability
        apps = message.apps
        sendsInline = message.sendsInline
        programPlatforms = message.programPlatforms
        form = message.form
    }

    public var message: WireSchedulerRequest {
        var message = WireSchedulerRequest()
        if let profile { message.profile = profile }
        message.heldTasks = heldTasks
        message.reports = reports.map(\.message)
        message.wantTasks = wantTasks
        message.wantSeconds = wantSeconds
        message.queuedSeconds = queuedSeconds
        message.availability = availability
        message.apps = apps
        message.sendsInline = sendsInline
        message.programPlatforms = programPlatforms
        message.form = form
        return message
    }
}

extension HotReport {
    public init(_ message: WireTaskReportMessage) {
        taskID = message.taskID
        switch message.outcome {
        case .success(let success): outcome = .success(HotSuccess(success))
        case .failure(let failure): outcome = .failure(failure)
        case nil: outcome = nil
        }
    }

    public var message: WireTaskReportMessage {
        var message = WireTaskReportMessage()
        message.taskID = taskID
        switch outcome {
        case .success(let success): message.success = success.message
        case .failure(let failure): message.failure = failure
        case nil: break
        }
        return message
    }
}

extension HotSuccess {
    public init(_ message: WireTaskSuccess) {
        resultSha256 = Array(message.resultSha256)
        resultBytes = message.resultBytes
        resultInline = Array(message.resultInline)
        cpuSeconds = message.cpuSeconds
        wallSeconds = message.wallSeconds
        fingerprint = message.fingerprint
    }

    public var message: WireTaskSuccess {
        var message = WireTaskSuccess()
        message.resultSha256 = Data(resultSha256)
        message.resultBytes = resultBytes
        message.resultInline = Data(resultInline)
        message.cpuSeconds = cpuSeconds
        message.wallSeconds = wallSeconds
        message.fingerprint = fingerprint
        return message
    }
}

extension HotReply {
    public init(_ message: WireSchedulerReply) {
        receipts = Array(message.receipts)
        receiptsSignature = Array(message.receiptsSignature)
        tasks = message.tasks.map { HotOffer($0) }
        abortTasks = message.abortTasks
        nextCallSeconds = message.nextCallSeconds
        noWorkReasons = message.noWorkReasons
        serverTimeMs = message.serverTimeMs
        creditMicrocobblestones = message.creditMicrocobblestones
        validTasks = message.validTasks
        invalidTasks = message.invalidTasks
        provisionalMicrocobblestones = message.provisionalMicrocobblestones
    }

    public var message: WireSchedulerReply {
        var message = WireSchedulerReply()
        message.receipts = Data(receipts)
        message.receiptsSignature = Data(receiptsSignature)
        message.tasks = tasks.map(\.message)
        message.abortTasks = abortTasks
        message.nextCallSeconds = nextCallSeconds
        message.noWorkReasons = noWorkReasons
        message.serverTimeMs = serverTimeMs
        message.creditMicrocobblestones = creditMicrocobblestones
        message.validTasks = validTasks
        message.invalidTasks = invalidTasks
        message.provisionalMicrocobblestones = provisionalMicrocobblestones
        return message
    }
}

extension HotOffer {
    public init(_ message: WireTaskOffer) {
        taskID = message.taskID
        unitSha256 = Array(message.unitSha256)
        unitBytes = message.unitBytes
        unitInline = Array(message.unitInline)
        deadlineMs = message.deadlineMs
        estimatedSeconds = message.estimatedSeconds
        uploadTicket = message.uploadTicket
        project = message.project
        flops = message.flops
    }

    public var message: WireTaskOffer {
        var message = WireTaskOffer()
        message.taskID = taskID
        message.unitSha256 = Data(unitSha256)
        message.unitBytes = unitBytes
        message.unitInline = Data(unitInline)
        message.deadlineMs = deadlineMs
        message.estimatedSeconds = estimatedSeconds
        message.uploadTicket = uploadTicket
        message.project = project
        message.flops = flops
        return message
    }
}

extension HotReceipts {
    public init(_ message: WireReceipts) {
        hostID = message.hostID
        receipts = message.receipts.map { one in
            var receipt = HotReceipt()
            receipt.taskID = one.taskID
            receipt.resultSha256 = Array(one.resultSha256)
            receipt.status = one.status
            receipt.atMs = one.atMs
            return receipt
        }
    }

    public var message: WireReceipts {
        var message = WireReceipts()
        message.hostID = hostID
        message.receipts = receipts.map { one in
            var receipt = WireReceipt()
            receipt.taskID = one.taskID
            receipt.resultSha256 = Data(one.resultSha256)
            receipt.status = one.status
            receipt.atMs = one.atMs
            return receipt
        }
        return message
    }
}
