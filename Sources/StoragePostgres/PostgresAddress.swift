import CPostgres

/// What libpq reads in the text that names a database.
public enum PostgresAddress {
    /// Why a text cannot be used. Never repeats it: it may hold a password.
    public enum Fault: Error, Hashable, Sendable {
        /// Neither a URI nor `key=value`, or not well formed.
        case unreadable
        /// A word that libpq does not know.
        case unknownWord(String)
    }

    /// Whether the text itself holds a password, in whatever form libpq takes one.
    public static func holdsPassword(_ conninfo: String) throws(Fault) -> Bool {
        // Anything else would be the name of a database on this machine.
        let isURI = conninfo.hasPrefix("postgres://") || conninfo.hasPrefix("postgresql://")
        guard isURI || conninfo.contains("=") else { throw .unreadable }
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(conninfo, &message) else {
            defer { PQfreemem(message) }
            let text = message.map { String(cString: $0) } ?? ""
            let words = text.split(separator: "\"", omittingEmptySubsequences: false)
            let isWord = ["invalid connection option", "invalid URI query parameter"].contains { text.hasPrefix($0) }
            guard isWord, words.count == 3 else { throw .unreadable }
            throw .unknownWord(String(words[1]))
        }
        defer { PQconninfoFree(options) }
        var at = options
        while let keyword = at.pointee.keyword {
            if ["password", "sslpassword"].contains(String(cString: keyword)), at.pointee.val != nil { return true }
            at += 1
        }
        return false
    }
}
