import ClientCore
import Domain

/// How much programs wait for processor, memory and disk, from the kernel's pressure stall information (PSI).
///
/// Our own tasks are among those who wait; at the lowest priority they wait for everybody.
package final class PressureProbe: ProbeSource {
    package let kind = ProbeKind.pressure
    private let folder: String

    package init(roots: ProbeRoots) {
        folder = "\(roots.proc)/pressure"
    }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        guard let cpu = percentage("cpu"), let memory = percentage("memory"), let disk = percentage("io") else {
            return .unavailable("this kernel does not tell (\(folder))")
        }
        return .pressure(cpu: cpu, memory: memory, disk: disk)
    }

    /// `some avg10=0.25 avg60=5.05 avg300=17.86 total=207838112`: in so many hundredths of the time somebody waited.
    private func percentage(_ name: String) -> Double? {
        guard let line = ProbeFile.word("\(folder)/\(name)"), line.hasPrefix("some ") else { return nil }
        for field in line.split(separator: " ") where field.hasPrefix("avg10=") {
            guard let value = Double(field.dropFirst(6)), (0...100).contains(value) else { return nil }
            return value
        }
        return nil
    }
}
