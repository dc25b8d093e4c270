import Domain

/// Blobs that are stored and not yet to be found by name in the file: the last ten thousands.
///
/// They come in two generations. The older one is in the order of the names and is handed out piece by piece, so that
/// what is written together lies on few pages; when it is through, the younger one takes its place. A crash loses
/// nothing: whatever has a number above `through` is read again at the next start.
struct UnplacedBlobs {
    /// An entry of `place`.
    struct Entry: Equatable, Comparable {
        let digest: Digest
        let id: Int64
        /// The first eight bytes of the name, as a number whose order is that of names.
        let start: Int64

        init(_ digest: Digest, _ id: Int64) {
            self.digest = digest
            self.id = id
            start = Self.start(of: digest)
        }

        static func start(of digest: Digest) -> Int64 {
            let bits = digest.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Int64(bitPattern: bits ^ 1 << 63)
        }

        /// In the order of names.
        static func < (a: Entry, b: Entry) -> Bool {
            a.start == b.start ? a.digest < b.digest : a.start < b.start
        }
    }

    private var ids: [Digest: Int64] = [:]
    private var older: [Entry] = []
    /// So many of `older` are placed.
    private var at = 0
    private var olderThrough: Int64 = 0
    private let youngerMax: Int

    init(youngerMax: Int = 16_384) {
        self.youngerMax = youngerMax
    }

    var count: Int { ids.count }
    func id(of digest: Digest) -> Int64? { ids[digest] }

    mutating func add(_ entries: [Entry]) {
        for entry in entries { ids[entry.digest] = entry.id }
    }

    mutating func drop(_ digest: Digest) { ids[digest] = nil }

    /// The next ones to place, in the order of names; those that were removed meanwhile are left out.
    ///
    /// - Returns: `through` when all up to this number are placed with them.
    mutating func next(_ limit: Int) -> (entries: [Entry], through: Int64?) {
        if at == older.count {
            guard ids.count >= youngerMax else { return ([], nil) }
            older = ids.map { Entry($0.key, $0.value) }.sorted()
            olderThrough = ids.values.max() ?? 0
            at = 0
        }
        let end = min(older.count, at + limit)
        let entries = older[at..<end].filter { ids[$0.digest] == $0.id }
        return (entries, end == older.count ? olderThrough : nil)
    }

    /// What `next` gave for the same limit is in the file.
    mutating func placed(_ limit: Int) {
        let end = min(older.count, at + limit)
        for entry in older[at..<end] where ids[entry.digest] == entry.id { ids[entry.digest] = nil }
        at = end
        if at == older.count { (older, at) = ([], 0) }
    }

    /// Behind `digest` if there is one, in the order of names.
    func after(_ digest: Digest?, limit: Int) -> [Entry] {
        let found = ids.filter { entry in digest.map { $0 < entry.key } ?? true }
        return Array(found.map { Entry($0.key, $0.value) }.sorted().prefix(limit))
    }
}
