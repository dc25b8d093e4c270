import Plugins

/// The answer's files and lines. Rows are counted from 1, without the table's header, as everywhere in Millrace.
struct SimilarityAnswer {
    let context: AppContext
    let project: SimilarityProject
    let neighbours: NeighbourLists
    let strongest: [RowPair]
    let map: SimilarityMap
    let score: LabelScore?

    init(
        context: AppContext, project: SimilarityProject, neighbours: NeighbourLists, strongest: [RowPair],
        map: SimilarityMap
    ) {
        self.context = context
        self.project = project
        self.neighbours = neighbours
        self.strongest = strongest
        self.map = map
        score = project.rows.table.labels.map { labels in
            LabelScore(labels: labels, nearest: labels.indices.map { neighbours[$0].first?.row ?? $0 })
        }
    }

    private var labels: [Double]? { project.rows.table.labels }
    private var rows: Int { project.grid.rows }
    private var pairs: Int { rows * (rows - 1) / 2 }

    func written() -> Answer {
        Answer(
            files: [
                file("neighbours.csv", neighbourTable()), file("strongest.csv", strongestTable()),
                file("summary.json", summary().written() + "\n"),
                file("similarity.svg", SimilarityPlot(answer: self).document),
            ],
            summary: lines())
    }

    private func file(_ name: String, _ text: String) -> Answer.File {
        Answer.File(name: name, bytes: Array(text.utf8))
    }

    /// Nine decimals where similarities lie in -1 ... 1: more would show the rounding of one machine.
    func similarity(_ value: Double) -> String {
        project.parameters.measure.isNormalised ? NumberText.fixed(value, 9) : NumberText.scientific(value, 10)
    }

    private func neighbourTable() -> String {
        var text = "row,rank,neighbour,similarity" + (labels == nil ? "\n" : ",label,neighbour_label\n")
        for row in 0..<rows {
            for (rank, other) in neighbours[row].enumerated() {
                text += "\(row + 1),\(rank + 1),\(other.row + 1),\(similarity(other.similarity))"
                text += labelCells(row, other.row) + "\n"
            }
        }
        return text
    }

    private func strongestTable() -> String {
        var text = "rank,row,other,similarity" + (labels == nil ? "\n" : ",label,other_label\n")
        for (rank, pair) in strongest.enumerated() {
            text += "\(rank + 1),\(pair.row + 1),\(pair.other + 1),\(similarity(pair.similarity))"
            text += labelCells(pair.row, pair.other) + "\n"
        }
        return text
    }

    private func labelCells(_ row: Int, _ other: Int) -> String {
        guard let labels else { return "" }
        return ",\(NumberText.short(labels[row])),\(NumberText.short(labels[other]))"
    }

    private func summary() -> JSONText {
        var members: [(String, JSONText)] = [
            ("project", .text(context.project)), ("measure", .text(project.parameters.measure.rawValue)),
            ("rows", .integer(rows)), ("columns", .integer(project.rows.table.width)), ("pairs", .integer(pairs)),
            ("blocks", .integer(project.grid.count)), ("block_rows", .integer(project.grid.blockRows)),
            ("neighbours", .integer(project.parameters.neighbours)),
        ]
        if let best = strongest.first {
            members.append(
                (
                    "strongest",
                    .object([
                        ("row", .integer(best.row + 1)), ("other", .integer(best.other + 1)),
                        ("similarity", .number(best.similarity)),
                    ])
                ))
        }
        if let score {
            let groups = score.groups.map { group in
                JSONText.object([
                    ("label", .number(group.label)), ("rows", .integer(group.rows)), ("right", .integer(group.right)),
                ])
            }
            members.append(
                (
                    "nearest_neighbour",
                    .object([
                        ("label_column", .text(project.parameters.labelColumn ?? "")), ("rows", .integer(score.rows)),
                        ("right", .integer(score.right)), ("accuracy", .number(score.share)),
                        ("by_chance", .number(score.chance)), ("labels", .list(groups)),
                    ])
                ))
        }
        return .object(members)
    }

    private func lines() -> [String] {
        var lines = [
            "\(context.title): \(rows) rows of \(project.rows.table.width) numbers, all \(pairs) pairs compared by "
                + project.parameters.measure.rawValue
        ]
        if let best = strongest.first {
            lines.append(
                "Most alike: rows \(best.row + 1) and \(best.other + 1), \(similarity(best.similarity))")
        }
        if let line = scoreLine { lines.append(line) }
        return lines
    }

    /// nil without labels.
    var scoreLine: String? {
        guard let score, let name = project.parameters.labelColumn else { return nil }
        return "Leave-one-out nearest neighbour by \(name): \(score.right) of \(score.rows) right, "
            + "\(NumberText.fixed(100 * score.share, 2)) % (by chance \(NumberText.fixed(100 * score.chance, 1)) %)"
    }
}
