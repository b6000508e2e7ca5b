/// Times as text, in UTC.
enum Dates {
    /// `2026-08-14`
    static func day(_ unix: UInt64) -> String {
        let (year, month, day) = parts(unix)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    private static func parts(_ unix: UInt64) -> (year: Int, month: Int, day: Int) {
        // Days since 0000-03-01 of the proleptic Gregorian calendar: years that begin in March put the leap day last.
        let days = Int(clamping: min(unix, 253_402_300_799) / 86400) + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// `2026-08-14T09:30:00.000Z`; long answers of the APIs have hundreds.
    static func timestamp(_ unix: UInt64) -> String {
        let (date, seconds) = (parts(unix), Int(unix % 86400))
        return String(unsafeUninitializedCapacity: 24) { text in
            _ = text.initialize(from: "0000-00-00T00:00:00.000Z".utf8)
            func put(_ number: Int, upTo end: Int) {
                var (number, place) = (number, end)
                while number > 0 {
                    place -= 1
                    text[place] = UInt8(ascii: "0") + UInt8(number % 10)
                    number /= 10
                }
            }
            put(date.year, upTo: 4)
            put(date.month, upTo: 7)
            put(date.day, upTo: 10)
            put(seconds / 3600, upTo: 13)
            put(seconds / 60 % 60, upTo: 16)
            put(seconds % 60, upTo: 19)
            return 24
        }
    }

    /// `2026-08-14 09:30Z`, for people and for `datetime`.
    static func minute(_ unix: UInt64) -> String {
        let minutes = Int(unix % 86400) / 60
        return "\(day(unix)) \(padded(minutes / 60, 2)):\(padded(minutes % 60, 2))Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
