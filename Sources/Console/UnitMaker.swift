import Bytes
import Domain
import FoundationEssentials
import Wire
import WorkerHost

/// Splits a project as the server does, and makes the signed container of one unit.
struct UnitMaker {
    let packed: PackedProject
    let servant: WorkerServant

    /// The split as far as it was followed.
    struct Plan {
        var unit: WireUnitDraftMessage
        var appVersion: UInt32
        var unitCount: Int
        var flops: Double
        /// The unit's FLOPs as the app counts them, whatever the manifest says.
        var appFlops: Double
        /// False when the count stopped at `secondsMax`: there are more units than that.
        var isComplete: Bool
    }

    private static let draftsPerJob = 200

    /// - Parameter index: the unit to make, from 0.
    /// - Parameter secondsMax: how long to go on counting after the unit was found.
    /// - Throws: `.usage` when there are fewer units; what the splitter refuses.
    func plan(index: Int, secondsMax: Double, pause: any Pause) throws(Fault) -> Plan {
        var cursor: [UInt8] = []
        var plan: Plan?
        var (count, flops) = (0, 0.0)
        let began = pause.now
        while true {
            let reply = try split(from: cursor)
            if index < count + reply.drafts.count, index >= count {
                let draft = reply.drafts[index - count]
                plan = Plan(
                    unit: draft, appVersion: reply.appVersion, unitCount: 0, flops: 0,
                    appFlops: try appFlops(at: index - count, after: cursor) ?? draft.flops, isComplete: false)
            }
            count += reply.drafts.count
            flops += reply.drafts.reduce(0) { $0 + $1.flops }
            let next = Array(reply.cursor)
            let tired = plan != nil && pause.now - began > secondsMax
            if reply.finished || tired {
                guard var found = plan else {
                    throw Fault(
                        .usage, "there is no unit \(index): the project has \(Amounts.count(UInt64(count), "unit"))",
                        advice: "Units are numbered from 0.")
                }
                found.unitCount = count
                found.flops = flops
                found.isComplete = reply.finished
                return found
            }
            guard next != cursor, !reply.drafts.isEmpty, count <= Limits.workUnitsPerBatchMax else {
                throw Fault(
                    .badData, "the splitter does not come to an end after \(count) units",
                    advice: "Raise split.steps_per_unit.")
            }
            cursor = next
        }
    }

    /// Makes the first unit only, and its container.
    ///
    /// - Throws: what the app refuses.
    func checkFirstUnit() throws(Fault) {
        let reply = try split(from: [], limit: 1)
        guard let draft = reply.drafts.first else {
            throw Fault(.badData, "the app makes no work unit of this project")
        }
        _ = try container(
            Plan(
                unit: draft, appVersion: reply.appVersion, unitCount: 1, flops: draft.flops, appFlops: draft.flops,
                isComplete: false),
            index: 0)
    }

    /// Asks the app for the first unit, and takes no look at it.
    ///
    /// - Throws: what the app refuses.
    func checkSplit() throws(Fault) {
        _ = try split(from: [], limit: 1)
    }

    /// - Returns: nil when the manifest does not say otherwise.
    private func appFlops(at place: Int, after cursor: [UInt8]) throws(Fault) -> Double? {
        // A project's own program is counted by nobody else.
        guard packed.project.spec.resources.flopsPerStep != nil, packed.project.spec.program == nil else { return nil }
        let drafts = try split(from: cursor, ownCount: true).drafts
        return place < drafts.count ? drafts[place].flops : nil
    }

    /// - Parameter ownCount: whether the app counts FLOPs itself, whatever the manifest says.
    private func split(
        from cursor: [UInt8], limit: Int = draftsPerJob, ownCount: Bool = false
    ) throws(Fault) -> WireSplitReply {
        var split = WireSplitJob()
        split.context = packed.appContext
        if ownCount { split.context.clearFlopsPerStep() }
        split.cursor = Data(cursor)
        split.limit = UInt32(limit)
        var job = WireWorkerJob()
        job.split = split
        switch try servant.perform(job, timeoutSeconds: 600).reply {
        case .split(let reply): return reply
        case .failure(let failure): throw failure.fault
        default: throw Fault(.software, "the worker answered another question than for a split")
        }
    }

    /// The unit as a volunteer gets it, signed with a key made for this one run and verified with its public half.
    func container(_ plan: Plan, index: Int) throws(Fault) -> (bytes: [UInt8], body: WireWorkUnitBody) {
        let spec = packed.project.spec
        guard plan.unit.flops > 0, plan.unit.flops <= Limits.flopsMax else {
            throw Fault(
                .badData, "unit \(index) has \(plan.unit.flops) FLOPs", advice: "Check resources.flops_per_step.")
        }
        var body = WireWorkUnitBody()
        body.unitID = UInt64(WorkUnitID(batch: BatchID(rawValue: 1), index: Int64(index)).rawValue)
        body.project = spec.name
        body.label = plan.unit.label
        body.app = spec.app
        body.appVersion = plan.appVersion
        body.flops = plan.unit.flops
        body.flopsBound = plan.unit.flops * spec.resources.flopsBoundFactor
        body.memoryBytes = UInt64(spec.resources.memoryBytes)
        body.diskBytes = UInt64(spec.resources.diskBytes)
        body.outputBytesMax = UInt64(spec.resources.outputBytes)
        body.inputs = packed.inputs.filter { spec.goesToVolunteers($0.reference.name) }.map {
            WireInputRef($0.reference)
        }
        if let program = spec.program { body.program = WireProgramRef(program) }
        do throws(WireError) {
            var sections: [WireSection] = []
            for section in plan.unit.sections {
                let raw = try SectionCodec.unpack(section, limit: Limits.sectionBytesMax)
                sections.append(try SectionCodec.pack(name: section.name, kind: section.kind, bytes: raw))
            }
            body.sections = sections
            let key = SigningKey()
            let bytes = try UnitContainer.encode(body, key: key)
            guard bytes.count <= Limits.workUnitBytesMax else {
                throw WireError.tooLarge(field: "the work unit", limit: Limits.workUnitBytesMax)
            }
            return (bytes, try UnitContainer.decode(bytes, key: key.publicKey))
        } catch {
            throw Fault(.badData, "unit \(index): \(error)", advice: "Lower split.steps_per_unit.")
        }
    }
}
