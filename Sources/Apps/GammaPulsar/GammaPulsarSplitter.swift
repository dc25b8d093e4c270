import Bytes
import Compute
import Glibc
import Plugins

/// Cuts a search into bands of frequency times slices of derivative ratios, bands first.
struct GammaPulsarSplitter: Splitter {
    func next(_ context: AppContext, cursor: [UInt8], limit: Int) throws(AppError) -> SplitStep {
        let (parameters, photons, pairs) = try GammaPulsarSplitter.checked(context)
        let slices = GammaPulsarSplitter.slices(ratios: parameters.ratios.count, perUnit: context.stepsPerUnit)
        let total = parameters.bandCount * slices.count
        let start = try GammaPulsarSplitter.position(cursor, total: total)
        let reference = photons.meanTime
        let end = min(total, start + max(1, limit))
        var drafts: [UnitDraft] = []
        for index in start..<end {
            let slice = slices[index % slices.count]
            let unit = GammaPulsarSplitter.unit(parameters, band: index / slices.count, slice, reference)
            let counted = try GammaPulsarSplitter.flopsPerStep(unit, pairs: pairs)
            let perStep = context.flopsPerStep ?? counted
            drafts.append(
                UnitDraft(
                    label: GammaPulsarSplitter.label(unit), flops: perStep * Double(slice.count),
                    payload: unit.payload()))
        }
        var writer = ByteWriter()
        writer.put(i64: Int64(end))
        return SplitStep(drafts: drafts, cursor: writer.bytes, finished: end == total)
    }

    /// Ratios in even slices of at most `perUnit`.
    static func slices(ratios: Int, perUnit: Int) -> [Range<Int>] {
        let count = (ratios + max(1, perUnit) - 1) / max(1, perUnit)
        return (0..<count).map { ($0 * ratios / count)..<(($0 + 1) * ratios / count) }
    }

    private static func position(_ cursor: [UInt8], total: Int) throws(AppError) -> Int {
        if cursor.isEmpty { return 0 }
        guard let values = LittleEndian.int64s(from: cursor), values.count == 1, values[0] >= 0,
            values[0] <= Int64(total)
        else { throw .badUnit("split cursor: not one of this project") }
        return Int(values[0])
    }

    /// Parameters, photons and the number of their pairs.
    /// - Throws: everything that is wrong with them at once, see `AppError.joined`.
    private static func checked(
        _ context: AppContext
    ) throws(AppError) -> (parameters: SearchParameters, photons: Photons, pairs: Int) {
        var (parameters, faults) = SearchParameters.read(context)
        func isDoubtful(_ parameter: String) -> Bool {
            faults.contains { if case .badParameter(parameter, _) = $0 { true } else { false } }
        }
        do throws(AppError) {
            let photons = try Photons(context.inputs)
            if !isDoubtful("f1_over_f") { faults += stretchFaults(parameters, photons) }
            var pairs = 0
            if !isDoubtful("lag_window_s") {
                pairs = try PhotonPairs.count(photons, lagWindow: parameters.lagWindow)
            }
            if faults.isEmpty { return (parameters, photons, pairs) }
        } catch {
            faults.append(error)
        }
        throw AppError.joined(faults) ?? .badUnit("the project cannot be checked")
    }

    /// A stretched lag must stay a lag: the ratios times half of the observation are far below 1.
    private static func stretchFaults(_ parameters: SearchParameters, _ photons: Photons) -> [AppError] {
        let reference = photons.meanTime
        let reach = max(abs(photons.times[0] - reference), abs(photons.times[photons.times.count - 1] - reference))
        return parameters.ratios.filter { abs($0) * reach > 0.01 }.prefix(10).map { ratio in
            .badParameter(
                name: "f1_over_f",
                "\(ratio) 1/s changes the frequency by more than 1 % within the observation; expected: "
                    + "at most \(NumberText.scientific(0.01 / reach)) 1/s either way")
        }
    }

    static func unit(
        _ parameters: SearchParameters, band: Int, _ slice: Range<Int>, _ reference: Double
    ) -> SearchUnit {
        let low = parameters.frequencyMin + Double(band) * parameters.bandWidth
        return SearchUnit(
            bandIndex: band, firstRatio: slice.lowerBound, bandLow: low, bandWidth: parameters.bandWidth,
            searchHigh: min(low + parameters.bandWidth, parameters.frequencyMax), lagWindow: parameters.lagWindow,
            veto: parameters.veto, referenceTime: reference, candidatesMax: parameters.candidates,
            ratios: Array(parameters.ratios[slice]))
    }

    static func label(_ unit: SearchUnit) -> String {
        let band = "\(NumberText.short(unit.bandLow))-\(NumberText.short(unit.searchHigh)) Hz"
        let last = unit.firstRatio + unit.ratios.count - 1
        return last == unit.firstRatio ? "\(band), ratio \(last)" : "\(band), ratios \(unit.firstRatio)-\(last)"
    }

    /// One transform: 5 n log2 n for the complex FFT, 14 n for its twiddle factors, 18 n for the scan of 2 n
    /// frequencies, 190 for each pair's way onto the grid.
    static func flopsPerStep(_ unit: SearchUnit, pairs: Int) throws(AppError) -> Double {
        let cells = Double(try unit.geometry().cells)
        return cells * (5 * log2(cells) + 14 + 18) + 190 * Double(pairs)
    }
}
