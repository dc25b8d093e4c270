import Simulation
import Testing

@Suite("Options")
struct OptionTests {
    @Test("Text and options are one to one")
    func roundTrip() throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            var options = SimOptions.swarm(seed: seed)
            if seed % 3 == 0 { options.plant = .dropsReport }
            if seed % 5 == 0 { options.lastStep = 17 }
            #expect(try SimOptions(text: options.text) == options)
        }
    }

    @Test(
        "What says nothing is refused",
        arguments: [
            "", "honest", "honest=x", "honest=-1", "martian=3", "honest=1 faults=fire", "honest=1 units=0",
            "honest=1 quorum=3 total=2", "honest=1 total=33", "honest=1 plant=daisy", "honest=1 check=2",
            "honest=1 last=0", "honest=99999999",
        ])
    func refused(text: String) {
        #expect(throws: OptionError.self) { try SimOptions(text: text) }
    }

    @Test("The swarm tries every kind of host and fault, and leaves each out")
    func swarmCovers() {
        let all = (1...300 as ClosedRange<UInt64>).map { SimOptions.swarm(seed: $0) }
        for kind in PopulationKind.allCases where kind != .honest {
            #expect(all.contains { $0[kind] > 0 } && all.contains { $0[kind] == 0 }, "\(kind)")
        }
        for fault in ChaosKind.allCases {
            #expect(all.contains { $0.faults.contains(fault) } && all.contains { !$0.faults.contains(fault) })
        }
    }
}
