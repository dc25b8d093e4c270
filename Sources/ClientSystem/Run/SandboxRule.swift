import ClientCore
import Domain
import WorkerHost

/// When this client computes at all.
///
/// Kernels are part of Millrace: they may run with fewer layers than a computer could have (an older Linux, a
/// container), and without any only if the volunteer says so. Programs that scientists wrote run in the whole sandbox
/// or not at all.
public enum SandboxRule {
    /// What holds kernels on this computer.
    static func status(_ sandbox: WorkerSandbox, _ answer: SandboxAnswer) -> ClientStatus.Sandbox {
        let layers = answer.kernel
        return ClientStatus.Sandbox(
            isOn: sandbox.isOn, layers: layers,
            lacking: layers.shortfall(of: SandboxDemand.kernel.joined(with: sandbox.demand)))
    }

    /// Why nothing is computed, with what to do; nil: it may be.
    public static func refusal(_ sandbox: ClientStatus.Sandbox) -> Fault? {
        guard sandbox.isOn, let lacking = sandbox.lacking else { return nil }
        return Fault(
            .configuration, "there is no sandbox for tasks: it lacks \(lacking)",
            advice: "docs/sandbox.md says what each layer needs; run --no-sandbox computes without one.")
    }

    /// Why a project's work is not taken, where it demands more than this computer has; nil: it is.
    ///
    /// - Parameters:
    ///   - demand: the project's own, beyond what its kind of work always demands.
    ///   - isProgram: a program that a scientist wrote; else a kernel of Millrace.
    ///   - isOn: kernels may run without a sandbox when somebody said so, unless the project demands one.
    public static func objection(
        to demand: SandboxDemand, isProgram: Bool, isOn: Bool = true, in answer: SandboxAnswer
    ) -> String? {
        let least: SandboxDemand = isProgram ? .program : isOn ? .kernel : .nothing
        let layers = isProgram ? answer.program : isOn ? answer.kernel : SandboxLayers()
        guard let lacking = layers.shortfall(of: least.joined(with: demand)) else { return nil }
        return isOn || isProgram
            ? "it demands a sandbox that this computer does not have: \(lacking)"
            : "it demands a sandbox, and this client runs without one: \(lacking)"
    }
}
