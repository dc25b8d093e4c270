import Bytes
import Domain
import Engine

/// The model in motion: hosts call, get tasks by `Engine.Scheduler`, report or vanish; units end by quorum.
struct FleetRun {
    private enum Event {
        /// A core has finished; its place is the host's, the task carries the rest.
        case done(host: Int32, generation: Int32, unit: Int32, seconds: Float, fate: Fate)
        case expired(host: Int32, generation: Int32, unit: Int32)
        case call(host: Int32, generation: Int32)
        case leave(host: Int32, generation: Int32)
    }

    private enum Fate: UInt8 {
        case good, wrong, failed
        /// Its deadline has passed by then.
        case late, lateAndLost
    }

    private let options: FleetOptions
    private var report: FleetReport
    private var hosts: [FleetHost] = []
    private var generations: [Int32]
    private var queue: FleetQueue<Event>
    private var units: FleetUnits
    private var draws: Draws
    private var now = 0.0
    private var ended = 0
    /// Hosts that wait for a task, and how far the list was served.
    private var parked: [Int32] = []
    private var capacityTime = 0.0

    init(_ options: FleetOptions) {
        self.options = options
        report = FleetReport(options)
        draws = Draws(seed: options.seed, purpose: 0xF1)
        generations = [Int32](repeating: 0, count: options.hosts)
        queue = FleetQueue(seconds: Double(options.days) * 3 * 86_400 + 10 * options.deadline)
        for place in 0..<options.hosts { hosts.append(FleetHost(place: place, options, &draws, now: 0)) }
        let capacity = hosts.reduce(0) { $0 + $1.capacity }
        let work = capacity * Double(options.days) * 86_400
        let count = max(1, Int(work / (options.unitFlops * Double(options.quorum))))
        units = FleetUnits(count: count, quorum: options.quorum)
        report.hostsEver = options.hosts
    }

    /// - Parameter progress: told the simulated days, now and then.
    mutating func run(progress: (Double) -> Void) -> FleetReport {
        for place in hosts.indices { welcome(place) }
        var told = 0.0
        while ended < units.toMake, let (at, event) = queue.next() {
            report.events += 1
            now = max(now, at)
            happen(event)
            if now - told > 30 * 86_400 {
                told = now
                progress(now / 86_400)
            }
        }
        report.makespan = now
        report.unitsOpen = units.toMake - ended
        for host in hosts {
            capacityTime += host.capacity * max(0, min(now, host.leavesAt) - host.joinedAt)
            if !host.hadTask { report.hostsUnused += 1 }
        }
        let work = Double(report.units + report.unitsFailed) * Double(options.quorum) * options.unitFlops
        report.lowerBound = capacityTime > 0 ? work / capacityTime * now : 0
        return report
    }

    private mutating func welcome(_ place: Int) {
        let host = hosts[place]
        queue.plan(.call(host: Int32(place), generation: generations[place]), at: host.joinedAt)
        queue.plan(.leave(host: Int32(place), generation: generations[place]), at: host.leavesAt)
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .call(let host, let generation):
            guard generations[Int(host)] == generation else { return }
            fetch(Int(host))
        case .done(let host, let generation, let unit, let seconds, let fate):
            done(Int(host), generation, unit, Double(seconds), fate)
        case .expired(let host, let generation, let unit):
            report.tasksMissed += 1
            if generations[Int(host)] == generation { hosts[Int(host)].errors += 1 }
            units[unit].out -= 1
            settle(unit)
            units.release(unit)
        case .leave(let host, let generation):
            guard generations[Int(host)] == generation else { return }
            leave(Int(host))
        }
    }

    private mutating func leave(_ place: Int) {
        let old = hosts[place]
        capacityTime += old.capacity * (old.leavesAt - old.joinedAt)
        if !old.hadTask { report.hostsUnused += 1 }
        generations[place] += 1
        hosts[place] = FleetHost(place: place, options, &draws, now: old.leavesAt)
        report.hostsEver += 1
        welcome(place)
    }

    // MARK: Results

    private mutating func done(_ place: Int, _ generation: Int32, _ unit: Int32, _ seconds: Double, _ fate: Fate) {
        let flops = options.unitFlops
        guard generations[place] == generation else {
            // It left with its host, and its deadline is an event of its own.
            report.wastedFlops += flops / 2
            return
        }
        hosts[place].held -= 1
        switch fate {
        case .late, .lateAndLost:
            report.resultsLate += 1
            if units[unit].isOver || fate == .lateAndLost {
                report.wastedFlops += flops
            } else {
                good(place, unit, seconds)
            }
        case .failed:
            report.tasksFailed += 1
            report.wastedFlops += flops / 2
            hosts[place].errors += 1
            units[unit].out -= 1
            settle(unit)
        case .wrong:
            report.resultsWrong += 1
            report.wastedFlops += flops
            hosts[place].invalid += 1
            units[unit].out -= 1
            settle(unit)
        case .good:
            units[unit].out -= 1
            if units[unit].isOver {
                report.resultsLate += 1
                report.wastedFlops += flops
                hosts[place].valid += 1
            } else {
                good(place, unit, seconds)
            }
        }
        units.release(unit)
        fetch(place)
    }

    private mutating func good(_ place: Int, _ unit: Int32, _ seconds: Double) {
        report.usefulFlops += options.unitFlops
        hosts[place].valid += 1
        hosts[place].measured = HostSpeed.updated(
            hosts[place].measured, flops: options.unitFlops, wallSeconds: seconds)
        units[unit].good += 1
        settle(unit)
    }

    /// More tasks where fewer are out or waiting than the quorum still needs; the end when it is there or out of reach.
    private mutating func settle(_ unit: Int32) {
        guard !units[unit].isOver else { return }
        let state = units[unit]
        if Int(state.good) >= options.quorum {
            units[unit].isOver = true
            end(failed: false)
            return
        }
        var coming = Int(state.good) + Int(state.out) + Int(state.unsent)
        var tasks = state.holders.count + Int(state.unsent)
        while coming < options.quorum, tasks < options.maxTotal {
            units.addTask(of: unit)
            coming += 1
            tasks += 1
            wakeOne()
        }
        if coming < options.quorum {
            units[unit].isOver = true
            end(failed: true)
        }
    }

    private mutating func end(failed: Bool) {
        ended += 1
        if failed { report.unitsFailed += 1 } else { report.units += 1 }
        if ended * 100 <= units.toMake * 99 { report.nearlyAll = now }
    }

    private mutating func wakeOne() {
        while let place = parked.popLast() {
            guard hosts[Int(place)].isParked else { continue }
            hosts[Int(place)].isParked = false
            queue.plan(.call(host: place, generation: generations[Int(place)]), at: now + 600)
            return
        }
    }
}

