/// The grids of a band transform: lags on one side, frequencies on the other.
///
/// Lags of 0 ... `period` lie on `rows` x `columns` cells. Frequencies lie `spacing` = 1 / (2·period) apart, which is
/// as fine as a spectrum of lags up to `period` can need: a plain transform of the cells would give half as many.
public struct BandGeometry: Hashable, Sendable {
    /// Length of the first transforms; also neighbouring frequencies per lane (see `lane`), in pairs.
    public let rows: Int
    /// Length of the second transforms.
    public let columns: Int
    /// Seconds: the lag window, rounded up so that the band is a whole number of lanes.
    public let period: Double
    /// Hz.
    public let bandWidth: Double
    /// Lanes in one half of the band, a multiple of 4.
    public let halfLanes: Int

    /// Columns are handled in tiles of this many.
    static let tile = 16

    /// - Parameter lagWindow: seconds, above 0. - Parameter bandWidth: Hz, above 0; together at least 512.
    /// - Parameter oversampling: the grid's own band over the searched band, at least.
    /// - Returns: nil when the product is below 512 or above 2^24.
    public init?(lagWindow: Double, bandWidth: Double, oversampling: Double) {
        let cells = lagWindow * bandWidth
        guard cells >= 512, cells <= 16_777_216 else { return nil }
        var rows = 32
        while Double(rows * rows) * 2 <= cells { rows *= 2 }
        let halfLanes = Int((cells / Double(2 * rows)).rounded(.up))
        self.rows = rows
        self.halfLanes = (halfLanes + 3) / 4 * 4
        self.bandWidth = bandWidth
        self.period = Double(2 * self.halfLanes * rows) / bandWidth
        self.columns = BandGeometry.fastLength(atLeast: Double(2 * self.halfLanes) * oversampling)
    }

    /// The smallest multiple of 16 with no other prime factors than 2, 3 and 5.
    private static func fastLength(atLeast minimum: Double) -> Int {
        var length = max(tile, Int((minimum / Double(tile)).rounded(.up)) * tile)
        while true {
            var rest = length
            for factor in [2, 3, 5] {
                while rest % factor == 0 { rest /= factor }
            }
            if rest == 1 { return length }
            length += tile
        }
    }

    /// Points of the complex transform.
    public var cells: Int { rows * columns }
    /// Hz between neighbouring frequencies.
    public var spacing: Double { 1 / (2 * period) }
    /// Seconds between cells.
    public var cellSeconds: Double { period / Double(cells) }
    /// How much wider the grid's own band is than the searched one.
    public var oversampling: Double { Double(columns) / Double(2 * halfLanes) }
    /// Frequencies in the band.
    public var pointsPerBand: Int { 2 * rows * 2 * halfLanes }

    /// The frequency's distance from the band's centre, Hz, for row 0 ... 2·rows and a lane (column after the
    /// transform). Even: the first of the pair of frequencies; odd: the second.
    public func offset(row: Int, lane: Int, odd: Int) -> Double {
        let signed = lane < columns / 2 ? lane : lane - columns
        return Double(2 * (row + rows * signed) + odd) * spacing
    }
}
