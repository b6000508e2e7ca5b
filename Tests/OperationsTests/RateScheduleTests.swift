import Federation
import Testing

@testable import Operations

@Suite("Rate limits as people write them")
struct RateScheduleTests {
    @Test("days, hours, classes and rates are read, entries apart by semicolons")
    func reads() {
        #expect(RateSchedule("") == RateSchedule())
        #expect(RateSchedule("20MB/s") == RateSchedule([.init(rate: 20_000_000)]))
        #expect(
            RateSchedule("20MB/s; mon-fri 08:00-18:00 5MB/s")
                == RateSchedule([
                    .init(rate: 20_000_000), .init(days: [0, 1, 2, 3, 4], from: 480, to: 1080, rate: 5_000_000),
                ]))
        #expect(
            RateSchedule("Fri-Mon,wed 22:00-06:00 mirror none;peer 1MiB/s;")
                == RateSchedule([
                    .init(days: [4, 5, 6, 0, 2], from: 1320, to: 360, scope: .kind(.mirror), rate: nil),
                    .init(scope: .peer, rate: 1 << 20),
                ]))
        #expect(RateSchedule("00:00-24:00 model 20kB/s")?.entries.first?.to == 1440)
    }

    @Test(
        "what makes no sense is refused",
        arguments: [
            "fast", "20MB", "5kB/s", "mon-fry 5MB/s", "08:00-25:00 5MB/s", "8-18 5MB/s", "08:00-08:00 5MB/s",
            "5MB/s mon",
            "torrents 5MB/s", "08:61-09:00 5MB/s",
        ])
    func refuses(text: String) {
        #expect(RateSchedule(text) == nil)
    }
}
