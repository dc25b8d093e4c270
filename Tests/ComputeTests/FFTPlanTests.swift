import Compute
import Foundation
import Testing

@Suite struct FFTPlanTests {
    @Test(arguments: [1, 2, 15, 64, 90, 256], [PlanEffort.estimate, .measure])
    func agreesWithTheNaiveTransform(_ size: Int, _ effort: PlanEffort) throws {
        let plan = try present(FFTPlan(size: size, effort: effort))
        let input = try present(AlignedBuffer<Float>(count: 2 * size))
        let output = try present(AlignedBuffer<Float>(count: 2 * size))
        for index in 0..<(2 * size) { input.base[index] = Float(sin(Double(index * index) * 0.37)) }
        plan.execute(from: input.base, to: output.base)
        var worst = 0.0
        for k in 0..<size {
            var re = 0.0
            var im = 0.0
            for n in 0..<size {
                let angle = 2 * Double.pi * Double(n * k % size) / Double(size)
                let x = Double(input.base[2 * n])
                let y = Double(input.base[2 * n + 1])
                re += x * cos(angle) - y * sin(angle)
                im += x * sin(angle) + y * cos(angle)
            }
            worst = max(worst, abs(re - Double(output.base[2 * k])), abs(im - Double(output.base[2 * k + 1])))
        }
        #expect(worst < 1e-6 * Double(size).squareRoot() * 10)
    }

    @Test func plansCanBeMadeAndRunFromManyThreads() async {
        let sums = await withTaskGroup(of: Float.self, returning: [Float].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    guard let plan = FFTPlan(size: 96, effort: .estimate), let a = AlignedBuffer<Float>(count: 192),
                        let b = AlignedBuffer<Float>(count: 192)
                    else { return .nan }
                    a.fill(1)
                    for _ in 0..<50 { plan.execute(from: a.base, to: b.base) }
                    return b.base[0]
                }
            }
            var all: [Float] = []
            for await sum in group { all.append(sum) }
            return all
        }
        #expect(sums == [Float](repeating: 96, count: 8))
    }

    @Test func wisdomGoesOutAndIn() throws {
        _ = try present(FFTPlan(size: 240, effort: .measure))
        let wisdom = FFTWisdom.export()
        #expect(!wisdom.isEmpty)
        #expect(FFTWisdom.add(wisdom))
        #expect(!FFTWisdom.add(Array("(no wisdom at all".utf8)))
        #expect(!FFTWisdom.add([]))
        #expect(!FFTWisdom.add([40, 0, 41]))
        #expect(FFTWisdom.libraryVersion.hasPrefix("fftw-3"))
    }
}
