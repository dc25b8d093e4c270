import Bytes
import Domain
import ServerCore
import Storage
import Testing
import Wire

@Suite("The scientist's comparing program among the files of a batch")
struct ComparingProgramTests {
    private static func spec() -> ProjectSpec {
        var spec = ProjectSpec.sample(quorum: 2, checkEach: false)
        spec.validation.program = InputFile(name: InputFile.comparingProgram, path: "compare.py", packing: .plain)
        spec.validation.comparison = .program(ProgramRule(program: "compare.py"))
        return spec
    }

    private static func request(_ site: TestSite, program: Bool) throws -> WireSubmitRequest {
        var request = WireSubmitRequest()
        request.inputs = [WireInputRef(site.input)]
        if program {
            let bytes = Array("#!/bin/sh".utf8)
            request.inputs.append(
                WireInputRef(
                    InputReference(
                        name: InputFile.comparingProgram, digest: try site.blobs.put(bytes), size: Int64(bytes.count),
                        packing: .plain)))
        }
        return request
    }

    @Test("A submission without it is refused, and one with a program that the manifest does not name")
    func submission() throws {
        let site = try TestSite()
        let spec = Self.spec()
        let with = try Self.request(site, program: true)
        let without = try Self.request(site, program: false)
        #expect(
            try site.core.checkSubmit(with, spec: spec, now: site.now).get().map(\.name) == [
                "photons", "comparing-program",
            ])
        #expect(throws: RequestRefusal.self) { try site.core.checkSubmit(without, spec: spec, now: site.now).get() }
        #expect(throws: RequestRefusal.self) { try site.core.checkSubmit(with, spec: site.spec, now: site.now).get() }
    }

    @Test("The worker gets it with every job, a volunteer never")
    func whoGetsIt() throws {
        let site = try TestSite()
        let request = try Self.request(site, program: true)
        let inputs = try site.core.checkSubmit(request, spec: Self.spec(), now: site.now).get()
        let batch = try site.store.transaction { tx in
            try site.core.submit(Self.spec(), manifest: site.manifest, inputs: inputs, in: tx, now: site.now).id
        }
        let split = try #require(try site.tick().first).message.split
        #expect(split.context.inputs.map(\.ref.name) == ["photons", InputFile.comparingProgram])
        site.restart()
        try site.work()
        let units = try site.store.transaction { tx in try tx.workUnits(of: batch, fromIndex: 0, limit: 100) }
        #expect(units.count == site.unitCount)
        for unit in units {
            let container = try site.blobs.read(unit.unit.container, limit: Limits.workUnitBytesMax)
            #expect(try UnitContainer.decodeUnverified(container).inputs.map(\.name) == ["photons"])
        }
    }

    /// The worker's word for it is `.negative`; from any other app it would be the server's own fault.
    @Test("Results that the program cannot judge are tried again, then agree with nothing, and nobody is blamed")
    func cannotJudge() throws {
        let site = try TestSite(units: 1, replicas: (2, 2), validation: Self.spec().validation)
        let batch = try site.submit()
        try site.work()
        let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        for volunteer in volunteers {
            try volunteer.fetch()
            try volunteer.deliver()
        }
        site.workerFailure = { "\($0)".hasPrefix("compare") ? .negative : nil }
        for _ in 0..<8 {
            try site.work()
            site.wait(100)
        }
        let rows = try site.validation(batch).units.flatMap(\.tasks)
        #expect(rows.map(\.state) == ["inconclusive", "inconclusive"])
        let hosts = try site.store.transaction { try $0.hosts() }
        #expect(hosts.allSatisfy { $0.invalidCount == 0 && $0.errorCount == 0 })
    }
}
