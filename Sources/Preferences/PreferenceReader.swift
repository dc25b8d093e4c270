import YAMLText

/// Reads the text of one field as its kind of value.
struct PreferenceReader {
    /// Elements of a list, and projects.
    static let elementsMax = 64
    /// Bytes of a name, a path, an argument, an address.
    static let textBytesMax = 1024

    func read(_ node: YAMLNode, as kind: PreferenceKind) throws(ValueFault) -> PreferenceValue {
        switch kind {
        case .names: return .names(try texts(node, kind))
        case .windows: return .windows(try windows(node, kind))
        case .command: return .command(try command(node, kind))
        case .shares: return .shares(try shares(node, kind))
        default: return try scalar(try text(node, kind), node.found, kind)
        }
    }

    private func text(_ node: YAMLNode, _ kind: PreferenceKind) throws(ValueFault) -> String {
        guard case .scalar(let text, _) = node.value, !node.isEmpty else {
            throw ValueFault(message: "\(node.found) stands here", expected: kind.expected)
        }
        return text
    }

    private func scalar(
        _ text: String, _ found: String, _ kind: PreferenceKind
    ) throws(ValueFault) -> PreferenceValue {
        switch kind {
        case .preset:
            let word = try Scalars.word(text, found, Preset.allCases.map(\.rawValue), kind.expected)
            return .preset(Preset(rawValue: word) ?? .standard)
        case .flag:
            if ["yes", "true"].contains(text) { return .flag(true) }
            if ["no", "false"].contains(text) { return .flag(false) }
            throw ValueFault(
                message: "\(found) is neither yes nor no", expected: kind.expected,
                suggestion: Nearest.word(to: text, in: ["yes", "no", "true", "false"]))
        case .choice(let words): return .word(try Scalars.word(text, found, words, kind.expected))
        case .percent(let range): return .percent(try percent(text, found, range, kind))
        case .cores: return .cores(try cores(text, found, kind))
        case .duration(let range, let word):
            if text == word { return .seconds(nil) }
            let seconds = try quantity(text, found, Self.times, kind)
            guard range.contains(seconds) else { throw outOfRange(found, kind) }
            return .seconds(seconds)
        case .size(let range, let word):
            return .bytes(text == word ? nil : try bytes(text, found, Self.sizes, range, kind))
        case .rate(let range):
            return .bytes(text == kind.noLimit ? nil : try bytes(text, found, Self.rates, range, kind))
        case .degrees(let range):
            let degrees = try quantity(text, found, [("°C", 1), ("C", 1)], kind)
            guard range.contains(degrees) else { throw outOfRange(found, kind) }
            return .degrees(degrees)
        case .path:
            guard text == "none" || text.hasPrefix("/") else {
                throw ValueFault(message: "\(found) is no absolute path", expected: kind.expected)
            }
            return .path(text == "none" ? nil : try printable(text, found))
        case .names, .windows, .command, .shares: preconditionFailure("a list is no scalar")
        }
    }

    // MARK: - Numbers

    private static let times = Quantities.times.map { (word: $0.word, factor: $0.seconds) }
    private static let sizes = Quantities.sizes.map { (word: $0.word, factor: $0.bytes) }
    private static let rates = sizes.map { (word: $0.word + "/s", factor: $0.factor) }

    private func quantity(
        _ text: String, _ found: String, _ units: [(word: String, factor: Double)], _ kind: PreferenceKind
    ) throws(ValueFault) -> Double {
        try Scalars.quantity(text, found, units, expected: kind.expected)
    }

    private func bytes(
        _ text: String, _ found: String, _ units: [(word: String, factor: Double)], _ range: ClosedRange<Int64>,
        _ kind: PreferenceKind
    ) throws(ValueFault) -> Int64 {
        let bytes = try quantity(text, found, units, kind)
        guard abs(bytes) < 9e18 else { throw outOfRange(found, kind) }
        guard bytes == bytes.rounded() else {
            throw ValueFault(message: "\(found) is no whole number of bytes", expected: kind.expected)
        }
        guard range.contains(Int64(bytes)) else { throw outOfRange(found, kind) }
        return Int64(bytes)
    }

    private func percent(
        _ text: String, _ found: String, _ range: ClosedRange<Int>, _ kind: PreferenceKind
    ) throws(ValueFault) -> Int {
        let value = try quantity(text, found, [("%", 1)], kind)
        guard value == value.rounded() else {
            throw ValueFault(message: "\(found) is no whole number", expected: kind.expected)
        }
        guard (Double(range.lowerBound)...Double(range.upperBound)).contains(value) else {
            throw outOfRange(found, kind)
        }
        return Int(value)
    }

