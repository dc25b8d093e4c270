import Bytes
import Domain
import FoundationEssentials
import SwiftProtobuf
import Wire

/// One message of each kind with every field set: what the fuzzer starts from.
enum SampleMessages {
    static let digest = Data(SHA256Hash.digest(of: [1, 2, 3]).bytes)
    static let task = UInt64(TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: 2), ordinal: 1).rawValue)

    static func filled<M: SwiftProtobuf.Message>(_ type: M.Type, _ fill: (inout M) -> Void) -> M {
        var message = M()
        fill(&message)
        return message
    }

    static let profile = filled(WireHostProfileMessage.self) {
        $0.name = "host"
        $0.platform = "x86_64-linux"
        $0.cpuModel = "a CPU"
        $0.cores = 4
        $0.memoryBytes = 8 << 30
        $0.diskFreeBytes = 100 << 30
        $0.benchmarkFlopsPerSecond = 4e9
        $0.clientVersion = "1.0"
    }

    static let register = filled(WireRegisterRequest.self) {
        $0.publicKey = digest
        $0.volunteerName = "Ada"
        $0.profile = profile
    }

    static let account = filled(WireAccountRequest.self) {
        $0.action = .accountFoundTeam
        $0.teamName = "Star gazers"
    }

    static let erase = filled(WireEraseRequest.self) { $0.publicKey = digest }

    static let export = filled(WireExportRequest.self) {
        $0.section = .exportTasks
        $0.after = 1 << 36
    }

    static let exported = filled(WireExportReply.self) {
        $0.schemaVersion = 1
        $0.next = 7
        $0.account.name = "Ada"
        $0.account.teams = [WireMembershipMessage()]
        $0.account.linkCodes = [filled(WireExportedLinkCode.self) { $0.usedByHost = 2 }]
        $0.account.notes = ["a note"]
        $0.hosts = [
            filled(WireExportedHost.self) {
                $0.profile = profile
                $0.days = [filled(WireExportedDay.self) { $0.day = "2026-01-01" }]
            }
        ]
        $0.tasks = [filled(WireExportedTask.self) { $0.resultSha256 = digest }]
        $0.credit = [filled(WireExportedCredit.self) { $0.microcobblestones = -5 }]
    }

    static let accountReply = filled(WireAccountReply.self) {
        $0.volunteerName = "Ada"
        $0.linkCode = "K7QF-2M9T"
        $0.hosts = [filled(WireHostEntry.self) { $0.name = "host" }]
    }

    static let statement = filled(WireErasureStatement.self) {
        $0.volunteerID = 7
        $0.erasedMs = 1_700_000_000_000
    }

    static let erased = filled(WireEraseReply.self) {
        $0.statement = digest
        $0.signature = digest + digest
    }

    static let scheduler = filled(WireSchedulerRequest.self) {
        $0.profile = profile
        $0.heldTasks = [task, task + 1]
        $0.reports = [success(task, [1, 2, 3]), failure(task + 1)]
        $0.wantTasks = 4
        $0.wantSeconds = 3600
        $0.queuedSeconds = 60
        $0.availability = 0.5
        $0.apps = ["sample-app/1", "other/2"]
        $0.programPlatforms = ["x86_64-linux", "any"]
    }

    static func success(_ task: UInt64, _ result: [UInt8]) -> WireTaskReportMessage {
        filled(WireTaskReportMessage.self) {
            $0.taskID = task
            $0.success.resultSha256 = Data(SHA256Hash.digest(of: result).bytes)
            $0.success.resultBytes = UInt64(result.count)
            $0.success.resultInline = Data(result)
            $0.success.cpuSeconds = 40
            $0.success.wallSeconds = 43.5
            $0.success.fingerprint = "cpu; fftw 3.3"
        }
    }

    static func failure(_ task: UInt64) -> WireTaskReportMessage {
        filled(WireTaskReportMessage.self) {
            $0.taskID = task
            $0.failure.code = 3
            $0.failure.message = "worker ended with 1"
        }
    }

    static let input = filled(WireInputRef.self) {
        $0.name = "photons"
        $0.sha256 = digest
        $0.size = 3
        $0.packing = "table"
    }

    static let receipts = filled(WireReceipts.self) {
        $0.hostID = 7
        $0.receipts = (1..<4).map { status in
            filled(WireReceipt.self) {
                $0.taskID = task + UInt64(status)
                $0.resultSha256 = digest
                $0.status = WireReceiptStatus(rawValue: status) ?? .receiptLate
                $0.atMs = 1 << 40
            }
        }
    }

    static let reply = filled(WireSchedulerReply.self) {
        $0.receipts = Data((try? receipts.serializedBytes()) ?? [])
        $0.receiptsSignature = Data(repeating: 1, count: 64)
        $0.tasks = [offer]
        $0.abortTasks = [task, 9]
        $0.nextCallSeconds = 2.5
        $0.noWorkReasons = ["no tasks"]
        $0.serverTimeMs = 1 << 40
        $0.creditMicrocobblestones = 5
        $0.validTasks = 3
        $0.invalidTasks = 1
    }

    static let offer = filled(WireTaskOffer.self) {
        $0.taskID = task
        $0.unitSha256 = digest
        $0.unitBytes = 3
        $0.unitInline = Data([1, 2, 3])
        $0.deadlineMs = 1 << 41
        $0.estimatedSeconds = 100
        $0.uploadTicket = String(repeating: "ab", count: 64)
        $0.project = "gamma-pulsar"
        $0.flops = 1e12
    }

    static let submit = filled(WireSubmitRequest.self) {
        $0.manifest = "name: a\ntitle: b\n"
        $0.inputs = [input]
    }

    static let project = filled(WireProjectInfo.self) {
        $0.protocolVersion = 1
        $0.site = "Test site"
        $0.publicKey = digest
        $0.projects = [
            filled(WireProjectSummary.self) {
                $0.name = "a"
                $0.title = "b"
                $0.description_p = "c"
                $0.scienceArea = "d"
                $0.licence = "MIT"
                $0.app = "e"
            }
        ]
        $0.serverTimeMs = 1 << 40
    }

    static let registered = filled(WireRegisterReply.self) {
        $0.hostID = 1
        $0.volunteerID = 2
        $0.sequence = 3
    }

    static let error = filled(WireErrorReply.self) {
        $0.code = "stale_sequence"
        $0.message = "m"
        $0.advice = "a"
        $0.sequence = 12
    }

    static let difference = filled(WireDifferenceMessage.self) {
        $0.element = "power[3]"
        $0.distance = 2
        $0.tolerance = 1
    }

    static let status = filled(WireBatchList.self) {
        $0.batches = [
            filled(WireBatchStatus.self) {
                $0.batchID = 1
                $0.project = "p"
                $0.state = "running"
                $0.unitsTotal = 100
                $0.unitsPerSecond = 0.5
                $0.etaSeconds = 60
                $0.resultFiles = ["a.csv"]
            }
        ]
    }

    static let credit = filled(WireCreditReport.self) {
        $0.hosts = [
            filled(WireCreditRow.self) {
                $0.hostID = 1
                $0.hostName = "h"
                $0.microcobblestones = 5
                $0.measuredGflops = 2
            }
        ]
        $0.balanced = true
    }

    static let validation = filled(WireValidationReport.self) {
        $0.batchID = 1
        $0.units = [
            filled(WireUnitReport.self) {
                $0.index = 1
                $0.canonical = 0
                $0.tasks = [
                    filled(WireTaskVerdictRow.self) {
                        $0.ordinal = 1
                        $0.element = "x[3]"
                        $0.distance = 1
                    }
                ]
            }
        ]
    }

    static let disagreements = filled(WireDisagreementReport.self) {
        $0.batchID = 1
        $0.rows = [
            filled(WireDisagreementRow.self) {
                $0.hostID = 2
                $0.againstHostIds = [1, 3]
                $0.distance = .infinity
            }
        ]
        $0.edges = [filled(WireAgreementEdge.self) { ($0.hostA, $0.hostB, $0.met) = (1, 2, 300) }]
        $0.cliques = [
            filled(WireSuspectedClique.self) {
                $0.hostIds = [2, 4]
                $0.chance = 1e-9
                $0.links = [filled(WireCliqueLink.self) { $0.standing = 3 }]
            }
        ]
    }

    static let progress = filled(WireRunProgress.self) {
        $0.fraction = 0.5
        $0.cpuSeconds = 1
        $0.wallSeconds = 2
        $0.peakMemoryBytes = 1 << 20
        $0.done = true
        $0.fingerprint = "f"
        $0.kernelSeconds = 0.5
    }
}
