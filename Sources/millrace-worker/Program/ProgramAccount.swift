import CPosix
import Domain
import FoundationEssentials
import Glibc
import SwiftProtobuf
import Wire
import WorkerHost

/// What a program's runs have used so far, as the file `progress` tells it.
struct ProgramAccount {
    let folder: String
    var fingerprint = ""
    /// Of all processes of the unit, earlier runs included where the program goes on from what they left.
    private(set) var cpuSeconds = 0.0
    private(set) var wallSeconds = 0.0
    private(set) var peakMemoryBytes = 0
    private var earlierSeconds = 0.0

    /// - Parameter continues: what earlier runs used counts.
    init(folder: String, continues: Bool) {
        self.folder = folder
        guard continues, let said = WorkerRun.progress(in: folder) else { return }
        let seconds = { (value: Double) in value.isFinite ? max(0, value) : 0 }
        earlierSeconds = seconds(said.cpuSeconds)
        cpuSeconds = earlierSeconds
        wallSeconds = seconds(said.wallSeconds)
    }

    /// Looks at this process and all that it has started.
    ///
    /// - Parameter wall: seconds since the last look in which nobody was stopped.
    mutating func look(wall: Double) {
        wallSeconds += wall
        let members = ProcessTree.members(of: getpid())
        let used = ProcessTree.cpuSeconds(of: getpid()) ?? 0
        // What ended without being waited for was counted while it lived.
        cpuSeconds = max(cpuSeconds, earlierSeconds + used)
        let resident = members.dropFirst().reduce(0) { $0 + ProcessTimes.residentBytes(of: $1) }
        peakMemoryBytes = max(peakMemoryBytes, resident)
    }

    /// Writes `progress`; that it cannot be written is for the result to fail by.
    func tell(fraction: Double, done: Bool, durable: Bool) {
        var progress = WireRunProgress()
        progress.fraction = fraction
        progress.cpuSeconds = cpuSeconds
        progress.wallSeconds = wallSeconds
        progress.kernelSeconds = cpuSeconds
        progress.peakMemoryBytes = UInt64(peakMemoryBytes)
        progress.done = done
        progress.fingerprint = fingerprint
        guard let bytes = try? progress.serializedBytes() as [UInt8] else { return }
        try? WorkerFiles.replace("\(folder)/\(RunFolder.progress)", with: bytes, durable: durable)
    }
}
