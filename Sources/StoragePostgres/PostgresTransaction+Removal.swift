import Domain
import Storage

private enum RemovalSQL {
    static let tasks = Query("DELETE FROM task WHERE id BETWEEN $1 AND $2")
    static let units = Query("DELETE FROM work_unit WHERE id BETWEEN $1 AND $2")
}

extension PostgresTransaction {
    func removeWorkUnits(of batch: BatchID, limit: Int) throws -> Int {
        let units = try workUnits(of: batch, fromIndex: 0, limit: limit)
        try StoreRules.checkRemoval(of: units)
        guard let first = units.first?.unit.id.rawValue, let last = units.last?.unit.id.rawValue else { return 0 }
        try write(RemovalSQL.tasks) {
            $0.integer(first << 6)
            $0.integer(last << 6 | 63)
        }
        try write(RemovalSQL.units) {
            $0.integer(first)
            $0.integer(last)
        }
        for aggregate in units {
            unitRows.removed(aggregate.unit.id)
            replaceOpen(aggregate.unit.id, aggregate, by: nil)
        }
        try settleIfLarge()
        return units.count
    }
}
