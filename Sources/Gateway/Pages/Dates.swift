/// Times as text, in UTC.
enum Dates {
    /// `2026-08-14`
    static func day(_ unix: UInt64) -> String {
        // Days since 0000-03-01 of the proleptic Gregorian calendar: years that begin in March put the leap day last.
        let days = Int(clamping: min(unix, 253_402_300_799) / 86400) + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// `2026-08-14T09:30:00.000Z`
    static func timestamp(_ unix: UInt64) -> String {
        let seconds = Int(unix % 86400)
        let time = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        return "\(day(unix))T\(time).000Z"
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
