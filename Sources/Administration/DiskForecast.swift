/// How much of the disk was free on a day.
public struct DiskSample: Hashable, Sendable {
    /// Days since 1970.
    public let day: Int64
    /// Bytes.
    public let free: UInt64

    public init(day: Int64, free: UInt64) {
        self.day = day
        self.free = free
    }
}

/// Says when a disk will be full, if it goes on as it went: the line through the samples (least squares), from the newest on.
public enum DiskForecast {
    /// Days until nothing is free beyond what is to stay free; 0 when that is so now, nil when it does not shrink, or when
    /// there are fewer than three days to tell from.
    ///
    /// - Parameter keepFree: bytes that are left to others.
    public static func daysLeft(_ samples: [DiskSample], keepFree: UInt64) -> Int? {
        guard let newest = samples.max(by: { $0.day < $1.day }) else { return nil }
        if newest.free <= keepFree { return 0 }
        guard samples.count >= 3 else { return nil }
        let count = Double(samples.count)
        // Counted from the newest day, so that the numbers stay small.
        let days = samples.map { Double($0.day - newest.day) }
        let bytes = samples.map { Double($0.free) }
        let (meanDay, meanBytes) = (days.reduce(0, +) / count, bytes.reduce(0, +) / count)
        let spread = days.reduce(0) { $0 + ($1 - meanDay) * ($1 - meanDay) }
        guard spread > 0 else { return nil }
        let together = zip(days, bytes).reduce(0) { $0 + ($1.0 - meanDay) * ($1.1 - meanBytes) }
        let perDay = together / spread
        guard perDay < 0 else { return nil }
        let left = Double(newest.free - keepFree) / -perDay
        return left < 3650 ? Int(left) : nil
    }
}
