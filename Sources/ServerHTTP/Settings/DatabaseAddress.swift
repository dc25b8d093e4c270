import Domain

/// How a PostgreSQL database is named, by a flag or in the file of settings.
public enum DatabaseAddress {
    /// - Throws: `Fault` of kind `.usage` when it is no PostgreSQL database, or holds a password.
    public static func check(_ text: String) throws(Fault) {
        guard isURI(text) || text.contains("=") else {
            throw Fault(.usage, "database needs postgres://USER@HOST:PORT/NAME, or \"host=… dbname=…\"")
        }
        try checkSecrecy(text)
    }

    /// The password itself is not repeated. - Throws: `Fault` of kind `.usage` when it holds one.
    public static func checkSecrecy(_ text: String) throws(Fault) {
        let authority = text.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
        let user = authority.lastIndex(of: "@").map { authority[..<$0] } ?? ""
        guard !(isURI(text) && user.contains(":")), !text.filter({ !$0.isWhitespace }).contains("password=") else {
            throw Fault(
                .usage,
                "a password in a database's address can be read by others, among arguments by every user of this "
                    + "machine: put it into PGPASSWORD or ~/.pgpass")
        }
    }

    private static func isURI(_ text: String) -> Bool {
        text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
    }
}
