import Bytes
import Domain
import Engine
import FoundationEssentials
import Wire

/// Containers and inputs: fetched, verified, and only then believed.
extension ClientMachine {
    /// Checks hash, signature and bounds of a container; a task whose unit fails is reported as failed.
    ///
    /// - Parameter stored: whether the container lies in the task's folder already.
    mutating func verify(_ id: TaskID, _ bytes: [UInt8], stored: Bool = false, _ out: inout Outbox) {
        guard let task = state[task: id], case .offered = task.stage else {
            // A ready task at a start: its file is checked again all the same.
            if stored, let task = state[task: id], case .ready = task.stage,
                SHA256Hash.digest(of: bytes) != task.offer.unit
            {
                update(id) { $0.stage = .offered }
            }
            return
        }
        guard SHA256Hash.digest(of: bytes) == task.offer.unit else {
            // On disk: damaged, so it is fetched anew. From the server: its own hash is wrong.
            if !stored { fail(id, .badWorkUnit, "the container's SHA-256 is not the one that was announced", &out) }
            return
        }
        guard let key = VerifyingKey(rawRepresentation: state.attachment.projectKey) else {
            fail(id, .badWorkUnit, "the pinned project key is no Ed25519 key", &out)
            return
        }
        do throws(WireError) {
            let body = try UnitContainer.decode(bytes, key: key)
            accept(id, task, body, bytes, stored, &out)
        } catch {
            fail(id, .badWorkUnit, "\(error)", &out)
        }
    }

    private mutating func accept(
        _ id: TaskID, _ task: HeldTask, _ body: WireWorkUnitBody, _ bytes: [UInt8], _ stored: Bool,
        _ out: inout Outbox
    ) {
        guard body.unitID == UInt64(id.unit.rawValue) else {
            fail(id, .badWorkUnit, "the container is work unit \(body.unitID)'s, not this task's", &out)
            return
        }
        guard bytes.count == Int(clamping: task.offer.unitBytes) else {
            let message = "the container has \(bytes.count) bytes; \(task.offer.unitBytes) were announced"
            fail(id, .badWorkUnit, message, &out)
            return
        }
        // What lies here already may have a result, and its share of the disk.
        if !stored {
            let (memory, disk) = (Int64(clamping: body.memoryBytes), Int64(clamping: body.diskBytes))
            if let why = neverFits(memoryBytes: memory, diskBytes: disk) {
                fail(id, .givenBack, why, &out, countsAgainstHost: false)
                return
            }
        }
        if body.hasProgram, !stored, let why = programObjection(isModule: body.app == ProgramApp.wasm.rawValue) {
            fail(id, .givenBack, why, &out, countsAgainstHost: false)
            return
        }
        guard knows(body) else {
            fail(id, .unknownApp, "this host's worker does not know \(body.app) version \(body.appVersion)", &out)
            return
        }
        let summary: UnitSummary
        do throws(WireError) { summary = try UnitSummary(body) } catch {
            fail(id, .badWorkUnit, "\(error)", &out)
            return
        }
        if !stored { out.first(.storeTask(task.offer, unit: bytes)) }
        update(id) { task in
            task.unit = summary
            task.stage = .ready
        }
    }

    private func knows(_ body: WireWorkUnitBody) -> Bool {
        guard body.hasProgram else { return settings.apps.contains("\(body.app)/\(body.appVersion)") }
        return ProgramApp(app: body.app) != nil && body.appVersion == UInt32(UnitProgram.appVersion)
    }

    mutating func unitFetchFailed(
        _ id: TaskID, _ failure: FetchFailure, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) {
        var transfer = unitFetches[id] ?? Transfer()
        transfer.inFlight = false
        transfer.failures += 1
        switch failure {
        case .temporary(let why), .busy(let why, _):
            let delay = Self.transferBackOff.delaySeconds(
                failures: transfer.failures, random: random, retryAfterSeconds: failure.retryAfterSeconds)
            transfer.notBefore = now + TimeSpan(seconds: delay)
            transfer.trouble = why
            unitFetches[id] = transfer
            problem = why
        case .permanent(let why):
            unitFetches[id] = nil
            fail(id, .badWorkUnit, why, &out)
        }
    }

