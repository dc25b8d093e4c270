import Domain

/// Checks of fields that come from outside. Each names the field it refuses.
enum FieldCheck {
    /// A name for people: not empty, not long, nothing that moves the cursor or turns the line around.
    static func name(_ text: String, field: String, bytesMax: Int, mayBeEmpty: Bool = false) throws(RequestRefusal) {
        if text.allSatisfy(\.isWhitespace) && !mayBeEmpty {
            throw RequestRefusal(.badRequest, "\(field) is empty")
        }
        if text.utf8.count > bytesMax {
            throw RequestRefusal(.badRequest, "\(field) has \(text.utf8.count) bytes, at most \(bytesMax) are allowed")
        }
        if let bad = text.unicodeScalars.first(where: { !isPrintable($0) }) {
            let code = String(bad.value, radix: 16, uppercase: true)
            throw RequestRefusal(.badRequest, "\(field) contains the control character U+\(code)")
        }
    }

    static func number(_ value: Double, field: String, in range: ClosedRange<Double>) throws(RequestRefusal) {
        // NaN fails the comparison, infinities lie outside of every range used here.
        guard range.contains(value) else {
            throw RequestRefusal(
                .badRequest, "\(field) is \(value), expected \(range.lowerBound) to \(range.upperBound)")
        }
    }

    static func count(_ value: Int, field: String, max: Int) throws(RequestRefusal) {
        if value > max {
            throw RequestRefusal(.badRequest, "\(field) has \(value) entries, at most \(max) are allowed")
        }
    }

    /// Text that is only shown: control characters become spaces, the rest is cut to `bytesMax` bytes.
    static func cleaned(_ text: String, bytesMax: Int) -> String {
        var clean = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            let scalar = isPrintable(scalar) ? scalar : " "
            bytes += UTF8.width(scalar)
            if bytes > bytesMax { break }
            clean.append(scalar)
        }
        return String(clean)
    }

    /// Control characters, line separators and the marks that reverse the direction of writing are not printable.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        // Most names are ASCII; the table of categories is slow.
        if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: return false
        default: break
        }
        switch scalar.value {
        case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: return false
        default: return true
        }
    }

    static func profile(_ profile: HostProfile) throws(RequestRefusal) {
        try name(profile.name, field: "profile.name", bytesMax: 64)
        try name(profile.platform, field: "profile.platform", bytesMax: 64)
        try name(profile.cpuModel, field: "profile.cpu_model", bytesMax: 128, mayBeEmpty: true)
        try name(profile.clientVersion, field: "profile.client_version", bytesMax: 64, mayBeEmpty: true)
        try number(Double(profile.cores), field: "profile.cores", in: 1...4096)
        try number(Double(profile.memoryBytes), field: "profile.memory_bytes", in: 0...1e15)
        try number(Double(profile.diskFreeBytes), field: "profile.disk_free_bytes", in: 0...1e18)
        try number(
            profile.benchmarkFlopsPerSecond, field: "profile.benchmark_flops_per_second", in: 0...1e15)
    }
}
