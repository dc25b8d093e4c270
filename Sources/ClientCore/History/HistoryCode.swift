import Bytes
import Domain
import FoundationEssentials

/// The file that holds a history: a line of JSON, closed by a line with its hash, so that a damaged one is noticed.
public enum HistoryCode {
    public static let bytesMax = 2 << 20

    /// The book alone, on one line without its end.
    public static func json(_ book: HistoryBook) throws(Fault) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? [UInt8](encoder.encode(book)) else {
            throw Fault(.software, "the history cannot be encoded")
        }
        return json
    }

    public static func encode(_ book: HistoryBook) throws(Fault) -> [UInt8] {
        let json = try json(book) + [UInt8(ascii: "\n")]
        return json + Array((SHA256Hash.digest(of: json).hex + "\n").utf8)
    }

    /// - Throws: `.badData` with the reason when the file is damaged.
    public static func decode(_ bytes: [UInt8]) throws(Fault) -> HistoryBook {
        guard bytes.count > 65, bytes.count <= bytesMax else {
            throw Fault(.badData, "the history has \(bytes.count) bytes")
        }
        let json = Array(bytes.dropLast(65))
        guard Array(bytes.suffix(65)) == Array((SHA256Hash.digest(of: json).hex + "\n").utf8) else {
            throw Fault(.badData, "the history does not have the hash that it was written with")
        }
        guard let book = try? JSONDecoder().decode(HistoryBook.self, from: Data(json)), book.isSound else {
            throw Fault(.badData, "the history holds something else")
        }
        return book
    }
}
