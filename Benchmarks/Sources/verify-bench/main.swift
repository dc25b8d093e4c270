// Times mathematical checks beside their jobs: `verify-bench [--quick]`. One thread, its CPU time, best of several.
import Bytes
import Compute
import Domain
import Glibc

func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

/// The best of `repeats` timings, in seconds.
func best(of repeats: Int, _ body: () -> Void) -> Double {
    var shortest = Double.infinity
    for _ in 0..<repeats {
        let start = seconds()
        body()
        shortest = min(shortest, seconds() - start)
    }
    return shortest
}

/// A number with `digits` digits in a column of `width`.
func column(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = pow(10.0, Double(digits))
    let whole = (value.magnitude * scale).rounded()
    var text = String(Int(whole))
    while text.count <= digits { text = "0" + text }
    let cut = text.index(text.endIndex, offsetBy: -digits)
    return (value < 0 ? "-" : "") + text[..<cut] + (digits > 0 ? "." + text[cut...] : "")
}

func scientific(_ value: Double) -> String {
    guard value > 0 else { return "0" }
    let exponent = floor(log10(value))
    return fixed(value / pow(10, exponent), 1) + "e" + String(Int(exponent))
}

func line(_ name: String, _ cells: [String]) {
    print(name + String(repeating: " ", count: max(1, 34 - name.count)) + cells.map { column($0, 11) }.joined())
}

/// Prints a row; a check that does not pass its honest result ends the program.
func report(_ name: String, job: Double, check: Double, _ proof: Proof) {
    guard case .holds(let evidence) = proof else {
        print("\(name): an honest result was refused: \(proof)")
        exit(70)
    }
    line(
        name,
        [
            fixed(job * 1e3, 2), fixed(check * 1e3, 3), "1/" + fixed(job / check, 1), scientific(evidence.share),
            scientific(evidence.tolerance), scientific(evidence.floor), scientific(evidence.missProbability),
        ])
}

let isQuick = CommandLine.arguments.contains("--quick")
let repeats = isQuick ? 2 : 7
BLAS.setThreads(1)
print("floor: the smallest error, in units of the claim, that is found except with the probability in the last column")
line("job", ["job ms", "check ms", "ratio", "share", "tolerance", "floor", "miss"])
products(isQuick ? 512 : 2048)
integers(isQuick ? 192 : 1024)
transforms(isQuick ? [1 << 12, 1 << 16] : [1 << 16, 1 << 20, 1 << 22])
factors(isQuick ? 400 : 2000)