extension FleetRun {
    // MARK: Work

    /// A call: as many tasks as its cores have room for, each behind the one that runs.
    private mutating func fetch(_ place: Int) {
        units.dropEnded()
        units.fill(256)
        let want = 2 * Int(hosts[place].cores) - Int(hosts[place].held)
        guard want > 0 else { return }
        let found = units.candidates(notOf: hosts[place].volunteer, limit: min(want, 16))
        let candidates = found.enumerated().map { at, _ in
            Candidate(
                id: TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: Int64(at)), ordinal: 0),
                app: "fleet", flops: options.unitFlops, flopsBound: options.unitFlops * 10, memoryBytes: 1 << 28,
                diskBytes: 1 << 20, outputBytesMax: 1 << 20, deadlineSpan: TimeSpan(seconds: options.deadline))
        }
        let queued = hosts[place].lanes.reduce(0) { $0 + max(0, $1.freeAt - now) }
        let choice = Scheduler.choose(
            candidates, host: hosts[place].view(place),
            want: WorkRequest(
                tasks: want, seconds: 0,
                queuedSeconds: queued * hosts[place].availability / Double(hosts[place].cores)),
            now: Timestamp(milliseconds: Int64(now * 1000)))
        // In the order of the queue, since a place that is taken is filled from the head.
        for chosen in choice.tasks { send(units.take(place: found[Int(chosen.id.unit.index)]), to: place) }
        if hosts[place].held == 0 { park(place, isTooSlow: choice.refusals.contains { $0.reason == .deadline }) }
    }

    private mutating func park(_ place: Int, isTooSlow: Bool) {
        if isTooSlow {
            // It looks again when its measured speed may have changed, which needs a day at least.
            queue.plan(.call(host: Int32(place), generation: generations[place]), at: now + 30 * 86_400)
        } else if !hosts[place].isParked {
            hosts[place].isParked = true
            parked.append(Int32(place))
        }
    }

    private mutating func send(_ unit: Int32, to place: Int) {
        report.tasksSent += 1
        hosts[place].held += 1
        hosts[place].hadTask = true
        units[unit].holders.append(hosts[place].volunteer)
        units[unit].out += 1
        var lane = 0
        for other in hosts[place].lanes.indices where hosts[place].lanes[other].freeAt < hosts[place].lanes[lane].freeAt
        {
            lane = other
        }
        hosts[place].lanes[lane].freeAt = max(hosts[place].lanes[lane].freeAt, now)
        var seconds = options.unitFlops / hosts[place].speed * (0.9 + 0.2 * draws.unit())
        if draws.chance(oneIn: 50) { seconds *= 3 }
        var fate = Fate.good
        if draws.chance(oneIn: 100) {
            fate = .failed
            seconds *= draws.unit()
        } else if draws.chance(oneIn: 1000) {
            fate = .wrong
        }
        let end = hosts[place].compute(seconds, on: lane)
        let generation = generations[place]
        // Within the last minute the host's leaving may come first: events are in order by the minute only.
        let isGone = end > hosts[place].leavesAt - 60
        if end > now + options.deadline || isGone {
            queue.plan(.expired(host: Int32(place), generation: generation, unit: unit), at: now + options.deadline)
            units[unit].references += 1
            fate = fate == .good ? .late : .lateAndLost
        }
        if isGone {
            // The deadline's event alone lets go of the unit.
            units[unit].references -= 1
        }
        queue.plan(
            .done(host: Int32(place), generation: generation, unit: unit, seconds: Float(seconds), fate: fate), at: end)
    }
}

extension Simulator {
    /// Runs the abstract model of a fleet.
    ///
    /// - Parameter progress: told the simulated days, about once a month.
    public static func fleet(_ options: FleetOptions, progress: (Double) -> Void = { _ in }) -> FleetReport {
        var run = FleetRun(options)
        return run.run(progress: progress)
    }
}
