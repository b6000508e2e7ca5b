import Glibc

/// What a job costs, from the request alone, so that who pays and who is paid come to the same number.
///
/// A unit is one pass through the network of SD 1.5 at 512×512. Seconds would differ from machine to machine.
public struct GenerationPrice: Hashable, Sendable {
    /// How much work a job is, in thousandths of a unit, at least 1.
    public static func milliunits(_ plan: GenerationPlan, models: ModelSet) -> Int64 {
        let area = Double(plan.width * plan.height) / (512 * 512)
        // An edit of a picture starts part of the way.
        let share = plan.initImage == nil ? 1 : max(0.05, plan.strength)
        let passes = max(1, (Double(plan.steps) * share).rounded(.up)) * (plan.cfgScale > 1 ? 2 : 1)
        let picture = passes * pow(area, 1.1) * family(models) + decoding(models) * area
        let loading = 0.5 * Double(models.bytes) / 1e9
        let units = picture * Double(plan.batch) + loading
        return Int64(min(max(1, (units * 1000).rounded(.up)), 1e15))
    }

    /// Whole Buzz for a job at a price of `perUnit` for a unit, rounded up; 0 where drawing is free.
    public static func buzz(milliunits: Int64, perUnit: Double) -> Int64 {
        guard perUnit > 0, perUnit.isFinite else { return 0 }
        return Int64(min((Double(milliunits) / 1000 * perUnit).rounded(.up), 1e15))
    }

    /// Networks by the size of their file, in SD 1.5's passes.
    private static func family(_ models: ModelSet) -> Double {
        switch models.checkpoint.size {
        case ..<1_200_000_000: 0.4
        case ..<3_500_000_000: 1
        case ..<9_000_000_000: 3
        default: 8
        }
    }

    /// Small models bring a small decoder.
    private static func decoding(_ models: ModelSet) -> Double {
        models.checkpoint.size < 1_200_000_000 ? 0.2 : 1
    }
}
