import Domain

/// Reads the CSV tables that scientists hand in: one header line with the columns' names, then numbers.
///
/// Strict, since a wrongly read table costs months of other people's computers: commas, a decimal point, as many
/// fields as names in every line; no quotes, no comments, no empty fields, no NaN. Spaces round a field are skipped;
/// lines end with LF or CR LF; an empty last line is allowed. The same text gives the same bits as C's `strtod`.
public enum TableCSV {
    /// - Parameter file: its name, for messages.
    /// - Throws: `Fault` with `file:line:column` (both from 1, columns in bytes), what was expected, what to do.
    public static func parse(_ bytes: [UInt8], file: String) throws(Fault) -> Table {
        if bytes.count > Limits.tableBytesMax {
            throw Fault(
                .badData, "\(file): \(bytes.count) bytes, and a table may have \(Limits.tableBytesMax)",
                advice: "split the table, or hand it in with packing: plain")
        }
        var parser = CSVParser(bytes: bytes, file: file)
        let names = try parser.header()
        let columns = try parser.rows(names: names)
        guard let table = Table(names: names, columns: columns) else {
            throw Fault(.software, "\(file): columns of different length")
        }
        guard table.rowCount > 0 else {
            throw Fault(.badData, "\(file):2:1: no rows follow the header", advice: "add one line of numbers per row")
        }
        return table
    }

    /// Everything that `parse` would stop at, one after the other, so that a person can mend a file in one go.
    ///
    /// - Returns: at most `faultsMax` faults in the order of the text; empty when `parse` takes it. A wrong header
    ///   or a wrong line end is reported alone, since what follows cannot be told from it.
    public static func check(_ bytes: [UInt8], file: String) -> [Fault] {
        do throws(Fault) {
            _ = try parse(bytes, file: file)
            return []
        } catch {
            guard bytes.count <= Limits.tableBytesMax else { return [error] }
            var parser = CSVParser(bytes: bytes, file: file)
            guard let names = try? parser.header() else { return [error] }
            let faults = parser.faults(names: names, limit: faultsMax)
            return faults.isEmpty ? [error] : faults
        }
    }

    /// How many faults of one table `check` reports.
    public static let faultsMax = 20
}

private struct CSVParser {
    private let bytes: [UInt8]
    private let file: String
    private var at = 0
    private var line = 1
    private var lineStart = 0

    init(bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
        // A byte order mark, as spreadsheets write it.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
    }

    // MARK: The header line

    mutating func header() throws(Fault) -> [String] {
        if at == bytes.count {
            throw fault("the file is empty", advice: "begin with a line of column names, for example time_s,weight")
        }
        var names: [String] = []
        repeat {
            names.append(try name(known: names))
            if names.count > Limits.tableColumnsMax {
                throw fault("more than \(Limits.tableColumnsMax) columns", advice: "hand in fewer columns")
            }
        } while try separator()
        return names
    }

    private mutating func name(known: [String]) throws(Fault) -> String {
        skipSpaces()
        let start = at
        while at < bytes.count, !isFieldEnd(bytes[at]) {
            if bytes[at] == UInt8(ascii: "\"") { throw quoted() }
            at += 1
        }
        var end = at
        while end > start, isSpace(bytes[end - 1]) { end -= 1 }
        guard let text = String(validating: bytes[start..<end], as: UTF8.self) else {
            throw fault(at: start, "a column name that is not UTF-8", advice: "save the file as UTF-8")
        }
        try check(name: text, known: known, at: start)
        return text
    }

    private func check(name: String, known: [String], at start: Int) throws(Fault) {
        if name.isEmpty {
            throw fault(at: start, "a column without a name", advice: "name every column in the first line")
        }
        if name.hasPrefix("#") {
            throw fault(
                at: start, "a comment line where the column names are expected",
                advice: "remove lines that begin with #")
        }
        if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
            || name.utf8.count > Limits.sectionNameBytesMax
        {
            throw fault(
                at: start, "a column name that is too long or holds control characters",
                advice: "use at most \(Limits.sectionNameBytesMax) bytes, and commas between columns")
        }
        if name.utf8.first.map({ (0x2B...0x39).contains($0) }) == true, Double(name) != nil {
            throw fault(
                at: start, "a number where a column name is expected",
                advice: "begin the file with a line of column names")
        }
        if known.contains(name) {
            throw fault(at: start, "a second column called \(name)", advice: "give every column its own name")
        }
    }

    // MARK: The rows

    mutating func rows(names: [String]) throws(Fault) -> [[Double]] {
        var columns = [[Double]](repeating: [], count: names.count)
        // Half the shortest line, so that reserving never exceeds a small multiple of the file.
        let expected = bytes.count / (names.count * 12)
        for index in columns.indices { columns[index].reserveCapacity(expected) }
        while at < bytes.count {
            if isLineEnd(bytes[at]) {
                try expectNothingMore()
                break
            }
            for index in columns.indices {
                columns[index].append(try number(column: names[index]))
                let more = try separator()
                if index + 1 < names.count, !more {
                    throw missingFields(found: index + 1, names: names)
                }
                if index + 1 == names.count, more {
                    throw surplusFields(names: names)
                }
            }
        }
        return columns
    }