    private func cores(_ text: String, _ found: String, _ kind: PreferenceKind) throws(ValueFault) -> CoreLimit {
        if text.hasSuffix("%") { return .percent(try percent(text, found, 1...100, kind)) }
        guard let count = Quantities.integer(text) else {
            throw ValueFault(
                message: "\(found) is neither a whole number nor a percentage", expected: kind.expected)
        }
        guard (1...1024).contains(count) else { throw outOfRange(found, kind) }
        return .count(Int(count))
    }

    private func outOfRange(_ found: String, _ kind: PreferenceKind) -> ValueFault {
        ValueFault(message: "\(found) is out of range", expected: kind.expected)
    }

    // MARK: - Lists

    /// The elements of a list, or the one text that stands for it.
    private func texts(_ node: YAMLNode, _ kind: PreferenceKind) throws(ValueFault) -> [String] {
        guard case .sequence(let nodes) = node.value else {
            return [try printable(try text(node, kind), node.found)]
        }
        guard nodes.count <= Self.elementsMax else {
            throw ValueFault(
                message: "a list of \(nodes.count) elements stands here", expected: "at most \(Self.elementsMax)")
        }
        var texts: [String] = []
        for element in nodes {
            do throws(ValueFault) { texts.append(try printable(try text(element, kind), element.found)) } catch {
                throw placed(error, at: element)
            }
        }
        return texts
    }

    private func windows(_ node: YAMLNode, _ kind: PreferenceKind) throws(ValueFault) -> WeeklyWindows {
        if case .scalar("always", _) = node.value { return .always }
        let nodes: [YAMLNode] = if case .sequence(let nodes) = node.value { nodes } else { [node] }
        guard (1...WeeklyWindows.windowsMax).contains(nodes.count) else {
            throw ValueFault(message: "\(node.found) stands here", expected: kind.expected)
        }
        var windows: [WeeklyWindows.Window] = []
        for element in nodes {
            var unknown: String?
            do throws(ValueFault) {
                let text = try text(element, kind)
                guard let window = WeeklyWindows.Window(text, unknown: &unknown) else {
                    let message = unknown.map { "`\(YAMLNode.short($0))` is no day" } ?? "\(element.found) is no window"
                    throw ValueFault(
                        message: message, expected: kind.expected,
                        suggestion: unknown.flatMap { Nearest.word(to: $0, in: WeeklyWindows.Window.dayWords) })
                }
                windows.append(window)
            } catch { throw placed(error, at: element) }
        }
        return WeeklyWindows(windows)
    }

    private func command(_ node: YAMLNode, _ kind: PreferenceKind) throws(ValueFault) -> [String] {
        if case .scalar("none", _) = node.value { return [] }
        let words = try texts(node, kind)
        guard let program = words.first, program.hasPrefix("/") else {
            throw ValueFault(message: "\(node.found) does not begin with an absolute path", expected: kind.expected)
        }
        return words
    }

    private func shares(_ node: YAMLNode, _ kind: PreferenceKind) throws(ValueFault) -> [ProjectShare] {
        guard case .mapping(let entries) = node.value else {
            if node.isEmpty { return [] }
            throw ValueFault(message: "\(node.found) stands here", expected: kind.expected)
        }
        guard entries.count <= Self.elementsMax else {
            throw ValueFault(message: "\(entries.count) projects", expected: "at most \(Self.elementsMax)")
        }
        var shares: [ProjectShare] = []
        for entry in entries {
            let url = ProjectShare.normalised(entry.key)
            let key = YAMLNode(place: entry.keyPlace, value: .scalar(entry.key, quoted: true))
            do throws(ValueFault) { _ = try printable(url, key.found) } catch { throw placed(error, at: key) }
            guard ["http://", "https://"].contains(where: { url.hasPrefix($0) && url.count > $0.count }) else {
                throw ValueFault(
                    message: "\(key.found) is no address of a project", expected: kind.expected, place: entry.keyPlace)
            }
            guard !shares.contains(where: { $0.url == url }) else {
                throw ValueFault(message: "\(key.found) is named twice", place: entry.keyPlace)
            }
            guard case .scalar(let text, _) = entry.value.value, let share = Quantities.real(text),
                (0...1_000_000).contains(share)
            else {
                throw ValueFault(
                    message: "\(entry.value.found) stands here", expected: "a number, 0 to 1000000",
                    place: entry.value.isEmpty ? entry.keyPlace : entry.value.place)
            }
            shares.append(ProjectShare(url: url, share: share))
        }
        return shares
    }

