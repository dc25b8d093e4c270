import Domain
import Plugins

/// Which rows of a table resemble each other. The README of this folder tells the method and what the check proves.
public enum SimilarityApp {
    public static let descriptor = AppDescriptor(
        schema: schema, kernel: SimilarityKernel.self, splitter: SimilaritySplitter(),
        validator: SimilarityValidator(), assembler: SimilarityAssembler.self)

    /// Two results agree within these parts of a similarity and of the product of the two rows' norms.
    static let relativeTolerance = 1e-12
    static let absoluteTolerance = 1e-12

    static let schema = AppSchema(
        name: "similarity", version: 1, title: "Which rows of a table resemble each other",
        step: "one block of the matrix of similarities", parameters: parameters,
        inputs: [
            InputSchema(
                name: RowTable.input, packing: .table, columns: [],
                description: "one row for each thing to compare (a series, an image, a spectrum), one column for each "
                    + "of its numbers")
        ],
        results: [
            ResultSchema(
                name: SimilarityResult.section, kind: "float64",
                description: "blocks of the matrix of similarities one after the other, each row by row")
        ],
        numericClass: .tolerance(relative: relativeTolerance, absolute: absoluteTolerance), proves: true)

    private static let parameters = [
        ParameterSchema(
            name: "measure", kind: .text, unit: "", defaultValue: .text(Measure.correlation.rawValue), minimum: nil,
            maximum: nil, choices: Measure.allCases.map(\.rawValue),
            description: "how alike two rows are: Pearson's correlation, cosine of the angle between them, covariance, "
                + "or dot product"),
        ParameterSchema(
            name: "block_rows", kind: .integer, unit: "", defaultValue: .integer(256), minimum: 8,
            maximum: Double(SimilarityUnit.blockRowsMax), description: "rows and columns of a block of the matrix"),
        ParameterSchema(
            name: "neighbours", kind: .integer, unit: "", defaultValue: .integer(5), minimum: 1,
            maximum: Double(SimilarityParameters.neighboursMax),
            description: "nearest other rows that the answer lists for each row"),
        ParameterSchema(
            name: "strongest", kind: .integer, unit: "", defaultValue: .integer(100), minimum: 1,
            maximum: Double(SimilarityParameters.strongestMax),
            description: "pairs of rows that the answer lists, most alike first"),
        ParameterSchema(
            name: "label_column", kind: .text, unit: "", defaultValue: .text(""), minimum: nil, maximum: nil,
            description: "a column that says what each row is: it is not compared, and the answer says how often the "
                + "nearest row has the same label; empty: none"),
    ]
}

/// How alike two rows x and y of K numbers are.
enum Measure: String, CaseIterable, Hashable, Sendable {
    /// Σ (x - mean x)(y - mean y), both centred rows brought to the norm 1.
    case correlation
    /// Σ x y, both rows brought to the norm 1.
    case cosine
    /// Σ (x - mean x)(y - mean y) / (K - 1).
    case covariance
    /// Σ x y.
    case dot

    /// Its number in a work unit.
    var code: Int64 {
        switch self {
        case .correlation: 0
        case .cosine: 1
        case .covariance: 2
        case .dot: 3
        }
    }

    init?(code: Int64) {
        guard let found = Measure.allCases.first(where: { $0.code == code }) else { return nil }
        self = found
    }

    var isCentred: Bool { self == .correlation || self == .covariance }
    /// Whether rows have the norm 1, so that similarities lie in -1 ... 1.
    var isNormalised: Bool { self == .correlation || self == .cosine }
}
