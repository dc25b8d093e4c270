import ClientCore
import Domain

/// Battery or mains, from `/sys/class/power_supply`.
///
/// Any number of batteries and of chargers (USB-C ones too); batteries of mice and headsets do not count. A machine
/// without a battery is on mains. As on desktops, a charger that is plugged in counts as mains, however weak it is.
package final class PowerProbe: ProbeSource {
    package let kind = ProbeKind.power
    private let folder: String
    private static let suppliesMax = 64

    package init(roots: ProbeRoots) {
        folder = "\(roots.sys)/class/power_supply"
    }

    private struct Battery {
        var isDischarging: Bool
        var percent: Int?
        /// Micro-watt-hours, or micro-ampere-hours.
        var now: Int64?
        var full: Int64?
    }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        guard let names = ProbeFile.names(in: folder, limit: Self.suppliesMax) else {
            return .unavailable("\(folder) cannot be listed")
        }
        var batteries: [Battery] = []
        var isPlugged = false
        for name in names {
            let path = "\(folder)/\(name)"
            guard ProbeFile.word("\(path)/scope") != "Device" else { continue }
            switch ProbeFile.word("\(path)/type") {
            case "Battery", "UPS": if let battery = battery(path) { batteries.append(battery) }
            case "Mains", "USB", "Wireless": isPlugged = isPlugged || ProbeFile.number("\(path)/online") ?? 0 > 0
            default: break
            }
        }
        let isOnBattery = !isPlugged && batteries.contains { $0.isDischarging }
        return .power(isOnBattery: isOnBattery, charge: Self.charge(batteries))
    }

    private func battery(_ path: String) -> Battery? {
        if ProbeFile.number("\(path)/present") == 0 { return nil }
        let percent = ProbeFile.number("\(path)/capacity").flatMap { (0...100).contains($0) ? Int($0) : nil }
        var battery = Battery(isDischarging: ProbeFile.word("\(path)/status") == "Discharging", percent: percent)
        for measure in ["energy", "charge"] {
            guard let now = ProbeFile.number("\(path)/\(measure)_now"), now >= 0, now < 1 << 40,
                let full = ProbeFile.number("\(path)/\(measure)_full"), full > 0, full < 1 << 40
            else { continue }
            (battery.now, battery.full) = (now, full)
            break
        }
        return battery
    }

    /// Of all together, by what they hold; where they do not say it, the mean of their percentages.
    private static func charge(_ batteries: [Battery]) -> Int? {
        let held = batteries.compactMap(\.now)
        let full = batteries.compactMap(\.full)
        if !batteries.isEmpty, held.count == batteries.count {
            return Int(min(100, 100 * held.reduce(0, +) / full.reduce(0, +)))
        }
        let percents = batteries.compactMap(\.percent)
        return percents.isEmpty ? nil : percents.reduce(0, +) / percents.count
    }
}
