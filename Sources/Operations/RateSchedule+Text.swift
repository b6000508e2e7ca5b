public import Federation
import WaggleProtocol

extension RateSchedule {
    /// Reads limits as people write them, entries apart by semicolons, the later ones before the earlier:
    ///
    ///     20MB/s
    ///     20MB/s; mon-fri 08:00-18:00 5MB/s; peer 2MB/s; sat,sun mirror none
    ///
    /// An entry is days, hours, `peer` or a class, all of which may be left out, and a rate or `none`. Nil when a part makes
    /// no sense.
    public init?(_ text: String) {
        self.init()
        for part in text.split(separator: ";") {
            let words = part.lowercased().split(separator: " ").map(String.init)
            guard let last = words.last, let rate = Self.rate(last) else { return nil }
            var entry = Entry(rate: rate.bytes)
            for word in words.dropLast() where !Self.read(word, &entry) { return nil }
            entries.append(entry)
        }
    }

    private static func read(_ word: String, _ entry: inout Entry) -> Bool {
        if word == "peer" {
            entry.scope = .peer
        } else if let kind = TransferClass(rawValue: word) {
            entry.scope = .kind(kind)
        } else if let hours = hours(word) {
            (entry.from, entry.to) = hours
        } else if let days = days(word) {
            entry.days = days
        } else {
            return false
        }
        return true
    }

    /// `5MB/s`; `none` lifts a limit.
    private static func rate(_ word: String) -> (bytes: UInt64?, Void)? {
        if word == "none" { return (nil, ()) }
        guard word.hasSuffix("/s"), let size = ByteSize(String(word.dropLast(2))), size.bytes >= Limits.Rate.least
        else { return nil }
        return (size.bytes, ())
    }

    /// `08:00-18:00`; `22:00-06:00` ends on the next day.
    private static func hours(_ word: String) -> (Int?, Int?)? {
        let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { minute($0) }
        guard ends.count == 2, let from = ends[0], let to = ends[1], from < 1440, from != to else { return nil }
        return (from, to)
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isNumber) }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= 1440
        else { return nil }
        return hour * 60 + minute
    }

    /// `mon-fri`, `sat,sun`, `fri-mon`.
    private static func days(_ word: String) -> Set<Int>? {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        var days: Set<Int> = []
        for part in word.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { end in
                names.firstIndex(of: String(end))
            }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
            var day = first
            days.insert(day)
            while day != last {
                day = (day + 1) % 7
                days.insert(day)
            }
        }
        return days
    }
}
