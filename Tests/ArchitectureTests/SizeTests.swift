import Testing

@Suite("Small rooms")
struct SizeTests {
    static let fileLines = 400
    static let functionLines = 70
    static let lineColumns = 120

    @Test("No file is longer than 400 lines, and the median is about 100")
    func files() throws {
        var counts: [Int] = []
        for folder in ["Sources", "Tests"] {
            for file in try Repository.swiftFiles(under: folder) {
                #expect(file.lines.count <= Self.fileLines, "\(file.path) has \(file.lines.count) lines")
                if folder == "Sources" { counts.append(file.lines.count) }
            }
        }
        counts.sort()
        #expect(counts[counts.count / 2] <= 140, "the median file has \(counts[counts.count / 2]) lines")
    }

    @Test("No line is longer than 120 columns")
    func lines() throws {
        for folder in ["Sources", "Tests"] {
            for file in try Repository.swiftFiles(under: folder) {
                for (number, line) in file.lines.enumerated() where !line.contains("https://") {
                    #expect(line.count <= Self.lineColumns, "\(file.path):\(number + 1) has \(line.count) columns")
                }
            }
        }
    }

    @Test("No function is longer than 70 lines")
    func functions() throws {
        for file in try Repository.swiftFiles(under: "Sources") {
            for (name, start, length) in functionLengths(file.lines) {
                #expect(length <= Self.functionLines, "\(file.path):\(start) \(name) has \(length) lines")
            }
        }
    }

    @Test("The function counter counts")
    func counter() {
        let found = functionLengths(["func a() {", "    if x {", "    }", "}", "    init(y: Int) {", "    }"])
        #expect(found.map(\.2) == [4, 2])
    }
}

/// Functions and initialisers with their first line and length; formatted code closes them at their own indentation.
func functionLengths(_ lines: [String]) -> [(String, Int, Int)] {
    var found: [(String, Int, Int)] = []
    for (at, line) in lines.enumerated() {
        let code = line.trimmed
        let words = code.split(separator: " ").prefix(6)
        guard words.contains("func") || code.contains("init(") || code.hasPrefix("deinit"),
            words.first != "//", words.first != "///", !code.hasPrefix("."), !code.hasPrefix("self.")
        else { continue }
        let indentation = line.count - code.count
        let close = String(repeating: " ", count: indentation) + "}"
        guard line.hasSuffix("{") || at + 1 < lines.count && !line.hasSuffix("}") else { continue }
        guard let end = lines[(at + 1)...].firstIndex(where: { $0 == close }) else { continue }
        // A declaration without a body (in a protocol) ends where the next one begins.
        let next = lines[(at + 1)...].firstIndex { other in
            other.count - other.trimmed.count == indentation && other.contains("func ")
        }
        if let next, next < end { continue }
        found.append((String(code.prefix(60)), at + 1, end - at + 1))
    }
    return found
}