    mutating func blobFetchFailed(
        _ digest: Digest, _ failure: FetchFailure, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) {
        guard case .fetching(let before)? = blobs[digest] else { return }
        let failures = before + 1
        problem = failure.message
        if case .permanent(let why) = failure {
            blobs[digest] = nil
            blobTroubles[digest] = nil
            for task in state.tasks where !task.stage.isOver {
                if task.unit?.blobs.contains(where: { $0.digest == digest }) == true, runs[task.id] == nil {
                    fail(task.id, .badInput, why, &out)
                }
            }
            return
        }
        let delay = Self.transferBackOff.delaySeconds(
            failures: failures, random: random, retryAfterSeconds: failure.retryAfterSeconds)
        blobs[digest] = .waiting(until: now + TimeSpan(seconds: delay), failures: failures)
        blobTroubles[digest] = failure.message
    }

    /// Begins the downloads that are due.
    mutating func pursueFetches(_ now: Timestamp, _ out: inout Outbox) {
        for place in state.tasks.indices {
            switch state.tasks[place].stage {
            case .offered:
                let offer = state.tasks[place].offer
                var transfer = unitFetches[offer.task] ?? Transfer()
                if transfer.inFlight || transfer.notBefore.map({ now < $0 }) == true { continue }
                transfer.inFlight = true
                unitFetches[offer.task] = transfer
                out.add(.fetchUnit(offer.task, offer.unit, bytes: offer.unitBytes))
            case .ready:
                for input in state.tasks[place].unit?.blobs ?? [] { pursue(input, now, &out) }
            case .finished, .failed: break
            }
        }
    }

    private mutating func pursue(_ input: UnitSummary.Input, _ now: Timestamp, _ out: inout Outbox) {
        switch blobs[input.digest] {
        case .present?, .fetching?: return
        case .waiting(let until, let failures)?:
            guard now >= until else { return }
            blobs[input.digest] = .fetching(failures: failures)
        case nil: blobs[input.digest] = .fetching(failures: 0)
        }
        blobNeededAt[input.digest] = now
        out.add(.fetchBlob(input))
    }

    /// Once an hour: inputs that no task has named for a day are removed, and parts of such, too. They are shared by
    /// all units of a batch, so the moment between two of them is no reason to fetch them again.
    mutating func sweepBlobs(_ now: Timestamp, _ out: inout Outbox) {
        // To a minute: what is kept for a day needs no better clock.
        if (now - lastBlobNote).seconds >= 60 { noteNeededBlobs(now) }
        guard (now - lastSweep).seconds >= 3600 else { return }
        lastSweep = now
        noteNeededBlobs(now)
        let old = blobs.filter { digest, blob in
            if case .fetching = blob { return false }
            return (now - (blobNeededAt[digest] ?? now)).seconds > 86_400
        }
        guard !old.isEmpty else { return }
        for digest in old.keys {
            blobs[digest] = nil
            blobNeededAt[digest] = nil
            blobTroubles[digest] = nil
        }
        // Those on their way, too: their parts lie in the same folder.
        out.add(.keepBlobs(blobs.keys.sorted()))
    }

    private mutating func noteNeededBlobs(_ now: Timestamp) {
        lastBlobNote = now
        for place in state.tasks.indices where !state.tasks[place].stage.isOver {
            for input in state.tasks[place].unit?.blobs ?? [] { blobNeededAt[input.digest] = now }
        }
    }

    func inputsAreHere(_ task: HeldTask) -> Bool {
        guard let unit = task.unit, unit.program == nil || unit.program?.file != nil else { return false }
        return unit.blobs.allSatisfy { blobs[$0.digest] == .present }
    }
}

extension UnitSummary {
    /// - Throws: `.outOfRange` for an input that is none.
    init(_ body: WireWorkUnitBody) throws(WireError) {
        var inputs: [Input] = []
        for message in body.inputs {
            let input = try message.domain()
            inputs.append(
                Input(name: input.name, digest: input.digest, size: input.size, packing: input.packing))
        }
        if !body.dictionarySha256.isEmpty {
            guard let digest = Digest(bytes: body.dictionarySha256) else {
                throw .outOfRange(field: "dictionary_sha256")
            }
            inputs.append(Input(name: UnitSummary.dictionaryName, digest: digest, size: nil, packing: .plain))
        }
        self.init(
            label: body.label, app: body.app, appVersion: Int(body.appVersion), flopsBound: body.flopsBound,
            memoryBytes: Int64(clamping: body.memoryBytes), diskBytes: Int64(clamping: body.diskBytes),
            outputBytesMax: Int64(clamping: body.outputBytesMax), inputs: inputs,
            program: body.hasProgram
                ? UnitProgram(
                    name: body.program.name, version: body.program.version,
                    isModule: body.app == ProgramApp.wasm.rawValue)
                : nil)
    }

    /// The name under which the worker finds a unit's zstd dictionary among its files.
    public static let dictionaryName = "zstd-dictionary"
}
