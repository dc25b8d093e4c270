import Domain
import Plugins

/// The apps that run a program of the project's own. See the README of this folder.
public enum ProgramApps {
    public static let executable = descriptor(
        .executable, title: "Your own program: a binary, or a script with its interpreter")
    public static let wasm = descriptor(
        .wasm, title: "Your own program as a WebAssembly module: bit-identical on every computer")

    private static func descriptor(_ app: ProgramApp, title: String) -> AppDescriptor {
        AppDescriptor(
            schema: AppSchema(
                name: app.rawValue, version: 1, title: title, step: "one number of `steps`, or one row of `rows`",
                parameters: parameters, inputs: [], numericClass: .exact),
            kernel: nil, splitter: ProgramSplitter(), validator: ProgramValidator(), assembler: ProgramAssembler.self)
    }

    private static let parameters = [
        ParameterSchema(
            name: ProgramWork.stepsKey, kind: .integer, unit: "", defaultValue: .integer(0), minimum: 0,
            maximum: Double(ProgramWork.stepsMax),
            description:
                "steps 0, 1, ... of the whole computation; each unit gets the first of its steps and their count. "
                + "Either this or `rows`"),
        ParameterSchema(
            name: ProgramWork.rowsKey, kind: .text, unit: "", defaultValue: .text(""), minimum: nil, maximum: nil,
            description: "name of an input with packing `table`: each unit gets some of its rows as /input/rows.csv"),
    ]
}
