/// A set of numbers kept in order, in pieces of bounded length: what is put in or taken out moves a piece, no more.
package struct SortedNumbers: Sendable {
    private static let pieceMax = 512

    /// None is empty; each lies wholly below the next.
    private var pieces: [[Int64]] = []
    package private(set) var count = 0

    package init() {}

    /// - Parameter sorted: in ascending order, without repetitions.
    package init(sorted: [Int64]) {
        count = sorted.count
        let half = SortedNumbers.pieceMax / 2
        pieces = stride(from: 0, to: sorted.count, by: half).map { Array(sorted[$0..<min($0 + half, sorted.count)]) }
    }

    package var isEmpty: Bool { count == 0 }
    package var first: Int64? { pieces.first?.first }

    /// The first piece whose last number is not below `value`.
    private func piece(of value: Int64) -> Int {
        var low = 0
        var high = pieces.count
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle][pieces[middle].count - 1] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The first place in a piece whose value is not below `value`.
    private static func place(of value: Int64, in piece: [Int64]) -> Int {
        var low = 0
        var high = piece.count
        while low < high {
            let middle = (low + high) / 2
            if piece[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package func contains(_ value: Int64) -> Bool {
        let at = piece(of: value)
        guard at < pieces.count else { return false }
        let place = SortedNumbers.place(of: value, in: pieces[at])
        return pieces[at][place] == value
    }

    package mutating func insert(_ value: Int64) {
        if pieces.isEmpty {
            pieces = [[value]]
            count = 1
            return
        }
        let at = min(piece(of: value), pieces.count - 1)
        let place = SortedNumbers.place(of: value, in: pieces[at])
        if place < pieces[at].count, pieces[at][place] == value { return }
        pieces[at].insert(value, at: place)
        count += 1
        guard pieces[at].count > SortedNumbers.pieceMax else { return }
        let half = pieces[at].count / 2
        let upper = Array(pieces[at][half...])
        pieces[at].removeSubrange(half...)
        pieces.insert(upper, at: at + 1)
    }

    package mutating func remove(_ value: Int64) {
        let at = piece(of: value)
        guard at < pieces.count else { return }
        let place = SortedNumbers.place(of: value, in: pieces[at])
        guard pieces[at][place] == value else { return }
        pieces[at].remove(at: place)
        count -= 1
        if pieces[at].isEmpty { pieces.remove(at: at) }
    }

    /// The numbers from `value` on without the first `skipped` of them, `limit` at most.
    func forEach(from value: Int64, skipping skipped: Int = 0, limit: Int, _ body: (Int64) -> Void) {
        var (left, at) = (max(limit, 0), piece(of: value))
        guard at < pieces.count else { return }
        var place = SortedNumbers.place(of: value, in: pieces[at]) + max(skipped, 0)
        while at < pieces.count, place >= pieces[at].count { (place, at) = (place - pieces[at].count, at + 1) }
        while left > 0, at < pieces.count {
            for number in pieces[at][place...].prefix(left) { body(number) }
            left -= pieces[at].count - place
            (at, place) = (at + 1, 0)
        }
    }

    /// The numbers from `value` on.
    package func from(_ value: Int64) -> Run {
        let at = piece(of: value)
        guard at < pieces.count else { return Run(pieces: pieces, piece: pieces.count, place: 0) }
        return Run(pieces: pieces, piece: at, place: SortedNumbers.place(of: value, in: pieces[at]))
    }

    package var values: Run { Run(pieces: pieces, piece: 0, place: 0) }

    /// Numbers in order from a place on, as they were when it was made.
    package struct Run: Sequence, IteratorProtocol {
        private let pieces: [[Int64]]
        private var piece: Int
        private var place: Int

        init(pieces: [[Int64]], piece: Int, place: Int) {
            self.pieces = pieces
            self.piece = piece
            self.place = place
        }

        package mutating func next() -> Int64? {
            guard piece < pieces.count else { return nil }
            let value = pieces[piece][place]
            place += 1
            if place == pieces[piece].count {
                piece += 1
                place = 0
            }
            return value
        }
    }
}
