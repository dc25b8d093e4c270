import ClientCore
import Domain

/// The hottest sensor: of the processor where there is one, else of all that hwmon has, else of the thermal zones.
///
/// Boards have sensor inputs with nothing behind them that tell any number; the processor's own do not. What cannot be
/// a temperature is left out.
package final class TemperatureProbe: ProbeSource {
    package let kind = ProbeKind.temperature
    private let hwmon: String
    private let zones: String
    private static let chipsMax = 64
    private static let filesMax = 1024
    /// Drivers of sensors inside processors.
    private static let processors: Set<String> = [
        "coretemp", "k10temp", "k8temp", "zenpower", "via_cputemp", "cpu_thermal", "cpu-thermal", "soc_thermal",
        "soc-thermal", "cpu0_thermal", "cpu0-thermal", "scpi_sensors", "bcm2835_thermal",
    ]

    private struct Sensor {
        var degrees: Double
        var name: String
    }

    package init(roots: ProbeRoots) {
        hwmon = "\(roots.sys)/class/hwmon"
        zones = "\(roots.sys)/class/thermal"
    }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        let chips = (ProbeFile.names(in: hwmon, limit: Self.chipsMax) ?? []).map { folder in
            (folder: "\(hwmon)/\(folder)", name: ProbeFile.word("\(hwmon)/\(folder)/name") ?? folder)
        }
        let ours = chips.filter { Self.processors.contains($0.name) }.flatMap { sensors(of: $0.folder, $0.name) }
        if let hottest = Self.hottest(ours) { return hottest }
        let others = chips.filter { !Self.processors.contains($0.name) }.flatMap { sensors(of: $0.folder, $0.name) }
        if let hottest = Self.hottest(others) ?? Self.hottest(zoneSensors()) { return hottest }
        return .unavailable("this machine has no sensor that tells a temperature")
    }

    private func sensors(of folder: String, _ chip: String) -> [Sensor] {
        let names = ProbeFile.names(in: folder, limit: Self.filesMax) ?? []
        return names.filter { $0.hasPrefix("temp") && $0.hasSuffix("_input") }.compactMap { name in
            guard let degrees = degrees("\(folder)/\(name)") else { return nil }
            let label = ProbeFile.word("\(folder)/\(name.dropLast(6))_label")
            return Sensor(degrees: degrees, name: label.map { "\(chip) \($0)" } ?? chip)
        }
    }

    private func zoneSensors() -> [Sensor] {
        let names = ProbeFile.names(in: zones, limit: Self.filesMax) ?? []
        return names.filter { $0.hasPrefix("thermal_zone") }.compactMap { name in
            degrees("\(zones)/\(name)/temp").map {
                Sensor(degrees: $0, name: ProbeFile.word("\(zones)/\(name)/type") ?? name)
            }
        }
    }

    /// Thousandths of a degree; nil for what no running computer has.
    private func degrees(_ path: String) -> Double? {
        guard let thousandths = ProbeFile.number(path), (1000...125_000).contains(thousandths) else { return nil }
        return Double(thousandths) / 1000
    }

    private static func hottest(_ sensors: [Sensor]) -> ProbeReading.Value? {
        sensors.max { ($0.degrees, $1.name) < ($1.degrees, $0.name) }.map {
            .temperature($0.degrees, sensor: PrintableText.clean(String($0.name.prefix(60))))
        }
    }
}
