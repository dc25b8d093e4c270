import Domain
import Foundation
import Testing
import Wire

/// `work-units/FORMAT.md` says what the code does: its numbers and words are compared with it.
@Suite struct FormatDocumentTests {
    static let text = String(
        decoding: (try? SampleFolder.bytes(SampleFolder.root, "FORMAT.md")) ?? [], as: UTF8.self)

    /// Rows `| a | b | ...` of the tables of a section, cells trimmed.
    static func rows(section: String) -> [[String]] {
        let body = text.components(separatedBy: "\n## ").first { $0.hasPrefix(section) } ?? ""
        return body.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
        }
    }

    static let limits: [String: Int] = [
        "workUnitBytesMax": Limits.workUnitBytesMax, "workUnitSectionsMax": Limits.workUnitSectionsMax,
        "sectionBytesMax": Limits.sectionBytesMax, "workUnitRawBytesMax": Limits.workUnitRawBytesMax,
        "sectionNameBytesMax": Limits.sectionNameBytesMax, "dictionaryBytesMax": Limits.dictionaryBytesMax,
        "inputsPerProjectMax": Limits.inputsPerProjectMax, "inputNameBytesMax": Limits.inputNameBytesMax,
        "inputBytesMax": Limits.inputBytesMax, "tableBytesMax": Limits.tableBytesMax,
        "tableColumnsMax": Limits.tableColumnsMax, "plainInputBytesMax": Limits.plainInputBytesMax,
        "resultBytesMax": Limits.resultBytesMax, "inlineBlobBytesMax": Limits.inlineBlobBytesMax,
        "rpcBytesMax": Limits.rpcBytesMax, "callBytesMax": Limits.callBytesMax,
        "repeatedFieldsMax": Limits.repeatedFieldsMax,
        "messageDepthMax": Limits.messageDepthMax, "reportsPerRequestMax": Limits.reportsPerRequestMax,
        "heldTasksPerRequestMax": Limits.heldTasksPerRequestMax, "tasksPerReplyMax": Limits.tasksPerReplyMax,
        "uploadChunkBytesMax": Limits.uploadChunkBytesMax, "messageBytesMax": Limits.messageBytesMax,
        "volunteerNameBytesMax": Limits.volunteerNameBytesMax,
    ]

    @Test func limitsAreThoseOfTheCode() {
        let rows = Self.rows(section: "8. Limits")
        #expect(rows.count == Self.limits.count)
        for row in rows {
            #expect(Self.limits[row[0]].map(String.init) == row[1], "\(row[0])")
        }
    }

    @Test func reasonsAreThoseOfTheCode() {
        #expect(Self.rows(section: "9. Reasons").map { $0[0] } == MessageTests.errors.map(\.code))
    }

    @Test func headersAndStringsAreThoseOfTheCode() {
        for word in [
            RequestSignature.hostHeader, RequestSignature.sequenceHeader, RequestSignature.signatureHeader,
            String(UnitContainer.signatureContext.dropLast()), "millrace-receipts-v1", "millrace-request-v1",
            "millrace-erasure-v1",
        ] {
            #expect(Self.text.contains(word), "\(word)")
        }
    }
}
