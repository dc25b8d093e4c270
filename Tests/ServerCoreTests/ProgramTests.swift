import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Synchronization
import Testing
import Wire

@Suite("Batches whose work units a program of the project's own computes")
struct ProgramTests {
    private static let program = ProjectProgram(
        releases: "releases", name: "solver", version: "1.0", arguments: ["--order", "4"], fuel: 0,
        results: [ProgramResult(file: "text")])

    /// What a site's releases say, changed by a test.
    private final class Shelf: Sendable {
        let listing = Mutex<ProgramListing>(.denied("no releases are published at this server"))
        let asked = Mutex<[String]>([])

        func set(_ new: ProgramListing) { listing.withLock { $0 = new } }
    }

    private static func site(_ shelf: Shelf, app: String = "executable") throws -> TestSite {
        var spec = ProjectSpec.sample(quorum: 1, checkEach: false)
        spec.app = app
        spec.program = program
        if app == "wasm" { spec.program?.fuel = 1000 }
        let site = try TestSite(units: 4, quorum: 1, checkEach: false)
        site.spec = spec
        let (settings, manifest) = (site.core.settings, spec)
        site.core = ProjectServer(
            settings: settings, keys: site.core.keys, blobs: site.blobs,
            programs: { name, version, _ in
                shelf.asked.withLock { $0.append("\(name) \(version)") }
                return shelf.listing.withLock { $0 }
            }, spec: { _ in manifest })
        return site
    }

    private static func reply(
        _ volunteer: TestVolunteer, _ platforms: [String], app: String = "executable"
    ) throws -> WireSchedulerReply {
        var request = volunteer.request(want: 10)
        request.apps = ["\(app)/1", "sample-app/1"]
        request.programPlatforms = platforms
        return try volunteer.call(request).get()
    }

    @Test("A unit names its program, and a job of the worker describes it")
    func split() throws {
        let shelf = Shelf()
        shelf.set(.listed(["any"]))
        let site = try Self.site(shelf)
        let batch = try site.submit()
        let job = try #require(try site.tick().first).message.split
        #expect(try job.context.projectProgram() == Self.program)
        site.restart()
        try site.work()
        let units = try site.store.transaction { tx in try tx.workUnits(of: batch, fromIndex: 0, limit: 10) }
        #expect(units.count == 4)
        for unit in units {
            let container = try site.blobs.read(unit.unit.container, limit: Limits.workUnitBytesMax)
            let body = try UnitContainer.decode(container, key: site.core.keys.project.publicKey)
            #expect(body.program == WireProgramRef(Self.program))
            #expect(body.app == "executable" && body.inputs.map(\.name) == ["photons"])
        }
    }