    /// Goes on after a fault: with the next field, or with the next line when the number of fields is wrong.
    mutating func faults(names: [String], limit: Int) -> [Fault] {
        var faults: [Fault] = []
        do throws(Fault) {
            while at < bytes.count, faults.count < limit {
                if isLineEnd(bytes[at]) {
                    do throws(Fault) { try expectNothingMore() } catch { faults.append(error) }
                } else {
                    faults += try faultsOfLine(names: names)
                }
            }
        } catch {
            faults.append(error)
        }
        return Array(faults.prefix(limit))
    }

    /// - Throws: a wrong line end, after which lines cannot be told apart.
    private mutating func faultsOfLine(names: [String]) throws(Fault) -> [Fault] {
        var faults: [Fault] = []
        for index in names.indices {
            do throws(Fault) { _ = try number(column: names[index]) } catch { faults.append(error) }
            while at < bytes.count, !isFieldEnd(bytes[at]) { at += 1 }
            let more = try separator()
            if index + 1 < names.count, !more {
                // A field that is wrong may well be several: the wrong separator was named already.
                return faults.isEmpty ? [missingFields(found: index + 1, names: names)] : faults
            }
            if index + 1 == names.count, more {
                if faults.isEmpty { faults.append(surplusFields(names: names)) }
                while at < bytes.count, !isLineEnd(bytes[at]) { at += 1 }
                if at < bytes.count { try lineEnd() }
            }
        }
        return faults
    }

    private func surplusFields(names: [String]) -> Fault {
        fault("more fields than the \(names.count) columns of the header", advice: decimalAdvice)
    }

    private var decimalAdvice: String { "put one number per column; decimals need a point, not a comma" }

    private func missingFields(found: Int, names: [String]) -> Fault {
        // The line end was taken already, so the place is in the line before.
        Fault(
            .badData, "\(file):\(line - 1): \(found) fields, and the header names \(names.count) columns",
            advice: "add a value for \(names[found]), or remove the line")
    }

    private mutating func number(column: String) throws(Fault) -> Double {
        skipSpaces()
        let start = at
        if let value = DecimalNumber.scan(bytes, &at), at == bytes.count || isFieldEnd(bytes[at]) || isSpace(bytes[at])
        {
            skipSpaces()
            if at < bytes.count, !isFieldEnd(bytes[at]) {
                throw fault("`\(fieldText(from: at))` follows the number for \(column)", advice: commaAdvice)
            }
            guard value.isFinite else {
                throw fault(at: start, "a number too large for a double", advice: "choose a larger unit for \(column)")
            }
            return value
        }
        throw notANumber(at: start, column: column)
    }

    private func notANumber(at start: Int, column: String) -> Fault {
        let text = fieldText(from: start)
        if text.hasPrefix("\"") { return quoted(at: start) }
        if text.isEmpty {
            return fault(at: start, "an empty field for \(column)", advice: "every row needs every value")
        }
        if ["nan", "inf", "+inf", "-inf", "infinity", "na", "null", "none"].contains(text.lowercased()) {
            return fault(
                at: start, "\(text) for \(column), where a finite number is expected",
                advice: "remove rows without a value")
        }
        if text.contains(";") || text.contains("\t") {
            return fault(at: start, "`\(text)` is not a number", advice: commaAdvice)
        }
        if text.hasPrefix("#") {
            return fault(at: start, "a comment line", advice: "remove lines that begin with #")
        }
        return fault(
            at: start, "`\(text)` is not a number for \(column)", advice: "write numbers like 12, -0.5 or 1.5e-8")
    }

    private var commaAdvice: String { "separate columns with commas" }

    /// For messages: the rest of a field, cut at 32 bytes.
    private func fieldText(from start: Int) -> String {
        var end = start
        while end < bytes.count, !isFieldEnd(bytes[end]), end - start < 32 { end += 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    // MARK: Separators

    /// Takes a comma or the end of the line. - Returns: whether another field follows in this line.
    private mutating func separator() throws(Fault) -> Bool {
        guard at < bytes.count else {
            line += 1
            return false
        }
        if bytes[at] == UInt8(ascii: ",") {
            at += 1
            return true
        }
        try lineEnd()
        return false
    }

    private mutating func lineEnd() throws(Fault) {
        if bytes[at] == UInt8(ascii: "\r") {
            at += 1
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\n") else {
                throw fault(at: at - 1, "a line end without LF", advice: "save the file with LF or CR LF line ends")
            }
        }
        at += 1
        line += 1
        lineStart = at
    }

    private mutating func expectNothingMore() throws(Fault) {
        let emptyLine = line
        while at < bytes.count, isLineEnd(bytes[at]) { try lineEnd() }
        if at < bytes.count {
            throw Fault(
                .badData, "\(file):\(emptyLine):1: an empty line within the table", advice: "remove empty lines")
        }
    }

    private mutating func skipSpaces() {
        while at < bytes.count, isSpace(bytes[at]) { at += 1 }
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
    private func isFieldEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || isLineEnd(byte) }

    // MARK: Messages

    private func quoted(at place: Int? = nil) -> Fault {
        fault(
            at: place ?? at, "a quoted field",
            advice: "write numbers and column names without quotation marks")
    }

    private func fault(at place: Int? = nil, _ what: String, advice: String) -> Fault {
        Fault(.badData, "\(file):\(line):\((place ?? at) - lineStart + 1): \(what)", advice: advice)
    }
}
