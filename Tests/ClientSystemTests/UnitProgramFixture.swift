import Bytes
import ClientSystem
import Domain
import Foundation
import Glibc
import Testing
import Wire
import WorkerHost

/// Units whose program is a script of the test, and the real `millrace-worker` to see to them.
final class UnitProgramFixture: Sendable {
    static let worker = WorkerProgramFixture.worker

    /// What a unit and its job are; the folder of the task is kept from run to run.
    struct Unit {
        var script: String
        var interpreter = ""
        var platform = "any"
        var needs: [String] = []
        var arguments: [String] = []
        /// File names; those with `?` may be missing.
        var results = ["out.txt"]
        var parameters = #"{"label": "unit 5", "first": 50, "count": 10}"#
        var sections: [String: String] = [:]
        /// Inputs by name.
        var inputs: [(reference: InputReference, path: String)] = []

        init(_ script: String) { self.script = "#!/bin/sh\n\(script)\n" }
    }

    let folder: TemporaryFolder
    let key = SigningKey()

    init() throws { folder = try TemporaryFolder() }

    func slot(_ name: String) -> String { "\(folder.path)/\(name)" }

    func output(_ name: String, _ file: String) -> String? { try? folder.text("\(name)/program-output/\(file)") }

    static func body(_ unit: Unit) throws -> WireWorkUnitBody {
        var body = WireWorkUnitBody()
        body.unitID = 77
        body.project = "example"
        body.label = "unit 5"
        body.app = unit.platform == ProgramApp.wasmPlatform ? "wasm" : "executable"
        body.appVersion = 1
        body.flops = 1e9
        body.flopsBound = 1e12
        body.memoryBytes = 512 << 20
        body.diskBytes = 16 << 20
        body.outputBytesMax = 1 << 20
        body.program.name = "solver"
        body.program.version = "1.0"
        body.program.arguments = unit.arguments
        let results = unit.results.map { name in
            name.hasSuffix("?") ? #"{"file": "\#(name.dropLast())", "optional": true}"# : #"{"file": "\#(name)"}"#
        }
        var sections = unit.sections
        sections["parameters.json"] = unit.parameters
        sections["results.json"] = "[\(results.joined(separator: ", "))]"
        body.sections = try sections.sorted { $0.key < $1.key }.map {
            try SectionCodec.pack(name: $0.key, kind: .elementUtf8, bytes: Array($0.value.utf8))
        }
        body.inputs = unit.inputs.map { WireInputRef($0.reference) }
        return body
    }

    func start(
        _ name: String, _ unit: Unit, sandbox: WorkerSandbox = WorkerSandbox(),
        change: (inout WireWorkUnitBody) -> Void = { _ in }, spoil: (inout WireRunJob) throws -> Void = { _ in }
    ) throws -> WorkerRun {
        var body = try Self.body(unit)
        change(&body)
        let slot = slot(name)
        try Files.makeFolder(slot)
        let container = try UnitContainer.encode(body, key: key)
        try Files.replace(slot + "/unit", with: container)
        let program = Array(unit.script.utf8)
        try Files.replace(slot + "/program", with: program)
        var job = WireRunJob()
        job.unitPath = slot + "/unit"
        job.unitSha256 = Data(SHA256Hash.digest(of: container).bytes)
        job.checkpointSeconds = 60
        job.program.path = slot + "/program"
        job.program.sha256 = Data(SHA256Hash.digest(of: program).bytes)
        job.program.platform = unit.platform
        job.program.interpreter = unit.interpreter
        job.program.needs = unit.needs
        job.inputs = unit.inputs.map {
            var input = WireLocalInput()
            input.ref = WireInputRef($0.reference)
            input.path = $0.path
            return input
        }
        try spoil(&job)
        return try WorkerRun.start(executable: Self.worker, directory: slot, job: job, sandbox: sandbox)
    }

    func end(
        _ name: String, _ unit: Unit, sandbox: WorkerSandbox = WorkerSandbox(),
        change: (inout WireWorkUnitBody) -> Void = { _ in }, spoil: (inout WireRunJob) throws -> Void = { _ in }
    ) throws -> WorkerExit { try start(name, unit, sandbox: sandbox, change: change, spoil: spoil).wait() }

    /// Exit code and last words of a script that leaves nothing but what it does.
    func end(_ name: String, _ script: String) throws -> WorkerExit { try end(name, Unit(script)) }

    /// The files of a result.
    func result(_ name: String) throws -> [String: String] {
        let body = try ResultContainer.decode(try Files.read(slot(name) + "/result", limit: 1 << 20), limit: 1 << 20)
        #expect(body.unitID == 77 && body.app == "executable" && body.appVersion == 1)
        var files: [String: String] = [:]
        for section in body.sections {
            #expect(section.kind == .elementBytes)
            files[section.name] = String(decoding: try SectionCodec.unpack(section, limit: 1 << 20), as: UTF8.self)
        }
        return files
    }

    func hasResult(_ name: String) -> Bool { Files.exists(slot(name) + "/result") }

    /// Whether a process lives that was started with this word.
    static func lives(_ word: String) -> Bool {
        ((try? Files.names(in: "/proc")) ?? []).contains { pid in
            guard pid.allSatisfy(\.isNumber) else { return false }
            let bytes = (try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline"))) ?? Data()
            return String(decoding: bytes, as: UTF8.self).contains(word)
        }
    }
}