    @Test("A table whose rows are in the units goes to no volunteer")
    func rows() throws {
        let shelf = Shelf()
        shelf.set(.listed(["any"]))
        let site = try Self.site(shelf)
        var spec = site.spec
        spec.parameters = [Parameter(name: "rows", value: .text("photons"))]
        site.spec = spec
        let changed = spec
        site.core = ProjectServer(
            settings: site.core.settings, keys: site.core.keys, blobs: site.blobs,
            programs: { _, _, _ in .listed(["any"]) }, spec: { _ in changed })
        let batch = try site.submit()
        #expect(try #require(try site.tick().first).message.split.context.inputs.map(\.ref.name) == ["photons"])
        site.restart()
        try site.work()
        let unit = try #require(
            try site.store.transaction { tx in try tx.workUnits(of: batch, fromIndex: 0, limit: 1) }.first)
        let container = try site.blobs.read(unit.unit.container, limit: Limits.workUnitBytesMax)
        #expect(try UnitContainer.decodeUnverified(container).inputs.isEmpty)
    }

    @Test("Only hosts that run the program on a released platform are offered tasks, others are told why")
    func scheduling() throws {
        let shelf = Shelf()
        shelf.set(.listed(["aarch64-linux", "any", "wasm"]))
        let site = try Self.site(shelf)
        _ = try site.submit()
        try site.work()
        let none = try Self.reply(try TestVolunteer(site, "Ada"), [])
        #expect(none.tasks.isEmpty)
        // The file for wasm is not for this app.
        #expect(none.noWorkReasons.count == 1)
        #expect(none.noWorkReasons[0].contains("solver 1.0 (aarch64-linux, any)"), "\(none.noWorkReasons)")
        #expect(none.noWorkReasons[0].hasSuffix("this host starts no programs of projects"))
        let other = try Self.reply(try TestVolunteer(site, "Grace"), ["wasm", "x86_64-linux"])
        #expect(other.tasks.isEmpty && other.noWorkReasons[0].contains("this host starts those for wasm, x86_64-linux"))
        let right = try Self.reply(try TestVolunteer(site, "Emmy"), ["any", "x86_64-linux"])
        #expect(right.tasks.count == 4 && shelf.asked.withLock { $0 }.allSatisfy { $0 == "solver 1.0" })
    }

    @Test("A module goes only to hosts that run modules")
    func modules() throws {
        let shelf = Shelf()
        shelf.set(.listed(["any", "wasm"]))
        let site = try Self.site(shelf, app: "wasm")
        _ = try site.submit()
        try site.work()
        #expect(try Self.reply(try TestVolunteer(site, "Ada"), ["any"], app: "wasm").tasks.isEmpty)
        #expect(try Self.reply(try TestVolunteer(site, "Emmy"), ["wasm"], app: "wasm").tasks.count == 4)
    }

    @Test("A program that is withdrawn, or whose list is too old, waits, and goes on when it is listed again")
    func withdrawn() throws {
        let shelf = Shelf()
        shelf.set(.listed(["any"]))
        let site = try Self.site(shelf)
        _ = try site.submit()
        try site.work()
        let volunteer = try TestVolunteer(site, "Ada")
        shelf.set(.denied("too old"))
        let waiting = try Self.reply(volunteer, ["any"])
        #expect(
            waiting.noWorkReasons == [
                "4 tasks wait for a program that is in no list of releases which is valid now: solver 1.0"
            ])
        shelf.set(.listed(["any"]))
        #expect(try Self.reply(volunteer, ["any"]).tasks.count == 4)
    }

    @Test("A batch without the program's manifest holds up nobody else")
    func otherBatches() throws {
        let shelf = Shelf()
        let site = try Self.site(shelf)
        shelf.set(.listed(["any"]))
        _ = try site.submit()
        try site.work()
        site.core = ProjectServer(
            settings: site.core.settings, keys: site.core.keys, blobs: site.blobs,
            programs: { _, _, _ in .listed(["any"]) }, spec: { _ in throw Fault(.noInput, "lost") })
        let reply = try Self.reply(try TestVolunteer(site, "Ada"), ["any"])
        #expect(reply.tasks.isEmpty && reply.noWorkReasons[0].contains("whose manifest cannot be read"))
    }

    @Test("A submission is refused until its program is released for the app, with what to do")
    func submission() throws {
        let shelf = Shelf()
        let site = try Self.site(shelf)
        var request = WireSubmitRequest()
        request.inputs = [WireInputRef(site.input)]
        func refusal(_ spec: ProjectSpec) throws -> RequestRefusal? {
            switch try site.core.checkSubmit(request, spec: spec, now: site.now) {
            case .success: nil
            case .failure(let refusal): refusal
            }
        }
        let denied = try #require(try refusal(site.spec))
        #expect(denied.code == .badManifest && denied.message.contains("no releases are published at this server"))
        #expect(denied.message.contains("solver 1.0") && denied.advice.contains("publish"))
        shelf.set(.listed(["wasm"]))
        let module = try #require(try refusal(site.spec))
        #expect(module.message.contains("released for wasm") && module.advice.contains("app: wasm"))
        var wasm = site.spec
        wasm.app = "wasm"
        #expect(try refusal(wasm) == nil)
        shelf.set(.listed(["any", "x86_64-linux"]))
        #expect(try refusal(site.spec) == nil)
        let binary = try #require(try refusal(wasm))
        #expect(binary.message.contains("runs only modules") && binary.advice.contains("app: executable"))
        // Without a program nothing is asked.
        shelf.set(.denied("none"))
        var plain = site.spec
        plain.program = nil
        plain.app = "sample-app"
        #expect(try refusal(plain) == nil)
    }

    @Test("Platforms that are none refuse the call")
    func fields() throws {
        let site = try Self.site(Shelf())
        for platforms in [[String](repeating: "any", count: 9), ["Any"], ["a b"], [""]] {
            var request = WireSchedulerRequest()
            request.profile = TestVolunteer.profile
            request.programPlatforms = platforms
            let refusal = #expect(throws: RequestRefusal.self) {
                try site.core.checkScheduler(request, now: site.now)
            }
            #expect(refusal?.code == .badRequest && refusal?.message.hasPrefix("program_platforms") == true)
        }
    }
}
