import Foundation

/// How many seeds a simulation runs: few in every test run, as many as wanted in `make soak`.
enum Soak {
    static func seeds(_ usual: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment["WAGGLE_SEEDS"].flatMap { UInt64($0) } ?? usual
    }
}
