import Domain
import FoundationEssentials

extension WireAppContextMessage {
    /// The program that computes; nil for apps without one.
    public mutating func setProgram(_ program: ProjectProgram?) {
        guard let program else { return self.program = Data() }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Text and numbers can always be written; what could not be read refuses every job.
        self.program = (try? encoder.encode(program)) ?? Data("?".utf8)
    }

    /// - Throws: `.malformed` for what is no description of a program.
    public func projectProgram() throws(WireError) -> ProjectProgram? {
        if program.isEmpty { return nil }
        do { return try JSONDecoder().decode(ProjectProgram.self, from: program) } catch {
            throw .malformed("the description of the program cannot be read")
        }
    }
}

extension WireProgramRef {
    /// What a work unit says of the program that computes it.
    public init(_ program: ProjectProgram) {
        self.init()
        name = program.name
        version = program.version
        arguments = program.arguments
        fuel = UInt64(clamping: program.fuel)
    }
}

/// What must hold of a unit's program, and of the names that become files beside it.
enum ProgramRules {
    static func check(_ body: WireWorkUnitBody) throws(WireError) {
        guard let app = ProgramApp(rawValue: body.app) else {
            if body.hasProgram { throw .outOfRange(field: "program") }
            return
        }
        guard body.hasProgram else { throw .outOfRange(field: "program") }
        try check(body.program, app)
        // Each becomes the file of that name in one folder.
        var names: Set<String> = []
        for name in body.inputs.map(\.name) {
            guard ProgramFileName.isValid(name), names.insert(name).inserted else {
                throw .outOfRange(field: "inputs.name")
            }
        }
        for name in body.sections.map(\.name) {
            guard ProgramFileName.isValid(name) else { throw .badSectionName(name) }
            guard names.insert(name).inserted else { throw .duplicateSection(name) }
        }
    }

    private static func check(_ program: WireProgramRef, _ app: ProgramApp) throws(WireError) {
        guard ProgramWord.isName(program.name) else { throw .outOfRange(field: "program.name") }
        guard ProgramWord.isWord(program.version) else { throw .outOfRange(field: "program.version") }
        guard program.arguments.count <= Limits.programArgumentsMax else {
            throw .tooMany(field: "program.arguments", limit: Limits.programArgumentsMax)
        }
        for argument in program.arguments {
            try FieldRules.text(argument, "program.arguments", max: Limits.programArgumentBytesMax)
        }
        let fuels: ClosedRange<UInt64> = app == .wasm ? 1...UInt64(Limits.fuelMax) : 0...0
        guard fuels.contains(program.fuel) else { throw .outOfRange(field: "program.fuel") }
    }
}
