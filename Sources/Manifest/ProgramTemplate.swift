/// What the commented manifest of a project with its own program shows: a small computation that is right as it stands,
/// but for the program.
enum ProgramTemplate {
    static let given = [
        "program.name": "solver", "program.version": "\"1.0\"", "program.fuel": "1e12",
        "resources.flops_per_step": "1e9",
    ]

    static let results = [
        "  # The files that it leaves in /output for each work unit, and no others.", "  results:",
        "    - file: result.csv",
        "      # optional: false   whether a work unit may be without it",
        "      # join: none        csv: the answer has one table of all work units",
    ]

    static let parameters = [
        "", "# How much work there is; any other parameters are for the program, in /input/parameters.json.",
        "parameters:",
        "  # Steps 0, 1, ... of the whole computation.", "  steps: 100",
        "  # Or, in place of `steps`: each work unit gets some rows of this input, as /input/rows.csv.",
        "  # rows: table.csv",
    ]

    static let inputs = [
        "", "# The files that every work unit needs, relative to this folder; each is /input/NAME for the program.",
        "# inputs:", "#   - name: table.csv", "#     file: input/table.csv", "#     packing: table",
    ]
}