    private func placed(_ fault: ValueFault, at node: YAMLNode) -> ValueFault {
        var fault = fault
        if !node.isEmpty { fault.place = node.place }
        return fault
    }

    /// Text that may be printed, and handed to the system as a path or an argument.
    private func printable(_ text: String, _ found: String) throws(ValueFault) -> String {
        guard !text.isEmpty, text.utf8.count <= Self.textBytesMax,
            text.unicodeScalars.allSatisfy({ $0.value >= 32 && !(0x7F..<0xA0).contains($0.value) })
        else {
            throw ValueFault(
                message: "\(found) is empty, too long, or has control characters",
                expected: "one line, 1 to \(Self.textBytesMax) bytes")
        }
        return text
    }
}

/// How the kinds are described, in messages and in `docs/preferences.md`.
extension PreferenceKind {
    /// For messages: what would be right.
    var expected: String {
        switch self {
        case .preset, .choice: "one of \(range)"
        case .flag: "yes or no"
        case .percent: "a percentage such as `50 %`, \(range)"
        case .cores: "a number of cores, 1 to 1024, or a percentage such as `50 %`, 1 to 100"
        case .duration(_, let word): "a time such as `2 h`, \(range)" + (word.map { ", or `\($0)`" } ?? "")
        case .size(_, let word): "a size such as `10 GiB`, \(range)" + (word.map { ", or `\($0)`" } ?? "")
        case .rate: "a rate such as `1 MB/s`, \(range), or `unlimited`"
        case .degrees: "a temperature such as `80 °C`, \(range)"
        case .names: "the name of a program, or a list of them, in brackets"
        case .windows: "`always`, or windows such as `weekdays 22:00-06:00` or `sat,sun 00:00-24:00`"
        case .path: "`none`, or a path from the root"
        case .command: "`none`, or a list: a program by its path from the root, and its arguments"
        case .shares: "lines below it such as `https://millrace.example.org: 100`"
        }
    }

    /// For the table: what is written.
    public var type: String {
        switch self {
        case .preset, .choice: "word"
        case .flag: "yes or no"
        case .percent: "percentage"
        case .cores: "number of cores, or percentage of them"
        case .duration(_, let word): "time" + (word.map { ", or `\($0)`" } ?? "")
        case .size(_, let word): "size" + (word.map { ", or `\($0)`" } ?? "")
        case .rate: "rate, or `unlimited`"
        case .degrees: "temperature"
        case .names: "list of names"
        case .windows: "`always`, or a window, or a list of them"
        case .path: "`none`, or a path"
        case .command: "`none`, or a list: program, arguments"
        case .shares: "section: address and number"
        }
    }

    /// For the table: the unit of a number without one.
    public var unit: String {
        switch self {
        case .percent: "%"
        case .cores: "cores, or with `%`"
        case .duration: "seconds, or with `s` `min` `h` `d` `w`"
        case .size: "bytes, or with `kB` `MB` `GB` `KiB` `MiB` `GiB`"
        case .rate: "with `kB/s` `MB/s` `KiB/s` `MiB/s`; bytes per second"
        case .degrees: "°C"
        default: ""
        }
    }

    /// For the table and for messages: what is allowed.
    public var range: String {
        switch self {
        case .preset: Preset.allCases.map(\.rawValue).joined(separator: ", ")
        case .choice(let words): words.joined(separator: ", ")
        case .flag: ""
        case .percent(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .cores: "1 to 1024, or 1 % to 100 %"
        case .duration(let range, _): "\(Self.time(range.lowerBound)) to \(Self.time(range.upperBound))"
        case .size(let range, _): "\(Self.size(range.lowerBound)) to \(Self.size(range.upperBound))"
        case .rate(let range): "\(Self.size(range.lowerBound))/s to \(Self.size(range.upperBound))/s"
        case .degrees(let range): "\(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
        case .names, .command: "at most \(PreferenceReader.elementsMax), \(PreferenceReader.textBytesMax) bytes each"
        case .windows: "at most \(WeeklyWindows.windowsMax)"
        case .path: "at most \(PreferenceReader.textBytesMax) bytes"
        case .shares: "0 to 1000000 each, at most \(PreferenceReader.elementsMax) projects"
        }
    }
}
