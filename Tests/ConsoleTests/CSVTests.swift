import Console
import Domain
import Testing
import Wire

/// Tables for spreadsheets: RFC 4180, and nothing that a spreadsheet would run.
@Suite struct CSVTests {
    /// A reader of RFC 4180, written for the test: rows of fields.
    static func parse(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field = ""
        var isQuoted = false
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            if isQuoted {
                if scalar != "\"" {
                    field.unicodeScalars.append(scalar)
                } else if scalars.first == "\"" {
                    field.unicodeScalars.append(scalar)
                    scalars.removeFirst()
                } else {
                    isQuoted = false
                }
            } else if scalar == "\"" {
                isQuoted = true
            } else if scalar == "," {
                row.append(field)
                field = ""
            } else if scalar == "\r", scalars.first == "\n" {
                scalars.removeFirst()
                rows.append(row + [field])
                (row, field) = ([], "")
            } else {
                field.unicodeScalars.append(scalar)
            }
        }
        return rows
    }

    @Test func fieldsAreQuotedWhereTheyMustBe() {
        var table = CSVTable(["a", "b"])
        table.add([.text("plain"), .integer(-5)])
        table.add([.text("a,b"), .real(0.1)])
        table.add([.text("say \"no\""), .real(-.infinity)])
        table.add([.text("two\r\nlines\n"), .unsigned(.max)])
        table.add([.text(" blank "), .empty])
        table.add([.text(""), .real(.nan)])
        table.add([.text("\"\u{301},=1"), .integer(0)])
        #expect(
            table.text == "a,b\r\nplain,-5\r\n\"a,b\",0.1\r\n\"say \"\"no\"\"\",-inf\r\n"
                + "\"two? lines \",18446744073709551615\r\n\" blank \",\r\n,nan\r\n\"\"\"\u{301},=1\",0\r\n")
        #expect(Self.parse(table.text)[3] == ["say \"no\"", "-inf"])
        #expect(Self.parse(table.text)[7] == ["\"\u{301},=1", "0"])
    }

    @Test(
        arguments: [
            "=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\u{A0}=1", "\u{FF1D}1", "\u{FF0B}1",
            "\u{FF0D}1", "\u{FF20}a", "=cmd|' /C calc'!A0", "=1,\"x\"",
        ])
    func whatASpreadsheetWouldRunIsText(name: String) {
        var table = CSVTable(["name"])
        table.add([.text(name)])
        #expect(Self.parse(table.text)[1] == ["'" + name])
    }

    @Test(arguments: ["\t=1", "\n=1", "\u{1B}[2J=1", "\r\n@x", "a\u{202E}b"])
    func noControlCharacterIsLeft(name: String) {
        var table = CSVTable(["name"])
        table.add([.text(name)])
        let field = Self.parse(table.text)[1][0]
        #expect(!field.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
        #expect(!["=", "+", "-", "@"].contains(field.drop { $0 == " " }.first))
    }

    @Test(arguments: ["a=1", "7", "Ada-Grace", "", "'quoted'", "x@y"])
    func otherTextIsLeftAlone(name: String) {
        var table = CSVTable(["name", "n"])
        table.add([.text(name), .integer(-1)])
        #expect(Self.parse(table.text)[1] == [name, "-1"])
    }

    // MARK: The reports

    private func csv(
        _ answer: StandIn.Answer, _ command: (ServerClient, CommandContext) throws(Fault) -> Int32
    ) throws -> [[String]] {
        let server = try StandIn { _ in answer }
        let client = try client(server.url)
        let recorder = Recorder(width: 40, isLive: true)
        let code = CommandContext(screen: recorder, asJSON: false, asCSV: true).run { (context) throws(Fault) in
            try command(client, context)
        }
        #expect(code == 0)
        let rows = Self.parse(recorder.out)
        #expect(rows.allSatisfy { $0.count == rows[0].count })
        return rows
    }

    @Test func creditIsATable() throws {
        var row = WireCreditRow()
        (row.hostID, row.hostName, row.volunteerName) = (3, "-den", "@eve")
        (row.microcobblestones, row.provisionalMicrocobblestones, row.voidMicrocobblestones) = (-5, 6, 7)
        var report = WireCreditReport()
        (report.hosts, report.balanced) = ([row], true)
        let rows = try csv(protobuf(report)) { (client, context) throws(Fault) in
            try CreditReportCommand(client: client).run(context)
        }
        #expect(rows[0].prefix(4) == ["host", "host_name", "volunteer", "volunteer_name"])
        #expect(rows[1] == ["3", "'-den", "0", "'@eve", "-5", "6", "7", "0", "0", "0", "0", "0.0", "0"])
    }

    @Test func trustIsATable() throws {
        var row = WireTrustRow()
        (row.hostID, row.app, row.failureRateMin, row.explanation) = (3, "gamma-pulsar", 0.25, "one, two")
        var report = WireTrustReport()
        report.hosts = [row]
        let rows = try csv(protobuf(report)) { (client, context) throws(Fault) in
            try TrustReportCommand(client: client, host: nil).run(context)
        }
        #expect(rows[1][3] == "gamma-pulsar" && rows[1][9] == "0.25" && rows[1].last == "one, two")
        #expect(rows[1][10].isEmpty, "never failed")
    }

    @Test func validationIsATable() throws {
        var task = WireTaskVerdictRow()
        (task.ordinal, task.hostID, task.volunteerName, task.state) = (1, 2, "+eve", "invalid")
        (task.element, task.distance, task.tolerance, task.reason) = ("a[1]", .infinity, 0.5, "=oops")
        task.voidMicrocobblestones = 9
        var unit = WireUnitReport()
        (unit.index, unit.label, unit.tasks) = (4, "band 4", [task, WireTaskVerdictRow()])
        var report = WireValidationReport()
        (report.batchID, report.units) = (7, [unit])
        let rows = try csv(protobuf(report)) { (client, context) throws(Fault) in
            try ValidationReportCommand(client: client, batch: 7, unit: nil, disagreed: false).run(context)
        }
        let named = Dictionary(uniqueKeysWithValues: zip(rows[0], rows[1]))
        #expect(named["volunteer_name"] == "'+eve" && named["distance"] == "inf" && named["reason"] == "'=oops")
        #expect(named["void_microcobblestones"] == "9" && named["unit"] == "4" && named["is_canonical"] == "0")
        #expect(Dictionary(uniqueKeysWithValues: zip(rows[0], rows[2]))["host"] == "", "never sent")
    }
}
