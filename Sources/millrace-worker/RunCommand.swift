import Apps
import CPosix
import Confinement
import Domain
import FoundationEssentials
import Glibc
import Plugins
import SwiftProtobuf
import Wire

/// `millrace-worker run FOLDER`: reads the job, computes, and leaves `result` or `checkpoint` behind. A unit with a
/// program is not computed by this process: `ProgramSupervisor` sees to it.
struct RunCommand {
    let folder: String
    let shelter: Shelter

    /// - Throws: a fault whose kind is the exit code.
    func perform() throws(Fault) {
        Confinement.forgetInheritance()
        let surroundings = Surroundings()
        let lock = try takeFolder()
        defer { close(lock) }
        let job = try readJob()
        if job.hasProgram {
            var supervisor = ProgramSupervisor(folder: folder, job: job, shelter: shelter, surroundings: surroundings)
            return try supervisor.perform()
        }
        // The job is the client's own word; all that is read from here on comes from a project.
        try shelter.enter(folder: folder, job: job)
        let unit = try LoadedUnit.load(path: job.unitPath, inputs: job.inputs)
        guard unit.digest.bytes == Array(job.unitSha256) else {
            throw Fault(.badData, "work unit: the SHA-256 of \(job.unitPath) is not the one that the job names")
        }
        let app = try Catalogue.app(unit.body.app, version: Int(unit.body.appVersion))
        guard let computer = app.kernel else {
            throw Fault(.software, "units of the app \(unit.body.app) are computed by a program, not by the worker")
        }
        let inputs = try readInputs(job, unit)
        try Surroundings.bounds(of: unit.body).apply()

        let started = millrace_own_cpu_seconds()
        let environment = KernelEnvironment(cachePath: job.cachePath.isEmpty ? nil : job.cachePath)
        let fresh = { () throws(AppError) -> any Kernel in
            try computer.init(unit: unit.payload, inputs: inputs, environment: environment)
        }
        let kernel: any Kernel
        do throws(AppError) { kernel = try fresh() } catch { throw RunCommand.fault(error) }
        var run = RunLoop(
            folder: folder, unit: unit, kernel: kernel, surroundings: surroundings,
            checkpointSeconds: job.checkpointSeconds)
        run.spent.kernelSeconds = millrace_own_cpu_seconds() - started
        do throws(AppError) { try run.takeUpCheckpoint(fresh: fresh) } catch { throw RunCommand.fault(error) }
        try run.perform()
    }

    /// Holds the folder's lock for as long as this process lives, so that no two workers share a folder.
    private func takeFolder() throws(Fault) -> Int32 {
        let path = "\(folder)/lock"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Fault(.cannotWrite, "cannot open \(path): \(String(cString: strerror(errno)))") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            throw Fault(.interrupted, "another worker computes in \(folder)")
        }
        ftruncate(file, 0)
        try WorkerFiles.writeAll(Array("\(getpid())\n".utf8), to: file, path)
        return file
    }

    private func readJob() throws(Fault) -> WireRunJob {
        let bytes = try WorkerFiles.read("\(folder)/job", limit: Limits.rpcBytesMax)
        do throws(WireError) {
            return try StrictDecode.message(WireRunJob.self, from: bytes, limit: Limits.rpcBytesMax)
        } catch {
            throw Fault(.software, "\(folder)/job: \(error)")
        }
    }

    /// Exactly the inputs that the unit names, from the files that the job names.
    private func readInputs(_ job: WireRunJob, _ unit: LoadedUnit) throws(Fault) -> InputSet {
        var wanted: [WireLocalInput] = []
        for reference in unit.body.inputs {
            guard let local = job.inputs.first(where: { $0.ref.sha256 == reference.sha256 }) else {
                throw Fault(.noInput, "input \"\(reference.name)\" is not among the files of the job")
            }
            var input = local
            input.ref = reference
            wanted.append(input)
        }
        var inputs = LocalInputs()
        return try inputs.load(wanted)
    }

    /// The exit code that each error of an app stands for.
    static func fault(_ error: AppError) -> Fault {
        switch error {
        case .badUnit, .badParameter: Fault(.badData, error.description)
        case .badInput: Fault(.noInput, error.description)
        case .resources: Fault(.osError, error.description)
        case .badCheckpoint, .badResult: Fault(.software, error.description)
        }
    }
}
