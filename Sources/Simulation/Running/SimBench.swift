/// How fast the simulator is: events a second of one core, by mix.
public struct SimBench {
    public struct Mix: Hashable, Sendable {
        public var name: String
        public var seeds: ClosedRange<UInt64>
        /// nil: swarm.
        public var options: SimOptions?
    }

    public struct Line: Hashable, Sendable {
        public var name: String
        public var events: Int
        public var calls: Int
        public var simulatedSeconds: Double
        public var wallSeconds: Double
        public var cpuSeconds: Double

        public var eventsPerSecond: Double { cpuSeconds > 0 ? Double(events) / cpuSeconds : 0 }
    }

    /// Hosts that compute most of the time; everything at once; what `run --swarm` does.
    public static var mixes: [Mix] {
        var busy = SimOptions()
        for kind in PopulationKind.allCases { busy[kind] = 0 }
        busy[.honest] = 12
        busy.units = 60
        busy.unitSeconds = 600
        busy.deadline = 14_400
        var calm = busy
        calm.faults = []
        return [
            Mix(name: "busy hosts, no faults", seeds: 1...2, options: calm),
            Mix(name: "busy hosts, all faults", seeds: 1...2, options: busy),
            Mix(name: "every population, all faults", seeds: 1...6, options: SimOptions()),
            Mix(name: "swarm", seeds: 1...40, options: nil),
        ]
    }

    /// - Parameters:
    ///   - wall: seconds of a clock on the wall. - cpu: CPU seconds of this process.
    public static func run(_ mix: Mix, wall: () -> Double, cpu: () -> Double) throws -> Line {
        let (wallBefore, cpuBefore) = (wall(), cpu())
        let total = try SeedSweep(seeds: mix.seeds, options: mix.options).run()
        return Line(
            name: mix.name, events: total.events, calls: total.calls, simulatedSeconds: total.simulatedSeconds,
            wallSeconds: wall() - wallBefore, cpuSeconds: cpu() - cpuBefore)
    }
}
