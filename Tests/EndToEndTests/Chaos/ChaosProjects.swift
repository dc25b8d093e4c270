import Foundation

/// Two real projects cut into many small units: one whose results are uploaded as blobs and proven by a check, one
/// whose results travel inside the report and need two volunteers who agree.
struct ChaosProjects {
    /// Rows and columns of a block; the smaller, the more units.
    var gramBlock: Int
    var similarityBlock: Int

    /// 60 units.
    static let small = ChaosProjects(gramBlock: 700, similarityBlock: 300)
    /// 2,037 units: the smallest blocks whose results are too large to travel inside a report.
    static let large = ChaosProjects(gramBlock: 96, similarityBlock: 55)

    /// How many units that gives: blocks on and above the diagonal of each product.
    var units: Int {
        let gram = [5000, 784].map { Self.blocks($0, gramBlock) }.reduce(0, +)
        return gram + Self.blocks(1797, similarityBlock)
    }

    private static func blocks(_ rows: Int, _ block: Int) -> Int {
        let side = (rows + block - 1) / block
        return side * (side + 1) / 2
    }

    /// Copies the projects of the repository. - Returns: their folders.
    func make(in folder: TemporaryFolder) throws -> [String] {
        let rule = "compare: [{by: close, absolute: 1e-9, relative: 1e-9}]"
        return [
            try copy("gram-matrix", gramBlock, in: folder, replacing: [:]),
            try copy(
                "digit-neighbours", similarityBlock, in: folder,
                replacing: ["  check_each: true": "  check_each: false", "  rule: check": "  \(rule)"]),
        ]
    }

    private func copy(
        _ name: String, _ block: Int, in folder: TemporaryFolder, replacing: [String: String]
    ) throws -> String {
        let target = folder.url.appending(path: name)
        try FileManager.default.copyItem(at: repositoryRoot.appending(path: "projects/\(name)"), to: target)
        let manifest = target.appending(path: "project.yaml")
        let lines = try String(contentsOf: manifest, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in
                if line.hasPrefix("  block_rows:") { return "  block_rows: \(block)" }
                if line.hasPrefix("  steps_per_unit:") { return "  steps_per_unit: 1" }
                return replacing[String(line)] ?? String(line)
            }
        try lines.joined(separator: "\n").write(to: manifest, atomically: true, encoding: .utf8)
        return target.path
    }
}
