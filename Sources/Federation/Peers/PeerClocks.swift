import Synchronization
import WaggleProtocol

/// How far the clocks of other nodes are from this one's, told by the `Date` of their answers (RFC 9110, 6.6.1).
///
/// One clock that differs is somebody else's; where most differ the same way it is this node's own.
public final class PeerClocks: Sendable {
    private let skews = Mutex<[String: Int64]>([:])

    public init() {}

    /// Notes an answer of a node, by its address. What has no date, or none that can be read, says nothing.
    ///
    /// - Parameters:
    ///   - sent: unix seconds when the request left.
    ///   - received: unix seconds when its answer came.
    func note(_ url: String, date: String?, sent: UInt64, received: UInt64) {
        guard let date, let theirs = Self.seconds(of: date), sent <= received else { return }
        // Their clock was read somewhere between the two.
        let skew: Int64 =
            if theirs > Int64(received) { theirs - Int64(received) } else { min(0, theirs + 1 - Int64(sent)) }
        skews.withLock { skews in
            guard skews[url] != nil || skews.count < Limits.Doctor.clockedPeers else { return }
            skews[url] = skew
        }
    }

    /// What they are ahead in the middle, in seconds: negative when this node's clock is ahead of most; and of how many nodes.
    public var median: (seconds: Int64, nodes: Int)? {
        let sorted = skews.withLock { $0.values.sorted() }
        return sorted.isEmpty ? nil : (sorted[sorted.count / 2], sorted.count)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Unix seconds of `Sun, 06 Nov 1994 08:49:37 GMT`; nil for any other form.
    static func seconds(of text: String) -> Int64? {
        let parts = text.split(whereSeparator: { " ,:".contains($0) })
        guard text.utf8.count <= 40, parts.count == 8, parts[7] == "GMT", let day = Int64(parts[1]),
            let month = months.firstIndex(of: String(parts[2])), let year = Int64(parts[3]), let hour = Int64(parts[4]),
            let minute = Int64(parts[5]), let second = Int64(parts[6]), (1970...9999).contains(year),
            (1...31).contains(day), (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        // Days since 1970-01-01 of the proleptic Gregorian calendar, years beginning in March.
        let shifted = month < 2 ? year - 1 : year
        let dayOfYear = (153 * ((Int64(month) + 10) % 12) + 2) / 5 + day - 1
        let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }
}
