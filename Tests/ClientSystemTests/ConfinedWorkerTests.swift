import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import Wire
import WorkerHost

/// The worker that computes kernels, shut in and not, with layers missing.
@Suite("Confined workers", .enabled(if: Files.exists(WorkerProgramFixture.worker)))
struct ConfinedWorkerTests {
    static let isThere: Bool = {
        let answer = try? SandboxAnswer.ask(worker: WorkerProgramFixture.worker)
        return answer.map { $0.kernel.shortfall(of: .kernel) == nil } ?? false
    }()

    static func sections(_ fixture: WorkerProgramFixture, _ name: String) throws -> [WireSection] {
        try fixture.result(of: name).sections
    }

    @Test("The bits of a result are the same with the sandbox, with parts of it, and without")
    func sameBits() throws {
        let fixture = try WorkerProgramFixture()
        let kinds: [(String, WorkerSandbox)] = [
            ("whole", WorkerSandbox()), ("none", WorkerSandbox(isOn: false)),
            ("without-landlock", WorkerSandbox(leftOut: [.landlock])),
            ("without-namespaces", WorkerSandbox(leftOut: [.userNamespace])),
        ]
        for (name, sandbox) in kinds {
            let exit = try fixture.start(name, sandbox: sandbox).wait()
            if sandbox.isOn && !Self.isThere {
                #expect(exit.exit.code == 78)
                return
            }
            #expect(exit.exit.code == 0, "\(name): \(exit.lastWords)")
            #expect(exit.lastWords.isEmpty, "\(name): \(exit.lastWords)")
            #expect(try Self.sections(fixture, name) == Self.sections(fixture, "whole"), "\(name)")
        }
    }

    @Test("With too little left, or less than is demanded, nothing is computed, and what is missing is told")
    func refusals() throws {
        let fixture = try WorkerProgramFixture()
        let kinds: [(String, WorkerSandbox, String)] = [
            (
                "no-files", WorkerSandbox(leftOut: [.landlock, .userNamespace]),
                "any of mount-namespace (left out), landlock"
            ),
            ("no-seccomp", WorkerSandbox(leftOut: [.seccomp]), "seccomp (left out)"),
            (
                "demand", WorkerSandbox(demand: SandboxDemand([.networkNamespace]), leftOut: [.userNamespace]),
                "network-namespace (left out)"
            ),
            ("version", WorkerSandbox(demand: SandboxDemand([.landlock], landlockVersion: 999)), "landlock"),
        ]
        for (name, sandbox, words) in kinds {
            let exit = try fixture.start(name, sandbox: sandbox).wait()
            #expect(exit.exit.code == 78, "\(name): \(exit)")
            #expect(exit.lastWords.contains(words), "\(name): \(exit.lastWords)")
            #expect(!Files.exists("\(fixture.folder.path)/\(name)/result"))
        }
    }

    @Test("Stopped, continued and asked to leave while shut in, it saves and goes on", .enabled(if: isThere))
    func signals() throws {
        let fixture = try WorkerProgramFixture()
        let run = try fixture.start("unit")
        #expect(eventually { (Files.size(fixture.folder.path + "/unit/lock") ?? 0) > 0 })
        run.suspend()
        #expect(eventually { run.poll() != nil || WorkerRunTests.state(run.pid) == "T" })
        run.resume()
        #expect(eventually { run.poll() != nil || WorkerRunTests.state(run.pid) != "T" })
        run.terminate()
        let first = run.wait().exit.code
        #expect(first == 75 || first == 0)
        if first == 75 { #expect(Files.exists(fixture.folder.path + "/unit/checkpoint")) }
        #expect(try fixture.start("unit").wait().exit.code == 0)
        #expect(try fixture.start("fresh").wait().exit.code == 0)
        #expect(try Self.sections(fixture, "unit") == Self.sections(fixture, "fresh"))
    }

    @Test(
        "Namespaces that the system really does not give are missed by name, and Landlock keeps files",
        .enabled(if: isThere))
    func realAbsence() throws {
        let folder = try TemporaryFolder()
        // Inside of a namespace of its own, its root may forbid further ones.
        let script = try folder.script(
            "without",
            "exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"' "
                + "\(WorkerProgramFixture.worker) \"$@\"")
        guard let answer = try? SandboxAnswer.ask(worker: script) else {
            // Where nobody may make namespaces, this way of testing is not there.
            return
        }
        #expect(!answer.program.isActive(.userNamespace))
        let words = try #require(answer.program.shortfall(of: .program))
        #expect(words.contains("no namespaces"))
        #expect(answer.kernel.isActive(.seccomp))
        #expect(answer.kernel.landlockVersion == 0 || answer.kernel.isActive(.landlock))
    }

    @Test("A client takes work by what its sandbox has and says what it lacks")
    func rules() throws {
        func layers(_ active: Set<SandboxLayer>) -> SandboxLayers {
            SandboxLayers(
                SandboxLayer.allCases.map { .init($0, isActive: active.contains($0)) }, landlockVersion: 3)
        }
        let all = Set(SandboxLayer.allCases)
        let full = SandboxAnswer(kernel: layers(all), program: layers(all))
        let small = SandboxAnswer(
            kernel: layers([.noNewPrivileges, .seccomp, .resourceLimits, .landlock]), program: layers([.seccomp]))
        let network = SandboxDemand([.networkNamespace])
        #expect(SandboxRule.objection(to: .nothing, isProgram: false, in: full) == nil)
        #expect(SandboxRule.objection(to: .nothing, isProgram: true, in: full) == nil)
        #expect(SandboxRule.objection(to: network, isProgram: false, in: full) == nil)
        #expect(SandboxRule.objection(to: .nothing, isProgram: false, in: small) == nil)
        #expect(SandboxRule.objection(to: network, isProgram: false, in: small)?.hasSuffix("network-namespace") == true)
        #expect(SandboxRule.objection(to: .nothing, isProgram: true, in: small) != nil)
        // Without a sandbox: kernels only, and only those that demand none.
        #expect(SandboxRule.objection(to: .nothing, isProgram: false, isOn: false, in: full) == nil)
        #expect(SandboxRule.objection(to: network, isProgram: false, isOn: false, in: full) != nil)
        #expect(SandboxRule.objection(to: .nothing, isProgram: true, isOn: false, in: small) != nil)
        let lacking = ClientStatus.Sandbox(isOn: true, layers: layers([]), lacking: "seccomp")
        #expect(SandboxRule.refusal(lacking)?.kind == .configuration)
        #expect(SandboxRule.refusal(lacking)?.advice?.contains("--no-sandbox") == true)
        #expect(SandboxRule.refusal(ClientStatus.Sandbox(isOn: false, layers: layers([]), lacking: "seccomp")) == nil)
        #expect(SandboxRule.refusal(ClientStatus.Sandbox(isOn: true, layers: layers(all), lacking: nil)) == nil)
    }
}
