import Bytes
import Domain
import FoundationEssentials
import SwiftProtobuf
import Wire

/// Jobs of worker children and their replies; work units, results and tables.
extension SampleMessages {
    static let context = filled(WireAppContextMessage.self) {
        $0.app = "sample-app"
        $0.parameters = [
            WireParameterMessage(Parameter(name: "i", value: .integer(7))),
            WireParameterMessage(Parameter(name: "r", value: .real(0.5))),
            WireParameterMessage(Parameter(name: "t", value: .text("word"))),
            WireParameterMessage(Parameter(name: "v", value: .reals([1, 2]))),
        ]
        $0.inputs = [
            filled(WireLocalInput.self) {
                $0.ref = input
                $0.path = "/a"
            }
        ]
        $0.stepsPerUnit = 3
        $0.flopsPerStep = 1e9
        $0.relativeTolerance = 1e-4
        $0.project = "p"
    }

    static let result = filled(WireLocalResult.self) {
        $0.taskID = task
        $0.path = "/r"
        $0.bytesMax = 1000
    }

    static func job(_ number: UInt64, _ fill: (inout WireWorkerJob) -> Void) -> WireWorkerJob {
        filled(WireWorkerJob.self) {
            $0.number = number
            fill(&$0)
        }
    }

    static let jobs: [WireWorkerJob] = [
        job(1) { $0.describe = WireDescribeJob() },
        job(2) {
            $0.split.context = context
            $0.split.cursor = Data([1])
            $0.split.limit = 100
        },
        job(3) {
            $0.check.context = context
            $0.check.unitPath = "/u"
            $0.check.result = result
            $0.check.challenge = .max
        },
        job(4) {
            $0.compare.context = context
            $0.compare.results = [result, result]
        },
        job(5) {
            $0.assemble.context = context
            $0.assemble.outputPath = "/o"
            $0.assemble.units = [
                filled(WireAssembleUnit.self) {
                    $0.unitPath = "/u"
                    $0.result = result
                }
            ]
        },
    ]

    static func answer(_ fill: (inout WireWorkerReply) -> Void) -> WireWorkerReply {
        filled(WireWorkerReply.self) {
            $0.number = 2
            $0.cpuSeconds = 0.5
            fill(&$0)
        }
    }

    static let section = SectionCodec.stored(
        name: "index", kind: .elementInt64, bytes: LittleEndian.bytes(of: [Int64(3), 4]))

    static let replies: [WireWorkerReply] = [
        answer {
            $0.failure.kind = 65
            $0.failure.message = "cannot"
            $0.failure.advice = "try"
        },
        answer { $0.catalogue.apps = [schema] },
        answer {
            $0.split.drafts = (0..<3).map { number in
                filled(WireUnitDraftMessage.self) {
                    $0.label = "piece \(number)"
                    $0.flops = 4e11
                    $0.sections = [section]
                }
            }
            $0.split.cursor = Data([3])
            $0.split.appVersion = 1
        },
        answer {
            $0.check.outcome = .checkRefuted
            $0.check.reason = "false"
            $0.check.difference = difference
        },
        answer { $0.check.outcome = .checkPlausible },
        answer {
            $0.compare.pairs = [
                filled(WirePairReply.self) {
                    $0.second = 1
                    $0.agree = true
                    $0.difference = difference
                }
            ]
        },
        answer {
            $0.assemble.files = ["a.csv"]
            $0.assemble.summary = ["done"]
        },
    ]

    static let schema = filled(WireAppSchemaMessage.self) {
        $0.name = "sample-app"
        $0.version = 1
        $0.title = "Sample"
        $0.step = "a step"
        $0.numericClass = "tolerance"
        $0.relativeTolerance = 1e-4
        $0.parameters = [
            filled(WireParameterSchemaMessage.self) {
                $0.name = "p"
                $0.type = "real"
                $0.defaultText = "1.5"
                $0.minimum = 0
                $0.maximum = 2
            }
        ]
        $0.inputs = [
            filled(WireInputSchemaMessage.self) {
                $0.name = "photons"
                $0.packing = "table"
                $0.columns = ["time_s"]
            }
        ]
    }

    static let run = filled(WireRunJob.self) {
        $0.unitPath = "/u"
        $0.unitSha256 = digest
        $0.inputs = context.inputs
        $0.checkpointSeconds = 60
        $0.cachePath = "/c"
        $0.program = filled(WireLocalProgram.self) {
            $0.path = "/p"
            $0.sha256 = digest
            $0.platform = "any"
            $0.interpreter = "python3"
            $0.needs = ["landlock"]
        }
    }

    // MARK: Containers

    static let key = SigningKey(rawRepresentation: [UInt8](1...32))

    static func packed() throws -> [WireSection] {
        var random = SeededGenerator(seed: 42)
        let reals = (0..<100).map { _ in random.nextUnit() }
        let decimals = (0..<60).map { Double($0 * 31 + random.nextIndex(below: 9)) / 100 }
        let text = String(repeating: "a label ", count: 9)
        return [
            try SectionCodec.pack(name: "reals", kind: .elementFloat64, bytes: LittleEndian.bytes(of: reals)),
            try SectionCodec.pack(name: "decimals", kind: .elementFloat64, bytes: LittleEndian.bytes(of: decimals)),
            try SectionCodec.pack(
                name: "counts", kind: .elementInt32, bytes: LittleEndian.bytes(of: (0..<50).map { Int32($0 * 7) })),
            try SectionCodec.pack(name: "note", kind: .elementUtf8, bytes: Array(text.utf8)),
        ]
    }

    static func unitBody(_ unit: WorkUnitID) throws -> WireWorkUnitBody {
        let sections = try packed()
        return filled(WireWorkUnitBody.self) {
            $0.unitID = UInt64(unit.rawValue)
            $0.project = "sample"
            $0.label = "piece"
            $0.app = "sample-app"
            $0.appVersion = 1
            $0.flops = 1e9
            $0.flopsBound = 1e11
            $0.memoryBytes = 64 << 20
            $0.diskBytes = 64 << 20
            $0.outputBytesMax = 1 << 20
            $0.inputs = [input]
            $0.sections = sections
        }
    }

    /// A unit that a program of the project's own computes.
    static func programBody(_ unit: WorkUnitID) throws -> WireWorkUnitBody {
        var body = try unitBody(unit)
        body.app = "wasm"
        body.program = filled(WireProgramRef.self) {
            $0.name = "solver"
            $0.version = "1.0"
            $0.arguments = ["--order", "4"]
            $0.fuel = 1_000_000
        }
        return body
    }

    static func resultBody(_ unit: WorkUnitID) throws -> WireResultBody {
        let sections = try packed()
        return filled(WireResultBody.self) {
            $0.unitID = UInt64(unit.rawValue)
            $0.unitSha256 = digest
            $0.app = "sample-app"
            $0.appVersion = 1
            $0.sections = sections
        }
    }
}
