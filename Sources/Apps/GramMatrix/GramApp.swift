import Domain
import Plugins

/// Products of a matrix with itself: covariance and principal components, and the Gram matrix of its rows. The README
/// of this folder tells the method, what the check proves and what it costs.
public enum GramApp {
    public static let descriptor = AppDescriptor(
        schema: schema, kernel: GramKernel.self, splitter: GramSplitter(), validator: GramValidator(),
        assembler: GramAssembler.self)

    /// Two results agree within these parts of a number, and of the norms of the two vectors that it is the product of.
    static let relativeTolerance = 1e-12
    static let absoluteTolerance = 1e-12

    /// Gaussian vectors of a check: from two of them errors thirty times as large could hide.
    static let trials = 4

    static let schema = AppSchema(
        name: "gram", version: 1, title: "Products of a large matrix with itself, and its principal components",
        step: "one block of the product", parameters: parameters,
        inputs: [
            InputSchema(
                name: MatrixInput.input, packing: .plain, columns: [],
                description: "a matrix of numbers as NumPy's .npy file (integers of 8, 16 or 32 bits, or 32- or 64-bit "
                    + "floating point), or a line such as `synthetic rows=20000 columns=20000 seed=1`")
        ],
        results: [
            ResultSchema(
                name: GramResult.section, kind: "float64",
                description: "blocks of the product one after the other, each row by row")
        ],
        numericClass: .tolerance(relative: relativeTolerance, absolute: absoluteTolerance), proves: true)

    private static let parameters = [
        ParameterSchema(
            name: "product", kind: .text, unit: "", defaultValue: .text(ProductChoice.columns.rawValue), minimum: nil,
            maximum: nil, choices: ProductChoice.allCases.map(\.rawValue),
            description: "`columns`: all columns with each other (covariance, principal components); `rows`: all rows "
                + "with each other (the Gram matrix); `both`"),
        ParameterSchema(
            name: "centre", kind: .text, unit: "", defaultValue: .text(Centring.mean.rawValue), minimum: nil,
            maximum: nil, choices: Centring.allCases.map(\.rawValue),
            description: "`mean`: each column less its mean, and the product of columns over rows - 1; `none`: raw"),
        ParameterSchema(
            name: "block_rows", kind: .integer, unit: "", defaultValue: .integer(1024), minimum: 8,
            maximum: Double(GramUnit.blockRowsMax),
            description: "rows and columns of a block of the product; a smaller product is one block"),
        ParameterSchema(
            name: "components", kind: .integer, unit: "", defaultValue: .integer(20), minimum: 1,
            maximum: Double(GramParameters.componentsMax),
            description: "principal components that the answer lists, the largest first"),
        ParameterSchema(
            name: "image_width", kind: .integer, unit: "", defaultValue: .integer(0), minimum: 0,
            maximum: Double(GramParameters.imageWidthMax),
            description:
                "where a row of the matrix is an image, line by line: pixels of a line, and the components are "
                + "drawn as images; 0: it is none"),
    ]
}

/// What is multiplied.
enum ProductChoice: String, CaseIterable, Hashable, Sendable {
    case columns, rows, both

    /// In the order in which their blocks are numbered.
    var products: [GramProduct] {
        switch self {
        case .columns: [.columns]
        case .rows: [.rows]
        case .both: [.columns, .rows]
        }
    }
}

/// One symmetric product of the (centred) matrix B.
enum GramProduct: Int64, CaseIterable, Hashable, Sendable {
    /// Bᵀ B: as many rows as B has columns.
    case columns = 0
    /// B Bᵀ.
    case rows = 1

    /// One number of it, for people.
    var noun: String { self == .columns ? "columns" : "rows" }
}

/// Whether columns are taken less their means.
enum Centring: String, CaseIterable, Hashable, Sendable {
    case mean, none

    /// Its number in a work unit.
    var code: Int64 { self == .mean ? 1 : 0 }
}
