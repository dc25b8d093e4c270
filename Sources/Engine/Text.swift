import Domain

/// Amounts as people read them, and texts cut to what is stored. No Foundation: the engine links nothing.
enum Text {
    /// Cuts to `Limits.messageBytesMax` bytes, at a character.
    static func bounded(_ text: String) -> String {
        guard text.utf8.count > Limits.messageBytesMax else { return text }
        var cut = ""
        var bytes = 0
        for character in text {
            bytes += character.utf8.count
            if bytes > Limits.messageBytesMax { break }
            cut.append(character)
        }
        return cut
    }

    /// For example `4.0 GB`; decimal units, as disks and the manifest have them.
    static func bytes(_ count: Int64) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
        var amount = Double(max(count, 0))
        var unit = 0
        while amount >= 999.95, unit < units.count - 1 {
            amount /= 1000
            unit += 1
        }
        return unit == 0 ? "\(max(count, 0)) bytes" : "\(tenths(amount)) \(units[unit])"
    }

    /// For example `2.5 hours`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 3.2e9 else { return "more than 100 years" }
        for (unit, length) in [("days", 86_400.0), ("hours", 3600), ("minutes", 60)] where seconds >= 2 * length {
            return "\(tenths(seconds / length)) \(unit)"
        }
        return "\(tenths(max(seconds, 0))) seconds"
    }

    /// For example `1 task` or `3 tasks`, then the verb in the matching number.
    static func tasks(_ count: Int, _ singular: String, _ plural: String) -> String {
        count == 1 ? "1 task \(singular)" : "\(count) tasks \(plural)"
    }

    /// One digit after the point.
    private static func tenths(_ amount: Double) -> String {
        let scaled = Int64((amount * 10).rounded())
        return "\(scaled / 10).\(scaled % 10)"
    }
}
