import FoundationEssentials
import Testing

@testable import BlobStore

@Suite("a set of units")
struct UnitSetTests {
    @Test("it agrees with a plain set", arguments: [1, 2, 3] as [UInt64])
    func model(seed: UInt64) {
        let picks = randomBytes(200, seed: seed)
        for capacity in [1, 7, 8, 9, 64, 200] {
            var units = UnitSet(capacity: capacity)
            var model: Set<Int> = []
            for pick in picks {
                let unit = Int(pick) % capacity
                units.insert(unit)
                model.insert(unit)
                #expect(units.count == model.count)
            }
            let missing = (0..<capacity).filter { !model.contains($0) }
            #expect(units.missing.flatMap { Array($0) } == missing, "seed \(seed)")
            #expect(units.isFull == missing.isEmpty)
            #expect(UnitSet(units.data, count: capacity) == units)
            #expect((-1...capacity).filter { units.contains($0) } == model.sorted())
        }
    }

    @Test("a bitmap of another length is read as far as it fits")
    func foreignBitmap() {
        #expect(UnitSet(Data([0xFF, 0xFF, 0xFF]), count: 10).isFull)
        #expect(UnitSet(Data(), count: 10).count == 0)
        #expect(UnitSet(Data([0b101]), count: 10).missing == [1..<2, 3..<10])
    }
}
