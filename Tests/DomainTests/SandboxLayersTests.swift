import Domain
import Testing

@Suite("Layers of a sandbox")
struct SandboxLayersTests {
    static func layers(_ active: Set<SandboxLayer>, landlock: Int = 0) -> SandboxLayers {
        SandboxLayers(
            SandboxLayer.allCases.map { .init($0, isActive: active.contains($0), detail: "because") },
            landlockVersion: landlock)
    }

    @Test("A demand is met exactly when nothing of it is missing, for all sets of six layers")
    func exhaustive() {
        let some: [SandboxLayer] = [
            .noNewPrivileges, .seccomp, .resourceLimits, .landlock, .mountNamespace, .userNamespace,
        ]
        for bits in 0..<64 {
            let active = Set(some.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element))
            let layers = Self.layers(active, landlock: 3)
            for other in 0..<64 {
                let demand = SandboxDemand(Set(some.enumerated().filter { other >> $0.offset & 1 == 1 }.map(\.element)))
                let missing = demand.layers.subtracting(active)
                let words = layers.shortfall(of: demand)
                #expect((words == nil) == missing.isEmpty)
                for layer in missing { #expect(words?.contains("\(layer.rawValue) (because)") == true) }
            }
            let kernel = active.isSuperset(of: [.noNewPrivileges, .seccomp, .resourceLimits])
            let files = active.contains(.landlock) || active.contains(.mountNamespace)
            #expect((layers.shortfall(of: .kernel) == nil) == (kernel && files))
            #expect(layers.shortfall(of: .nothing) == nil)
        }
    }

    @Test("A program needs every layer but a control group")
    func program() {
        let all = Set(SandboxLayer.allCases)
        #expect(Self.layers(all.subtracting([.controlGroup]), landlock: 1).shortfall(of: .program) == nil)
        for layer in SandboxLayer.allCases where layer != .controlGroup {
            let words = Self.layers(all.subtracting([layer]), landlock: 1).shortfall(of: .program)
            #expect(words?.contains(layer.rawValue) == true, "\(layer)")
        }
    }

    @Test("A version of Landlock is demanded, and told when it is too old")
    func landlockVersion() throws {
        let demand = try SandboxDemand(words: ["landlock:4"])
        for (version, isEnough) in [(1, false), (3, false), (4, true), (7, true)] {
            let words = Self.layers([.landlock], landlock: version).shortfall(of: demand)
            #expect((words == nil) == isEnough)
            if !isEnough { #expect(words == "version 4 of landlock (there is \(version))") }
        }
        #expect(Self.layers([], landlock: 7).shortfall(of: demand) == "landlock (because)")
    }

    @Test("Words of a demand are read as they are written; others are refused by name")
    func words() throws {
        for layer in SandboxLayer.allCases where layer != .controlGroup {
            let demand = try SandboxDemand(words: [layer.rawValue])
            #expect(demand.layers == [layer] && demand.words == [layer.rawValue])
        }
        let both = try SandboxDemand(words: ["landlock:3", "landlock:2", "seccomp"])
        #expect(both.landlockVersion == 3 && both.words == ["seccomp", "landlock:3"])
        for word in ["", "magic", "landlock:", "landlock:0", "landlock:x", "seccomp:2", "control-group"] {
            #expect { _ = try SandboxDemand(words: [word]) } throws: { error in
                (error as? Fault)?.kind == .badData && (error as? Fault)?.message.contains("\"\(word)\"") == true
            }
        }
    }

    @Test("Two demands together demand what each does")
    func joined() throws {
        let joined = SandboxDemand.kernel.joined(with: try SandboxDemand(words: ["network-namespace", "landlock:5"]))
        #expect(joined.layers.isSuperset(of: [.networkNamespace, .landlock, .seccomp]))
        #expect(joined.landlockVersion == 5 && joined.oneOf == SandboxDemand.kernel.oneOf)
        #expect(joined.joined(with: joined) == joined)
    }

    @Test("What is said of a layer last is what holds")
    func set() {
        var layers = Self.layers([.seccomp])
        layers.set(.init(.seccomp, isActive: false, detail: "gone"))
        #expect(layers.states.filter { $0.layer == .seccomp }.map(\.detail) == ["gone"])
        #expect(layers.states.map(\.layer) == SandboxLayer.allCases)
    }
}
