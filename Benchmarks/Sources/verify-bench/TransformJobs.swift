import Compute
import Glibc

func transforms(_ sizes: [Int]) {
    for size in sizes {
        guard let input = AlignedBuffer<Double>(count: 2 * size), let output = AlignedBuffer<Double>(count: 2 * size),
            let scratch = AlignedBuffer<Double>(count: 2 * size)
        else { exit(71) }
        var source = Challenge(UInt64(size))
        for (at, value) in source.gaussians(2 * size).enumerated() { input.base[at] = value }
        // Planning by measurement of the largest size takes a minute and more.
        let isLong = size > 1 << 20 && !CommandLine.arguments.contains("--all")
        let efforts: [PlanEffort] = isLong ? [.estimate] : [.estimate, .measure]
        for effort in efforts {
            guard let plan = ComplexPlan(size: size, direction: .forward, effort: effort) else { exit(71) }
            var job = Double.infinity
            for _ in 0..<repeats {
                scratch.base.update(from: input.base, count: 2 * size)
                job = min(job, best(of: 1) { plan.execute(from: scratch.base, to: output.base) })
            }
            for trials in [1, 2] {
                let check = TransformCheck(.forward, size: size, trials: trials, challenge: 82)
                var proof = Proof.undecided("")
                let time = best(of: repeats) {
                    proof = check.verify(
                        input: UnsafeBufferPointer(start: input.base, count: 2 * size),
                        output: UnsafeBufferPointer(start: output.base, count: 2 * size))
                }
                let name = effort == .estimate ? "ESTIMATE" : "MEASURE"
                report("FFT \(size) \(name), \(trials) vector\(trials > 1 ? "s" : "")", job: job, check: time, proof)
            }
        }
    }
}
